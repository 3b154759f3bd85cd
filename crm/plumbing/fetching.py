"""Fetches pages and files from inside the network, and only from hosts in KNOWLEDGE_HOSTS.

A name is resolved once, all its addresses are checked, and the connection goes to a checked one.
"""

import asyncio
import socket
import ssl
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import urldefrag, urljoin

import httpx2
from django.conf import settings

from crm.plumbing import destinations
from crm.plumbing.destinations import Destination, DestinationRefused, Resolve

AGENT = "Attune"
# A page that a person waits for comes sooner.
SECONDS = 15.0
# Browsers give up after 20; a site that is well set up needs one or two.
REDIRECTS = 5
MOVED, MOVED_FOR_GOOD = {301, 302, 303, 307, 308}, {301, 308}
PASSING = {408, 425, 429}


class NotFetched(Exception):
    """The message continues the address: "… is not allowed". passing: it may work later."""

    def __init__(self, message: str, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


@dataclass(frozen=True)
class Answer:
    """An answer of status 200 with its body, or any other status without one."""

    # Where the redirects led.
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    # There were redirects, and all of them are for good.
    moved: bool = False

    @property
    def kind(self) -> str:
        return media_type(self.headers)

    @property
    def passing(self) -> bool:
        """Tell whether another try may be answered better."""
        return self.status >= 500 or self.status in PASSING


def media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def fetch(
    url: str,
    *,
    kinds: Collection[str] = (),
    most: int,
    headers: Mapping[str, str] | None = None,
    before: Callable[[str], None] | None = None,
) -> Answer:
    """Fetch an address, following redirects. Raises NotFetched.

    kinds: media types that are wanted; none: all. most: bytes of the body. headers: for the first
    request. before: called with the address of each request; it may wait, or raise NotFetched.
    """
    moved: set[int] = set()
    url = urldefrag(url)[0]
    for _ in range(REDIRECTS + 1):
        if before:
            before(url)
        answer = ask(url, kinds, most, headers or {})
        if answer.status not in MOVED or "location" not in answer.headers:
            return replace(answer, moved=bool(moved) and moved <= MOVED_FOR_GOOD)
        moved.add(answer.status)
        url, headers = urldefrag(urljoin(url, answer.headers["location"]))[0], None
    raise NotFetched(f"is redirected more than {REDIRECTS} times")


def allowed(url: str) -> None:
    """Raise NotFetched if the address's host is not in KNOWLEDGE_HOSTS."""
    try:
        _, host, port, _ = destinations.split_url(url)
    except DestinationRefused as error:
        raise NotFetched(f"may not be read: {error}") from None
    if not listed(host, port):
        raise NotFetched(
            f"may not be read: {host}:{port} is not in the setting KNOWLEDGE_HOSTS. Ask the person "
            "who runs Attune to add it."
        )


def ask(url: str, kinds: Collection[str], most: int, headers: Mapping[str, str]) -> Answer:
    allowed(url)
    try:
        return asyncio.run(within_time(url, destination(url), kinds, most, headers))
    except TimeoutError:
        text = f"was not answered within {SECONDS:g} seconds"
        raise NotFetched(text, passing=True) from None
    except (DestinationRefused, httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        text = f"could not be reached: {str(error) or type(error).__name__}"
        raise NotFetched(text, passing=True) from None


def destination(url: str, resolve: Resolve = socket.getaddrinfo) -> Destination:
    """Return where a request to a listed host goes. Raises DestinationRefused. May wait for DNS."""
    destinations.learn_own_services()
    return destinations.check(url, resolve, listed=True)


def listed(host: str, port: int) -> bool:
    name, known = f"[{host}]" if ":" in host else host, settings.KNOWLEDGE_HOSTS
    return f"{name}:{port}" in known or (name in known and port in destinations.PORTS.values())


async def within_time(
    url: str, to: Destination, kinds: Collection[str], most: int, headers: Mapping[str, str]
) -> Answer:
    own = {"Host": to.authority, "User-Agent": AGENT, "Accept-Encoding": "identity"}
    asked: dict[str, Any] = {
        "extensions": {"sni_hostname": to.host},
        "headers": {**headers, **own},
    }
    # Without proxies or redirects: requests go only to the address that was checked.
    client = httpx2.AsyncClient(
        verify=trusted(), trust_env=False, follow_redirects=False, timeout=SECONDS
    )
    async with asyncio.timeout(SECONDS), client, client.stream("GET", to.url, **asked) as answer:
        if answer.status_code != 200:
            return Answer(url, answer.status_code, answer.headers)
        kind = media_type(answer.headers)
        if kinds and kind not in kinds:
            raise NotFetched(f"is of the type {kind or 'unknown'}")
        return Answer(url, 200, answer.headers, await body_of(answer, most))


@cache
def trusted() -> ssl.SSLContext:
    """Trust the system's certificates or those in SSL_CERT_FILE."""
    return ssl.create_default_context()


async def body_of(answer: httpx2.Response, most: int) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > most:
            raise too_large(most)
    match answer.headers.get("content-encoding", "identity").strip().lower():
        case "identity" | "":
            return bytes(body)
        case "gzip" | "x-gzip":  # Some servers do not ask what the client takes.
            return unpacked(bytes(body), most)
    raise NotFetched("is compressed in a way that Attune cannot read")


def unpacked(body: bytes, most: int) -> bytes:
    """Unpack gzip. Raises NotFetched if the result is larger than `most`."""
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = unpacking.decompress(body, most + 1)
    except zlib.error as error:
        raise NotFetched(f"cannot be unpacked: {error}") from None
    if len(plain) > most:
        raise too_large(most)
    return plain


def too_large(most: int) -> NotFetched:
    return NotFetched(f"is larger than {most / 1_000_000:g} MB")
