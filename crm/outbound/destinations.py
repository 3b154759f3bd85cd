"""Where requests may go: only to what the operators have listed, judged by address.

In a private cloud the targets are private, so the usual rule (no private addresses) is turned
round: nothing is allowed that is not listed. A name is resolved once, every address of it is
judged, and the connection goes to the judged address.
"""

import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from crm.signals import own_servers

Address = IPv4Address | IPv6Address
Resolve = Callable[..., list[Any]]
PORTS = {"http": 80, "https": 443}
USUAL_PORTS = PORTS | {"redis": 6379, "rediss": 6379, "postgresql": 5432}
# IPv4 in IPv6's clothes, in the last 32 bits: RFC 6052, RFC 2765, and the form that came before
# ::ffff:0:0/96.
TRANSLATED = tuple(map(IPv6Network, ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96")))
# RFC 5214: the middle of an address that tunnels to the IPv4 one at its end.
ISATAP = (0x5EFE, 0x0200_5EFE)
# RFC 8215: a site's own translation. Where in it the IPv4 address stands, only the site knows.
OWN_TRANSLATION = IPv6Network("64:ff9b:1::/48")
# What inet_aton would take for an address although it is none: 0x7f.1, 2130706433, 0177.0.0.1.
NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*", re.IGNORECASE)
# Where clouds answer a machine's questions about itself, besides link-local addresses.
CLOUDS = {
    ip_address(one)
    for one in ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
}
# Seconds after which the addresses of our own services are looked up again.
LEARNED_FOR = 60.0


class DestinationRefused(Exception):
    """A sentence to the operator: what to list, or what is wrong with the address."""


@dataclass(frozen=True)
class Destination:
    """One judged address to connect to, in the name of `host`."""

    scheme: str
    host: str
    port: int
    address: Address
    path: str

    @property
    def url(self) -> str:
        at = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{self.scheme}://{at}:{self.port}{self.path}"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True)
class Entry:
    """A line of WEBHOOK_ALLOWED: a network, or a host with its port and perhaps its scheme."""

    network: Any = None
    scheme: str = ""
    host: str = ""
    port: int = 0

    def names(self, scheme: str, host: str, port: int) -> bool:
        """Listed exactly."""
        return (self.host, self.port) == (host, port) and self.scheme in {"", scheme}


def check(url: str, resolve: Resolve = socket.getaddrinfo) -> Destination:
    """Where a request for this URL goes. May wait for the resolver."""
    scheme, host, port, path = taken_apart(url)
    listed = any(entry.names(scheme, host, port) for entry in entries())
    addresses = resolved(host, port, resolve)
    for address in addresses:
        if why := refusal(address, host, port, listed):
            raise DestinationRefused(f"{host}:{port} {why}")
    return Destination(scheme, host, port, addresses[0], path)


def taken_apart(url: str) -> tuple[str, str, int, str]:
    if re.search(r"[\x00-\x20\\]", url):
        raise DestinationRefused(f"{url!r} is no URL.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise DestinationRefused(f"{url!r} is no URL: {error}.") from None
    if parts.scheme not in PORTS or not host:
        raise DestinationRefused(f"{url!r} must begin with http:// or https:// and name a host.")
    if "@" in parts.netloc or parts.fragment:
        raise DestinationRefused("A URL with a user, a password or a fragment is not sent to.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port or PORTS[parts.scheme], path


def resolved(host: str, port: int, resolve: Resolve) -> list[Address]:
    if literal := address_of(host):
        return [literal]
    if NUMERIC.fullmatch(host):
        raise DestinationRefused(f"{host} is an address in disguise: write it as four numbers.")
    try:
        found = resolve(host, port, type=socket.SOCK_STREAM)
        return [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    except (OSError, UnicodeError) as error:
        raise DestinationRefused(f"{host} cannot be resolved: {error}.") from None


def address_of(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def refusal(address: Address, host: str, port: int, listed: bool) -> str:
    """Why not; "" where it may be."""
    real = {address, *within(address)}
    exact = listed and (address_of(host) is not None or host == "localhost")
    if any(dangerous(one) for one in real) and not exact:
        return f"is at {address}, which is never sent to unless listed by that address and port."
    if not exact and any((one, port) in own_services() for one in {host, *real}):
        return "is one of Attune's own services."
    networks = [entry.network for entry in entries() if entry.network]
    inside = all(
        any(one in network for network in networks if network.version == one.version)
        for one in (within(address) or [address])
    )
    if listed or inside:
        return ""
    return f"is not allowed: add {host}:{port} to WEBHOOK_ALLOWED."


def within(address: Address) -> list[Address]:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv4Address):
        return []
    found: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    found += address.teredo or []
    tunnelled = int(address) >> 32 & 0xFFFFFFFF in ISATAP
    translated = any(address in network for network in TRANSLATED) and int(address) > 1
    if tunnelled or translated:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one]


def dangerous(address: Address) -> bool:
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or address in CLOUDS
        or address in OWN_TRANSLATION
    )


def entries() -> list[Entry]:
    return [parsed(line) for line in settings.WEBHOOK_ALLOWED]


@cache
def parsed(line: str) -> Entry:
    """ValueError with a sentence where the line is none."""
    if "/" in line and "://" not in line:
        return Entry(network=ip_network(line, strict=False))
    scheme, _, rest = line.rpartition("://")
    parts = urlsplit(f"//{rest.rstrip('/')}")
    if not parts.hostname or parts.path or scheme not in {"", *PORTS}:
        raise ValueError(f"{line!r} is no host:port, URL or network like 10.0.0.0/8")
    port = parts.port or PORTS.get(scheme, 0)
    if not port:
        raise ValueError(f"{line!r} needs a port, e.g. {line}:443")
    return Entry(scheme=scheme, host=parts.hostname.rstrip("."), port=port)


# --- our own


@dataclass
class Own:
    """Names and addresses of our own services, each with its port."""

    services: frozenset[tuple[Address | str, int]] = frozenset()
    until: float = 0.0


_own = Own()


def own_services() -> frozenset[tuple[Address | str, int]]:
    return _own.services if _own.until else learn_own_services()


def learn_own_services() -> frozenset[tuple[Address | str, int]]:
    """Looked up again now and then; may ask the database and the resolver."""
    if time.monotonic() >= _own.until:
        named = list(own_names())
        found = ((one, port) for host, port in named for one in known(host))
        _own.services = frozenset([*named, *found])
        _own.until = time.monotonic() + LEARNED_FOR
    return _own.services


@receiver(setting_changed)
def forget_own_services(**_: Any) -> None:
    _own.until = 0.0


def own_names() -> Iterator[tuple[str, int]]:
    """Database, Redis, models, index and web server."""
    database: dict[str, Any] = settings.DATABASES["default"]
    yield str(database.get("HOST") or ""), int(database.get("PORT") or USUAL_PORTS["postgresql"])
    anywhere = settings.HOST in {"0.0.0.0", "::"}
    yield socket.gethostname() if anywhere else settings.HOST, settings.PORT
    urls = [settings.REDIS_URL, settings.SLM_URL, settings.INDEX_URL]
    urls += [url for _, more in own_servers.send(own_names) for url in more or ()]
    for parts in map(urlsplit, urls):
        yield parts.hostname or "", parts.port or USUAL_PORTS.get(parts.scheme, 0)


def known(host: str) -> Iterable[Address]:
    try:
        return resolved(host, 0, socket.getaddrinfo) if host else []
    except DestinationRefused:
        return []  # Its name still counts.
