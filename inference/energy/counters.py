"""Reads the machine's energy counters: NVIDIA's driver, or the processors' packages (RAPL).

The sum of all devices, so that everything that runs on them is counted.
"""

import ctypes
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


def joules() -> float | None:
    """Return the joules of all NVIDIA devices, else of all processor packages, since some start.

    None if there is no counter, or this user may not read it.
    """
    read = nvidia() or processors()
    try:
        return read() if read else None
    except (OSError, ValueError):
        return None


def used(before: float | None, after: float | None) -> float | None:
    """Return the difference; None if a reading is missing or the counter has been reset between."""
    return None if before is None or after is None or after < before else after - before


@cache
def nvidia() -> Callable[[], float] | None:
    """Return a reader of the driver's counters, which run from its loading on (Volta and later)."""
    with suppress(OSError, AttributeError):
        driver = ctypes.CDLL("libnvidia-ml.so.1")
        if driver.nvmlInit_v2() == 0 and (handles := devices(driver)):
            return lambda: sum(millijoules(driver, handle) for handle in handles) / 1e3
    return None


def devices(driver: ctypes.CDLL) -> list[ctypes.c_void_p]:
    """Return the handles of the devices that have a counter."""
    count = ctypes.c_uint()
    driver.nvmlDeviceGetCount_v2(ctypes.byref(count))
    handles = [ctypes.c_void_p() for _ in range(count.value)]
    for number, handle in enumerate(handles):
        driver.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(handle))
    return [handle for handle in handles if handle and millijoules(driver, handle)]


def millijoules(driver: ctypes.CDLL, device: ctypes.c_void_p) -> int:
    counted = ctypes.c_ulonglong()
    driver.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(counted))
    return counted.value


@cache
def processors() -> Callable[[], float] | None:
    zones = [
        zone
        for zone in sorted(POWERCAP.glob("intel-rapl:*"))
        if (name := zone / "name").is_file() and name.read_text().startswith("package")
    ]
    return Packages(zones) if zones else None


@dataclass
class Packages:
    """Counters that wrap around: each counts microjoules up to a range of some minutes' work."""

    zones: Sequence[Path]
    total: float = 0.0
    last: dict[Path, int] = field(default_factory=dict)

    def __call__(self) -> float:
        self.total += sum(map(self.since, self.zones)) / 1e6
        return self.total

    def since(self, zone: Path) -> int:
        """Return the microjoules since the last reading, which must be less than one range ago."""
        now = int((zone / "energy_uj").read_text())
        before, self.last[zone] = self.last.get(zone, now), now
        wrapped = int((zone / "max_energy_range_uj").read_text()) if now < before else 0
        return now - before + wrapped
