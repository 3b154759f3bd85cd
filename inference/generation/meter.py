"""Splits the energy that the machine's counters measure over the requests that used it.

Without a counter there is no figure: an estimate from a data sheet is not a measurement.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from inference.energy import counters
from inference.generation.client import Usage

# Seconds between two readings while tokens come, and that one reading may take.
READ_EVERY, PATIENCE = 0.5, 1.0


@dataclass(frozen=True)
class Reading:
    joules: float
    # Tokens written by then for all clients; None if all requests are this process's own.
    tokens: int | None = None


Read = Callable[[], Awaitable[Reading | None]]


@dataclass(eq=False)
class Share:
    """The part of one request."""

    usage: Usage
    # Tokens that it was sent since the last reading.
    tokens: int = 0


@dataclass(eq=False)
class Meter:
    """Divides the counter's increase among the requests in flight.

    Each request's part follows the tokens that it was sent since the last reading; if none was sent
    any, the parts are equal; if none is in flight, the increase goes to `idle`. The joules of the
    requests and `idle` add up to the counter: over all processes that use the machine, if the
    readings count the tokens that it wrote for all of them.
    """

    read: Read
    # Whether there is a counter, as far as is known; `settle` finds out.
    counts: bool = False
    idle: float = 0.0
    _shares: list[Share] = field(default_factory=list)
    _last: Reading | None = None
    _read_at: float = 0.0
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _settling: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def request(self, usage: Usage) -> AsyncIterator[Share]:
        # The first token does not wait for a reading.
        self._settle_soon()
        self._shares.append(share := Share(usage))
        try:
            yield share
        finally:
            if self.counts:
                await self.settle()
            self._shares.remove(share)

    def token(self, share: Share) -> None:
        share.tokens += 1
        if time.monotonic() - self._read_at > READ_EVERY and not self._settling:
            self._settle_soon()

    def _settle_soon(self) -> None:
        if self.counts:
            task = asyncio.create_task(self.settle(list(self._shares)))
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

    async def settle(self, among: Sequence[Share] | None = None) -> None:
        """Read the counter and divide its increase. among: the requests in flight until now."""
        async with self._one_at_a_time:
            now, last = await self.read(), self._last
            self._last, self._read_at, self.counts = now, time.monotonic(), now is not None
            if now is None or last is None:
                return
            spent = counters.used(last.joules, now.joules)
            shares = self._shares if among is None else among
            if spent is not None and not self._divide(spent, written(last, now), shares):
                self._last = last

    def _divide(self, spent: float, written: int | None, shares: Sequence[Share]) -> bool:
        """Divide the joules; False if only tokens that are still to come tell whose they are."""
        own = sum(share.tokens for share in shares)
        total = max(own, written or 0)
        if not shares:
            self.idle += spent if not total else 0.0
        elif not total and written is not None:
            return False
        for share in shares:
            part = share.tokens / total if total else 1 / len(shares)
            share.usage.joules = (share.usage.joules or 0.0) + spent * part
            share.tokens = 0
        return True


def written(last: Reading, now: Reading) -> int | None:
    if last.tokens is None or now.tokens is None:
        return None
    # A restarted model server counts from zero.
    return now.tokens - last.tokens if now.tokens >= last.tokens else now.tokens


async def read_this_machine() -> Reading | None:
    joules = counters.joules()
    return None if joules is None else Reading(joules)


async def unmeasured() -> None:
    return None


def reader_of(url: str) -> Read:
    """Make a reader of a model server's machine, on which `inference.energy.server` answers."""
    client = httpx2.AsyncClient(trust_env=False, timeout=PATIENCE)

    async def read() -> Reading | None:
        try:
            answer = await client.get(url)
            return Reading(**answer.json()) if answer.status_code == 200 else None
        except (httpx2.HTTPError, ValueError, TypeError):
            return None

    return read
