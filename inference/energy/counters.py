"""Joules as the machine's devices count them: NVIDIA's driver, or the processors' packages (RAPL).

All devices together: what else runs on them is counted too.
"""

import ctypes
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


def joules() -> float | None:
    """Since it was first asked or switched on, of all NVIDIA devices, else of all processor
    packages; None where neither counts or this user may not read it."""
    read = nvidia() or processors()
    try:
        return read() if read else None
    except (OSError, ValueError):
        return None


def used(before: float | None, after: float | None) -> float | None:
    """None too when the counter has started again from zero in between."""
    return None if before is None or after is None or after < before else after - before


@cache
def nvidia() -> Callable[[], float] | None:
    """The driver's counters, in millijoules since it was loaded (Volta and later)."""
    with suppress(OSError, AttributeError):
        driver = ctypes.CDLL("libnvidia-ml.so.1")
        if driver.nvmlInit_v2() == 0 and (found := devices(driver)):
            return lambda: sum(millijoules(driver, device) for device in found) / 1e3
    return None


def devices(driver: ctypes.CDLL) -> list[ctypes.c_void_p]:
    """Handles of those that count."""
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
    """Each package counts microjoules up to a range of some minutes' work, and then from zero."""

    zones: Sequence[Path]
    total: float = 0.0
    last: dict[Path, int] = field(default_factory=dict)

    def __call__(self) -> float:
        self.total += sum(map(self.since, self.zones)) / 1e6
        return self.total

    def since(self, zone: Path) -> int:
        """Since the reading before, 0 at the first; right if that is less than one range ago."""
        now = int((zone / "energy_uj").read_text())
        before, self.last[zone] = self.last.get(zone, now), now
        return now - before if now >= before else now - before + range_of(zone)


def range_of(zone: Path) -> int:
    return int((zone / "max_energy_range_uj").read_text())
