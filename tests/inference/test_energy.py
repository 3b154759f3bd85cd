"""Joules of the device fall to the requests that they were spent on, and none gets lost."""

from collections.abc import Iterator
from pathlib import Path

from inference.counters import Packages, used
from inference.energy import Meter
from inference.generation import Usage


def counter(*values: float | None) -> Meter:
    readings: Iterator[float | None] = iter(values)
    return Meter(read=lambda: next(readings))


def test_requests_share_by_tokens_and_the_sum_is_the_counters() -> None:
    meter = counter(100, 110, 130, 145, 160)
    alice, bob = Usage(), Usage()
    # Hers alone from 100 to 110. What was spent before is nobody's.
    with meter.request(alice) as hers, meter.request(bob) as his:
        hers.tokens, his.tokens = 3, 1
        meter.settle()  # to 130: 15 and 5
    # To 145 evenly, as no token came; to 160 hers.
    assert (alice.joules, bob.joules) == (10 + 15 + 7.5 + 15, 5 + 7.5)
    assert meter.idle == 0
    assert alice.joules + bob.joules == 160 - 100


def test_what_is_spent_while_nobody_asks_is_idle() -> None:
    meter = counter(100, 105, 107)
    meter.settle()
    with meter.request(usage := Usage()):
        pass
    assert (meter.idle, usage.joules) == (5, 2)


def test_without_a_counter_nothing_is_said() -> None:
    meter = counter(None, None)
    with meter.request(usage := Usage()):
        pass
    assert usage.joules is None


def test_a_counter_that_starts_again_measures_nothing_in_between() -> None:
    assert used(500.0, 3.0) is None


def test_all_packages_count_and_may_go_round(tmp_path: Path) -> None:
    zones = [tmp_path / f"intel-rapl:{number}" for number in (0, 1)]
    for zone in zones:
        zone.mkdir()
        (zone / "max_energy_range_uj").write_text("10000000\n")

    def stand(*microjoules: int) -> None:
        for zone, value in zip(zones, microjoules, strict=True):
            (zone / "energy_uj").write_text(f"{value}\n")

    packages = Packages(zones)
    stand(1_000_000, 9_000_000)
    assert packages() == 0
    stand(3_000_000, 500_000)
    assert packages() == 2 + 1.5
