"""The closed queue beside the benchmarks of the load."""

import pytest

from tests.load.queue_model import H200, between, shares, turns_per_second


def test_one_customer_waits_for_nobody() -> None:
    found = turns_per_second(1, cpu=0.06, processes=4, think=0.04, engine=lambda n: n / 0.1)
    assert found == pytest.approx(1 / 0.2)


def test_among_many_the_slowest_part_decides() -> None:
    def engine(n: int) -> float:
        return 100.0

    assert turns_per_second(64, 0.05, 1, 0.0, engine) == pytest.approx(20, rel=0.02)
    assert turns_per_second(64, 0.05, 4, 0.0, engine) == pytest.approx(80, rel=0.02)
    assert turns_per_second(64, 0.005, 4, 0.0, engine) == pytest.approx(100, rel=0.02)


def test_two_equal_stations_share_their_customers() -> None:
    """Known from textbooks: N customers at two single servers are answered N / (N + 1) as fast."""
    assert turns_per_second(3, 1.0, 1, 0.0, lambda n: 1.0) == pytest.approx(3 / 4)


def test_rates_between_measured_ones_lie_on_a_line() -> None:
    rate = between({1: 10.0, 8: 80.0, 32: 200.0})
    assert [rate(n) for n in (1, 4, 8, 20, 32, 40)] == [10, 40, 80, 140, 200, 200]


def test_the_measured_shares_on_an_h200_are_predicted() -> None:
    """One process, 62 ms a turn, answers of 23 tokens, and 15 ms in which nothing computes."""
    found = shares(H200, tokens=23, cpu=0.062, processes=1, think=0.015)
    for measured, predicted in zip((0.47, 0.35, 0.26, 0.19), found.values(), strict=True):
        assert predicted == pytest.approx(measured, abs=0.03)
