"""Energy by the device's own counter, split over the requests that it was spent on.

Where nothing counts, nothing is said: an estimate from a data sheet is no measurement.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from inference.counters import joules, used
from inference.generation import Usage

# Seconds between two readings while tokens come.
READ_EVERY = 0.5


@dataclass(eq=False)
class Share:
    """Of one request."""

    usage: Usage
    # Since the last reading.
    tokens: int = 0


@dataclass
class Meter:
    """What the counter goes on by falls to the requests in flight, by the tokens that each has
    been sent since the last reading, and evenly where none has; while none is in flight, to `idle`.
    The requests' joules and `idle` sum to the counter."""

    read: Callable[[], float | None] = joules
    idle: float = 0.0
    _shares: list[Share] = field(default_factory=list)
    _last: float | None = None
    _read_at: float = 0.0

    @contextmanager
    def request(self, usage: Usage) -> Iterator[Share]:
        self.settle()
        share = Share(usage)
        self._shares.append(share)
        try:
            yield share
        finally:
            self.settle()
            self._shares.remove(share)

    def token(self, share: Share) -> None:
        share.tokens += 1
        if time.monotonic() - self._read_at > READ_EVERY:
            self.settle()

    def settle(self) -> None:
        now = self.read()
        spent = used(self._last, now)
        self._last, self._read_at = now, time.monotonic()
        if spent is None:
            return
        if not self._shares:
            self.idle += spent
        tokens = sum(share.tokens for share in self._shares)
        for share in self._shares:
            part = share.tokens / tokens if tokens else 1 / len(self._shares)
            share.usage.joules = (share.usage.joules or 0.0) + spent * part
            share.tokens = 0


def unmetered() -> Meter:
    """Of a server on another machine, whose counter cannot be read here."""
    return Meter(read=lambda: None)
