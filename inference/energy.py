"""Energy by the device's own counter, split over the requests that it was spent on.

Where nothing counts, nothing is said: an estimate from a data sheet is no measurement.
"""

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from inference.generation import Usage

PACKAGE = Path("/sys/class/powercap/intel-rapl:0/energy_uj")
# Seconds between two readings while tokens come.
READ_EVERY = 0.5


def joules() -> float | None:
    """Since it was switched on, of the first NVIDIA device, else of the processor's package; None
    where neither counts or this user may not read it."""
    device = nvidia()
    if device:
        return device()
    try:
        return int(PACKAGE.read_text()) / 1e6
    except (OSError, ValueError):
        return None


@cache
def nvidia() -> Callable[[], float] | None:
    """The driver's counter, in millijoules since it was loaded (Volta and later)."""
    with suppress(OSError, AttributeError):
        driver = ctypes.CDLL("libnvidia-ml.so.1")
        device, counted = ctypes.c_void_p(), ctypes.c_ulonglong()

        def read() -> float:
            driver.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(counted))
            return counted.value / 1e3

        if driver.nvmlInit_v2() == 0 and not driver.nvmlDeviceGetHandleByIndex_v2(
            0, ctypes.byref(device)
        ):
            return read if read() else None
    return None


def used(before: float | None, after: float | None) -> float | None:
    """None too when the counter has started again from zero in between."""
    return None if before is None or after is None or after < before else after - before


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
