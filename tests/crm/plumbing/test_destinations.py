"""Where requests may go: the CRM on the LAN, and nowhere that mallory would like."""

import socket
from ipaddress import ip_address
from typing import Any

import pytest

from chatbot.models import Server, Tier
from crm.plumbing import destinations
from crm.plumbing.destinations import DestinationRefused, check

pytestmark = pytest.mark.django_db
LAN = ["10.0.0.0/8", "crm.corp:8443", "https://erp.corp:443", "127.0.0.1:9000", "fd00::/8"]
NAMES = {
    "crm.corp": ["192.168.7.7"],
    "erp.corp": ["172.16.0.5"],
    "lan.corp": ["10.1.2.3"],
    "two.corp": ["10.1.2.3", "8.8.8.8"],
    "rebound.corp": ["127.0.0.1"],
    "meta.corp": ["169.254.169.254"],
    "postgres": ["10.0.0.20"],
    "vllm": ["10.0.0.30"],
}


@pytest.fixture(autouse=True)
def lan(settings: Any) -> None:
    settings.WEBHOOK_ALLOWED = LAN


def resolve(host: str, port: int, **_: Any) -> list[Any]:
    if host not in NAMES:
        raise socket.gaierror("Name or service not known")
    return [(2, 1, 6, "", (address, port)) for address in NAMES[host]]


def to(url: str) -> str:
    return check(url, resolve).url


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("https://crm.corp:8443/hooks?a=1", "https://192.168.7.7:8443/hooks?a=1"),
        ("http://crm.corp:8443/", "http://192.168.7.7:8443/"),
        ("https://erp.corp/x", "https://172.16.0.5:443/x"),
        ("https://ERP.corp./x", "https://172.16.0.5:443/x"),
        ("http://10.4.5.6:81/", "http://10.4.5.6:81/"),
        ("http://lan.corp/", "http://10.1.2.3:80/"),
        ("http://127.0.0.1:9000/sink", "http://127.0.0.1:9000/sink"),
        ("http://[fd00::5]:80/", "http://[fd00::5]:80/"),
        ("http://[::ffff:10.1.2.3]/", "http://[::ffff:a01:203]:80/"),
    ],
)
def test_what_is_listed_is_reached_at_the_address_that_was_judged(url: str, where: str) -> None:
    assert to(url) == where


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/",
        "http://crm.corp:80/",
        "http://erp.corp:443/",
        "http://two.corp/",
        "http://unknown.corp/",
        "http://rebound.corp:9000/",
        "http://rebound.corp/",
        "http://meta.corp/",
        "http://127.0.0.1:9001/",
        "http://localhost:9000/",
        "http://127.1:9000/",
        "http://0x7f.0.0.1:9000/",
        "http://0177.0.0.1:9000/",
        "http://2130706433:9000/",
        "http://0xa010203/",
        "http://167838211/",
        "http://[::1]:9000/",
        "http://[::ffff:127.0.0.1]:9000/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://[::7f00:1]/",
        "http://[::a9fe:a9fe]/",
        "http://[2001:0:a9fe:a9fe::]/",
        "http://①②⑦.⓪.⓪.①/",
        "http://rebound.corp.:9000/",
        "http://0300.0250.7.7:8443/",
        "http://10.0.0.1%2f@8.8.8.8/",
        "http://[fe80::1%25eth0]/",
        "http://0.0.0.0:9000/",
        "http://[::]:9000/",
        "http://224.0.0.1/",
        "http://crm.corp@8.8.8.8/",
        "http://8.8.8.8#@10.0.0.1/",
        "http://10.0.0.1:80@8.8.8.8/",
        "http://user:secret@10.0.0.1/",
        "http://10.0.0.1\\@8.8.8.8/",
        "http://10.0.0.1\n.evil/",
        "ftp://10.0.0.1/",
        "file:///etc/passwd",
        "gopher://10.0.0.1/",
        "//10.0.0.1/",
        "http:///x",
        "http://10.0.0.1:99999/",
        "http://[10.0.0.1/",
        "",
    ],
)
def test_what_is_not_listed_or_in_disguise_is_refused(url: str) -> None:
    with pytest.raises(DestinationRefused):
        to(url)


