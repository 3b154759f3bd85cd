"""What Attune fetches from inside the network, and what mallory cannot make it fetch."""

import gzip
import socket
import threading
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatbot.config import environment
from crm.plumbing import fetching
from crm.plumbing.destinations import DestinationRefused
from crm.plumbing.fetching import NotFetched, destination, fetch
from tests.crm.websites.site import Answer, Site, html, leads, served

pytestmark = pytest.mark.django_db
NAMES = {
    "help.corp": ["10.1.2.3"],
    "meta.corp": ["169.254.169.254"],
    "mapped.corp": ["::ffff:169.254.169.254"],
    "rebound.corp": ["127.0.0.1"],
    "two.corp": ["10.1.2.3", "127.0.0.1"],
}


def resolve(host: str, port: int, **_: Any) -> list[Any]:
    return [(2, 1, 6, "", (address, port)) for address in NAMES[host]]


def allow(settings: Any, *sites: Site | str) -> None:
    settings.KNOWLEDGE_HOSTS = [site if isinstance(site, str) else site.host for site in sites]


def refusal(url: str, **options: Any) -> NotFetched:
    with pytest.raises(NotFetched) as caught:
        fetch(url, most=1_000, **options)
    return caught.value


def test_nothing_is_fetched_unless_its_host_is_listed() -> None:
    with served(pages={"/": html("x")}) as site:
        error = refusal(f"{site.address}/")
    assert "is not in the setting KNOWLEDGE_HOSTS" in str(error)
    assert not error.passing
    assert site.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://help.corp:81/",
        "http://help.corp.mallory.example/",
        "http://mallory@help.corp/",
        "http://help.corp\\@mallory.example/",
        "http://10.1.2.3/",
        "file:///etc/passwd",
        "ftp://help.corp/",
        "http://[::1/",
        "http:///etc",
    ],
)
def test_only_listed_hosts_and_ports_are_allowed(settings: Any, url: str) -> None:
    allow(settings, "help.corp")
    fetching.allowed("http://help.corp/a")
    fetching.allowed("https://HELP.corp./a")
    with pytest.raises(NotFetched, match="may not be read"):
        fetching.allowed(url)


@pytest.mark.parametrize("name", ["meta.corp", "mapped.corp", "rebound.corp", "two.corp"])
def test_a_listed_name_does_not_lead_to_this_machine_or_to_metadata(name: str) -> None:
    with pytest.raises(DestinationRefused, match="refused unless listed by that address"):
        destination(f"http://{name}/", resolve)
    assert destination("http://help.corp/a?b", resolve).url == "http://10.1.2.3:80/a?b"


def test_a_name_is_resolved_once_and_reached_where_it_was_checked(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([["127.0.0.1"], ["8.8.8.8"]])

    def rebinding(host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", (address, port)) for address in next(answers)]

    with served(pages={"/": html("x")}) as site:
        url = site.address.replace("127.0.0.1", "localhost")
        allow(settings, url.removeprefix("http://"))
        monkeypatch.setattr(fetching, "destination", partial(destination, resolve=rebinding))
        assert fetch(f"{url}/", most=1_000).status == 200
    assert site.headers[0]["host"] == url.removeprefix("http://")
    assert site.headers[0]["user-agent"] == "Attune"


def test_a_redirect_is_followed_only_to_listed_hosts(settings: Any) -> None:
    with served(pages={"/secret": html("secret")}) as other, served() as site:
        site.pages |= {"/out": leads(f"{other.address}/secret"), "/in": leads("/here", 302)}
        site.pages |= {"/here": html("here"), "/meta": leads("http://169.254.169.254/latest")}
        allow(settings, site)
        assert "KNOWLEDGE_HOSTS" in str(refusal(f"{site.address}/out"))
        assert "KNOWLEDGE_HOSTS" in str(refusal(f"{site.address}/meta"))
        assert other.asked == []
        assert fetch(f"{site.address}/in#part", most=1_000).url == f"{site.address}/here"


def test_redirects_in_a_circle_end(settings: Any) -> None:
    with served(pages={"/a": leads("/b"), "/b": leads("/a")}) as site:
        allow(settings, site)
        assert "more than 5 times" in str(refusal(f"{site.address}/a"))
    assert len(site.asked) == 6


def test_a_large_answer_is_not_read_to_its_end(settings: Any) -> None:
    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65_536)

    packed = {"Content-Encoding": "gzip", "Content-Type": "text/html"}
    pages = {
        "/endless": endless,
        "/bomb": Answer(gzip.compress(b"x" * 10_000_000), headers=packed),
        "/packed": Answer(gzip.compress(b"hello"), headers=packed),
        "/broken": Answer(b"hello", headers=packed),
        "/odd": Answer(b"hello", headers={"Content-Encoding": "br"}),
    }
    with served(pages=pages) as site:
        allow(settings, site)
        assert "is larger than 0.001 MB" in str(refusal(f"{site.address}/endless"))
        assert "is larger than" in str(refusal(f"{site.address}/bomb", kinds={"text/html"}))
        assert fetch(f"{site.address}/packed", most=1_000).body == b"hello"
        assert "cannot be unpacked" in str(refusal(f"{site.address}/broken"))
        assert "compressed in a way" in str(refusal(f"{site.address}/odd"))


def test_a_slow_answer_is_given_up(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """mallory sends a byte now and then, so no single read takes long."""
    done = threading.Event()

    def dripping(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not done.wait(0.02):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    monkeypatch.setattr(fetching, "SECONDS", 0.15)
    with served(pages={"/": dripping}) as site:
        allow(settings, site)
        error = refusal(f"{site.address}/")
        done.set()
    assert error.passing
    assert "within 0.15 seconds" in str(error)


def test_other_types_and_what_is_not_there(settings: Any) -> None:
    pdf = Answer(b"%PDF", headers={"Content-Type": "application/pdf"})
    with served(pages={"/a.pdf": pdf, "/busy": Answer(status=503)}) as site:
        allow(settings, site)
        error = refusal(f"{site.address}/a.pdf", kinds={"text/html"})
        assert str(error) == "is of the type application/pdf"
        assert fetch(f"{site.address}/none", most=9).status == 404
        assert fetch(f"{site.address}/busy", most=9).passing
    assert refusal(f"{site.address}/").passing  # Nobody listens there any more.


def test_a_proxy_in_the_environment_is_not_asked(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(pages={"/": html("x")}) as site, served() as proxy:
        allow(settings, site)
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        assert fetch(f"{site.address}/", most=1_000).status == 200
    assert proxy.asked == []


def test_the_setting_names_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOWLEDGE_HOSTS", "Help.corp, wiki.corp:8080,[fd00::5]:80,")
    hosts = environment.env_hosts("KNOWLEDGE_HOSTS")
    assert hosts == ["help.corp", "wiki.corp:8080", "[fd00::5]:80"]
    for wrong in ("http://help.corp", "help.corp/en", "*.corp", "10.0.0.0/8", "a b"):
        monkeypatch.setenv("KNOWLEDGE_HOSTS", wrong)
        with pytest.raises(ImproperlyConfigured, match="KNOWLEDGE_HOSTS must be written like"):
            environment.env_hosts("KNOWLEDGE_HOSTS")


def test_an_ipv6_address_is_listed_in_brackets(settings: Any) -> None:
    allow(settings, "[fd00::5]:8080")
    fetching.allowed("http://[fd00::5]:8080/")
    assert destination("http://[fd00::5]:8080/", socket.getaddrinfo).port == 8080
