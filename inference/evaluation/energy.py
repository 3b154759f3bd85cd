"""The processor's own count of what it used."""

from pathlib import Path

COUNTER = Path("/sys/class/powercap/intel-rapl:0/energy_uj")


def joules() -> float | None:
    """Of the whole package, since it was switched on; None where nothing counts."""
    try:
        return int(COUNTER.read_text()) / 1e6
    except OSError:
        return None


def used(before: float | None, after: float | None) -> float | None:
    """None too when the counter has started again from zero in between."""
    return None if before is None or after is None or after < before else after - before