def test_our_own_services_are_refused_inside_an_allowed_network(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATABASES = {"default": {"HOST": "10.0.0.20", "PORT": "5432"}}
    settings.REDIS_URL, settings.SLM_URL = "redis://10.0.0.21:6379", "http://10.0.0.30:8100/v1"
    settings.HOST, settings.PORT = "10.0.0.9", 8000
    for url in (
        "http://postgres:5432/",
        "http://10.0.0.21:6379/",
        "http://vllm:8100/v1/",
        "http://10.0.0.9:8000/admin/",
        "http://[::ffff:10.0.0.21]:6379/",
    ):
        with pytest.raises(DestinationRefused, match="own services"):
            to(url)
    assert to("http://10.0.0.21:80/")
    settings.SLM_URL = "http://vllm/v1"
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setitem(NAMES, "vllm", ["10.0.0.31"])
    assert to("http://10.0.0.32/")
    monkeypatch.setitem(NAMES, "vllm", ["10.0.0.32"])
    with pytest.raises(DestinationRefused, match="own services"):
        to("http://vllm/")  # By its name, whatever it resolves to; without a port it has the usual.


def test_the_servers_of_the_language_model_are_our_own(settings: Any) -> None:
    tier = Tier.objects.create(name="large", model="slm")
    Server.objects.create(tier=tier, url="http://10.0.0.40:8100/v1")
    with pytest.raises(DestinationRefused, match="own services"):
        to("http://10.0.0.40:8100/hook")
    assert to("http://10.0.0.40:8200/hook")


def test_unless_told_nothing_is_allowed(settings: Any) -> None:
    settings.WEBHOOK_ALLOWED = []
    with pytest.raises(DestinationRefused, match="add lan.corp:80 to WEBHOOK_ALLOWED"):
        to("http://lan.corp/")


DISGUISES = [
    "::ffff:{}",
    "::ffff:0:{}",
    "::{}",
    "64:ff9b::{}",
    "64:ff9b:1::{}",
    "fd00::5efe:{}",
    "fd00::200:5efe:{}",
]


def disguised(inner: str) -> list[str]:
    """The IPv4 address in every form of IPv6 that a router may turn back into it."""
    number = int(ip_address(inner))
    forms = [str(ip_address(form.format(inner))) for form in DISGUISES]
    teredo = f"2001:0:102:304::{(number ^ 0xFFFFFFFF) >> 16:x}:{(number ^ 0xFFFFFFFF) & 0xFFFF:x}"
    as_server = f"2001:0:{number >> 16:x}:{number & 0xFFFF:x}::"
    return [*forms, teredo, as_server, f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1"]


@pytest.mark.parametrize("inner", ["127.0.0.1", "127.8.9.1", "169.254.169.254", "0.0.0.0"])
@pytest.mark.parametrize("lists", [["::/0"], ["0.0.0.0/0", "::/0"], ["::/0", "10.0.0.0/8"]])
def test_no_translation_leads_to_this_machine(settings: Any, lists: list[str], inner: str) -> None:
    settings.WEBHOOK_ALLOWED = lists
    for address in disguised(inner):
        with pytest.raises(DestinationRefused):
            to(f"http://[{address}]/")


@pytest.mark.parametrize("inner", ["10.1.2.3", "192.168.1.9"])
def test_all_of_ipv6_is_not_all_of_ipv4(settings: Any, inner: str) -> None:
    settings.WEBHOOK_ALLOWED = ["::/0"]
    for address in disguised(inner):
        with pytest.raises(DestinationRefused):
            to(f"http://[{address}]/")
    assert to("http://[2a00::5]/")
    assert to("http://[fd00::5]/")


def test_a_network_of_everything_does_not_open_loopback_or_metadata(settings: Any) -> None:
    settings.WEBHOOK_ALLOWED = ["0.0.0.0/0", "::/0"]
    assert to("http://8.8.8.8/")
    for url in (
        "http://127.0.0.1/",
        "http://169.254.169.254/",
        "http://[::1]/",
        "http://[::127.0.0.1]/",
        "http://[2001:0:7f00:1::]/",
        "http://[fd20:ce::254]/",
        "http://100.100.100.200/",
    ):
        with pytest.raises(DestinationRefused):
            to(url)


@pytest.mark.parametrize("line", ["crm", "10.0.0.0/99", "ftp://x:21", "https://x:1/path", ""])
def test_a_line_that_is_none_says_so(line: str) -> None:
    with pytest.raises(ValueError):
        destinations.parsed(line)
