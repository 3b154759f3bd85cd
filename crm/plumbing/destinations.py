"""Decides where requests may go: only to destinations that the operators have listed, by address.

In a private cloud the targets are private, so the usual rule (no private addresses) is reversed:
only what is listed is allowed. A name is resolved once, all its addresses are checked, and the
connection goes to a checked address.
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
# IPv6 networks with an IPv4 address in the last 32 bits: RFC 6052, RFC 2765, and the form that
# preceded ::ffff:0:0/96.
TRANSLATED = tuple(map(IPv6Network, ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96")))
# RFC 5214: the middle of an address that tunnels to the IPv4 one at its end.
ISATAP = (0x5EFE, 0x0200_5EFE)
# RFC 8215: a site's own translation. Only the site knows where the IPv4 address is in it.
OWN_TRANSLATION = IPv6Network("64:ff9b:1::/48")
# Forms that inet_aton accepts as addresses: 0x7f.1, 2130706433, 0177.0.0.1.
NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*", re.IGNORECASE)
# Metadata services of clouds, besides those at link-local addresses.
CLOUDS = {
    ip_address(address)
    for address in (
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
    )
}
# Seconds after which the addresses of our own services are looked up again.
LEARNED_FOR = 60.0


class DestinationRefused(Exception):
    """The message tells the operator what to list, or what is wrong with the address."""


@dataclass(frozen=True)
class Destination:
    """One checked address to connect to, and the host whose name the request bears."""

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
    """An entry of WEBHOOK_ALLOWED: a network, or a host with its port and perhaps its scheme."""

    network: Any = None
    scheme: str = ""
    host: str = ""
    port: int = 0

    def names(self, scheme: str, host: str, port: int) -> bool:
        """Tell whether the entry is exactly this host and port."""
        return (self.host, self.port) == (host, port) and self.scheme in {"", scheme}


def check(url: str, resolve: Resolve = socket.getaddrinfo, listed: bool = False) -> Destination:
    """Return where a request for this URL goes. Raises DestinationRefused. May wait for DNS.

    listed: another setting than this module's names the host.
    """
    scheme, host, port, path = split_url(url)
    listed = listed or any(entry.names(scheme, host, port) for entry in entries())
    addresses = resolved(host, port, resolve)
    for address in addresses:
        if why := refusal(address, host, port, listed):
            raise DestinationRefused(f"{host}:{port} {why}")
    return Destination(scheme, host, port, addresses[0], path)


def split_url(url: str) -> tuple[str, str, int, str]:
    if re.search(r"[\x00-\x20\\]", url):
        raise DestinationRefused(f"{url!r} is not a URL.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise DestinationRefused(f"{url!r} is not a URL: {error}.") from None
    if parts.scheme not in PORTS or not host:
        raise DestinationRefused(f"{url!r} must begin with http:// or https:// and name a host.")
    if "@" in parts.netloc or parts.fragment:
        raise DestinationRefused("Remove the user, the password and the fragment from the URL.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port or PORTS[parts.scheme], path


def resolved(host: str, port: int, resolve: Resolve) -> list[Address]:
    if literal := address_of(host):
        return [literal]
    if NUMERIC.fullmatch(host):
        raise DestinationRefused(f"{host} is an address in disguise: write it as four numbers.")
    try:
        rows = resolve(host, port, type=socket.SOCK_STREAM)
        return [ip_address(str(row[4][0]).partition("%")[0]) for row in rows]
    except (OSError, UnicodeError) as error:
        raise DestinationRefused(f"{host} cannot be resolved: {error}.") from None


def address_of(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def refusal(address: Address, host: str, port: int, listed: bool) -> str:
    """Return why requests may not go to the address, or "" if they may."""
    meant = {address, *within(address)}
    exact = listed and (address_of(host) is not None or host == "localhost")
    if any(dangerous(each) for each in meant) and not exact:
        return f"is at {address}, which is refused unless listed by that address and port."
    if not exact and any((each, port) in own_services() for each in {host, *meant}):
        return "is one of Attune's own services."
    networks = [entry.network for entry in entries() if entry.network]
    inside = all(
        any(each in network for network in networks if network.version == each.version)
        for each in (within(address) or [address])
    )
    if listed or inside:
        return ""
    return f"is not allowed: add {host}:{port} to WEBHOOK_ALLOWED."


def within(address: Address) -> list[Address]:
    """Return the IPv4 addresses for which an IPv6 address may stand."""
    if isinstance(address, IPv4Address):
        return []
    embedded: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    embedded += address.teredo or []
    tunnelled = int(address) >> 32 & 0xFFFFFFFF in ISATAP
    translated = any(address in network for network in TRANSLATED) and int(address) > 1
    if tunnelled or translated:
        embedded.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in embedded if each]


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
    return [parsed(entry) for entry in settings.WEBHOOK_ALLOWED]


@cache
def parsed(entry: str) -> Entry:
    """Parse an entry of WEBHOOK_ALLOWED. Raises ValueError with a message for the operator."""
    if "/" in entry and "://" not in entry:
        return Entry(network=ip_network(entry, strict=False))
    scheme, _, rest = entry.rpartition("://")
    parts = urlsplit(f"//{rest.rstrip('/')}")
    if not parts.hostname or parts.path or scheme not in {"", *PORTS}:
        raise ValueError(f"{entry!r} is not a host:port, a URL or a network like 10.0.0.0/8")
    port = parts.port or PORTS.get(scheme, 0)
    if not port:
        raise ValueError(f"{entry!r} needs a port, e.g. {entry}:443")
    return Entry(scheme=scheme, host=parts.hostname.rstrip("."), port=port)


# --- our own services


@dataclass
class Own:
    """Names and addresses of our own services, each with its port."""

    services: frozenset[tuple[Address | str, int]] = frozenset()
    until: float = 0.0


_own = Own()


def own_services() -> frozenset[tuple[Address | str, int]]:
    return _own.services if _own.until else learn_own_services()


def learn_own_services() -> frozenset[tuple[Address | str, int]]:
    """Look up our own services again if LEARNED_FOR seconds have passed. May ask the database and
    DNS."""
    if time.monotonic() >= _own.until:
        named = list(own_names())
        at = ((address, port) for host, port in named for address in addresses_of(host))
        _own.services = frozenset([*named, *at])
        _own.until = time.monotonic() + LEARNED_FOR
    return _own.services


@receiver(setting_changed)
def forget_own_services(**_: Any) -> None:
    _own.until = 0.0


def own_names() -> Iterator[tuple[str, int]]:
    """Yield host and port of the database, Redis, models, index and web server."""
    database: dict[str, Any] = settings.DATABASES["default"]
    yield str(database.get("HOST") or ""), int(database.get("PORT") or USUAL_PORTS["postgresql"])
    anywhere = settings.HOST in {"0.0.0.0", "::"}
    yield socket.gethostname() if anywhere else settings.HOST, settings.PORT
    urls = [settings.REDIS_URL, settings.SLM_URL, settings.INDEX_URL]
    urls += [url for _, more in own_servers.send(own_names) for url in more or ()]
    for parts in map(urlsplit, urls):
        yield parts.hostname or "", parts.port or USUAL_PORTS.get(parts.scheme, 0)


def addresses_of(host: str) -> Iterable[Address]:
    try:
        return resolved(host, 0, socket.getaddrinfo) if host else []
    except DestinationRefused:
        return []  # The name itself is still refused.
