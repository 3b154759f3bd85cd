"""Speaks HTTP/1.1 to one model server: requests on kept connections, answers as their bytes come.

A streamed answer comes in some thirty small pieces. httpx2 passes each of them through six layers,
which took 17 ms of CPU for an answer of 35 tokens. Here each is a callback, and the caller is woken
only for the pieces that matter, which takes 4.3 ms (2026-11-29, two shared AVX2 cores, others at
work).
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httptools
import msgspec

# Seconds for which an idle connection may be used again. Servers close theirs after 5.
KEPT = 4.0
PORTS = {"http": 80, "https": 443}


class Broken(OSError):
    """The connection ended, or no proper answer came."""


Seconds = Callable[[], float]
Enough = Callable[[bytes], bool]


def any_byte(body: bytes) -> bool:
    return True


class Connection(asyncio.Protocol):
    """One connection, and the answer to its current request."""

    # Uvloop's transports are not of the class asyncio.Transport.
    transport: Any

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.closed = False
        self.begin()

    def begin(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body: list[bytes] = []
        self.enough: Enough = any_byte
        self.ready = self.complete = self.kept_alive = False
        self.error: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None

    @property
    def reusable(self) -> bool:
        return self.kept_alive and not self.closed and not self.error

    async def read(self, seconds: Seconds, enough: Enough = any_byte) -> bytes:
        """Return what has come of the body since the last call; b"" at the end.

        seconds: returns how long the next bytes may take. enough: called with bytes as they come;
        the first for which it is true end the wait, and the caller is not woken before. Raises
        TimeoutError if nothing comes in time, and Broken if the answer breaks off.
        """
        self.enough = enough
        while not (self.body and self.ready) and not self.complete:
            await self._come(seconds)
        self.ready = False
        body = b"".join(self.body)
        self.body.clear()
        return body

    async def whole(self, seconds: float) -> bytes:
        """Return the rest of the body. Raises like `read`."""
        pieces = []
        while piece := await self.read(lambda: seconds):
            pieces.append(piece)
        return b"".join(pieces)

    async def head(self, seconds: float) -> None:
        """Wait for the status and the headers. Raises like `read`."""
        while not self.status:
            await self._come(lambda: seconds)

    async def _come(self, seconds: Seconds) -> None:
        """Wait until something more has come."""
        if self.error:
            raise Broken(str(self.error)) from self.error
        if self.closed:
            raise Broken("it closed the connection")
        self._waiting, self._seconds = asyncio.get_running_loop().create_future(), seconds
        self._be_patient()
        try:
            await self._waiting
        finally:
            self._timer.cancel()

    def _be_patient(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds(), self._late)

    def _late(self) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(TimeoutError())

    def _wake(self) -> None:
        if not self._waiting or self._waiting.done():
            return
        if self.body and not (self.ready or self.complete or self.error or self.closed):
            self._timer.cancel()
            self._be_patient()
        else:
            self._waiting.set_result(None)

    # --- called by the event loop

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            if self.complete:
                raise httptools.HttpParserError("It sent an answer without a request.")
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.error = error
            self.transport.close()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self.error = self.error or error
        # The body of an answer without a length ends with the connection.
        sized = {"content-length", "transfer-encoding"} & self.headers.keys()
        self.complete = self.complete or bool(self.status and not sized and not self.error)
        self._wake()

    # --- called by the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self.body.append(body)
        self.ready = self.enough(body) or self.ready

    def on_message_complete(self) -> None:
        self.complete = True
        self.kept_alive = self.parser.should_keep_alive()


class Connections:
    """Keeps the connections of one event loop to the server at a URL.

    No proxies and no redirects: requests go only to the named host.
    """

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        self.host, self.path = parts.hostname or "", parts.path
        self.port = parts.port or PORTS[parts.scheme]
        self.secure = parts.scheme == "https"
        self.fixed = (
            f"Host: {parts.netloc.rpartition('@')[2]}\r\nAuthorization: Bearer {key}\r\n"
            "User-Agent: Attune\r\nContent-Type: application/json\r\n"
        )
        self.idle: list[Connection] = []

    async def ask(self, method: str, path: str, body: object, connect: float) -> Connection:
        """Send a request, and return the connection on which its answer will come.

        connect: seconds. Raises OSError, also if connecting takes longer.
        """
        connection = self._kept() or await self._new(connect)
        content = msgspec.json.encode(body) if body is not None else b""
        head = f"{method} {self.path}{path} HTTP/1.1\r\n{self.fixed}Content-Length: {len(content)}"
        connection.begin()
        connection.transport.write(f"{head}\r\n\r\n".encode() + content)
        return connection

    def done(self, connection: Connection, ended: bool) -> None:
        """Keep the connection if its answer has ended, even if the last bytes, which end it for
        HTTP, are still on their way. Otherwise close it, so that the server stops."""
        if not ended:
            connection.transport.abort()
            return
        connection.idle_since = time.monotonic()
        self.idle = [one for one in self.idle if not one.closed]
        self.idle.append(connection)

    def _kept(self) -> Connection | None:
        while self.idle:
            connection = self.idle.pop()
            if connection.reusable and time.monotonic() - connection.idle_since < KEPT:
                return connection
            connection.transport.abort()
        return None

    async def _new(self, seconds: float) -> Connection:
        loop, secure = asyncio.get_running_loop(), trusted() if self.secure else None
        async with asyncio.timeout(seconds):
            at = loop.create_connection(Connection, self.host, self.port, ssl=secure)
            _, connection = await at
        return connection


@cache
def trusted() -> ssl.SSLContext:
    """Trust the system's certificates or those in SSL_CERT_FILE."""
    return ssl.create_default_context()
