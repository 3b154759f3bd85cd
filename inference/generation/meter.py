"""Energy by the machine's own counters, split over the requests that it was spent on.

Where nothing counts, nothing is said: an estimate from a data sheet is no measurement.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from inference.energy import counters
from inference.generation.client import Usage

# Seconds between two readings while tokens come, and until a reading is given up.
READ_EVERY, PATIENCE = 0.5, 1.0


@dataclass(frozen=True)
class Reading:
    joules: float
    # Written by then, for whoever asked; None where all requests are this process's own.
    tokens: int | None = None


Read = Callable[[], Awaitable[Reading | None]]


@dataclass(eq=False)
class Share:
    """Of one request."""

    usage: Usage
    # Sent to it since the last reading.
    tokens: int = 0


@dataclass(eq=False)
class Meter:
    """What the counter goes on by falls to the requests in flight, by the tokens that each has
    been sent since the last reading; evenly where none has; while none is in flight, to `idle`.

    The requests' joules and `idle` sum to the counter: over all processes that ask the same
    machine, where the readings say how many tokens it wrote for all of them."""

    read: Read
    # Whether there is a counter, as far as is known; `settle` looks.
    counts: bool = False
    idle: float = 0.0
    _shares: list[Share] = field(default_factory=list)
    _last: Reading | None = None
    _read_at: float = 0.0
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _settling: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def request(self, usage: Usage) -> AsyncIterator[Share]:
        # Nobody waits for a reading before the first token.
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
        """Read, and give each what is its own. among: those in flight until now."""
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
        """False: whose it is, the tokens that are to come will say."""
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
    # A model server that was started again counts from zero.
    return now.tokens - last.tokens if now.tokens >= last.tokens else now.tokens


async def of_this_machine() -> Reading | None:
    joules = counters.joules()
    return None if joules is None else Reading(joules)


async def unmeasured() -> None:
    return None


def of_machine(url: str) -> Read:
    """Of the machine of a model server, as `inference.energy.server` beside it answers."""
    client = httpx2.AsyncClient(trust_env=False, timeout=PATIENCE)

    async def read() -> Reading | None:
        try:
            answer = await client.get(url)
            return Reading(**answer.json()) if answer.status_code == 200 else None
        except (httpx2.HTTPError, ValueError, TypeError):
            return None

    return read
