"""Counts the cores that this process may use."""

import os
from contextlib import suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def cores(cgroups: Path = CGROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Return how many cores this process may run on, or fewer if its container's CPU limit is
    lower."""
    return max(1, min(len(os.sched_getaffinity(0)), int(limit(cgroups, own))))


def limit(cgroups: Path, own: Path) -> float:
    """Return the container's limit in cores, from version 2 or 1 of Linux's control groups."""
    with suppress(OSError, ValueError, ZeroDivisionError):
        folder = cgroups / own.read_text().strip().rpartition("::")[2].lstrip("/")
        quota, period = (folder / "cpu.max").read_text().split()
        return int(quota) / int(period)
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = ((cgroups / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in TIMES)
        return int(quota) / int(period) if int(quota) > 0 else NO_LIMIT
    return NO_LIMIT


TIMES = ("quota", "period")
NO_LIMIT = 1e6
