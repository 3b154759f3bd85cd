"""Dates as programs of many countries write them."""

import pytest

from crm.importing import columns, dates

NOT_KNOWN = [("05/04/2026", None), ("5-4-26", None)]


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2026-04-05", "2026-04-05"),
        ("2026-04-05T10:00:00Z", "2026-04-05T10:00:00Z"),
        ("2026/4/5", "2026-04-05"),
        ("5.4.2026", "2026-04-05"),
        ("05.04.26 14:30", "2026-04-05T14:30:00"),
        ("25/04/2026", "2026-04-25"),
        ("04/25/2026 2:30 PM", "2026-04-25T14:30:00"),
        ("4/4/2026", "2026-04-04"),
        ("5 Apr 2026", "2026-04-05"),
        ("5. März 2026", "2026-03-05"),
        ("05-dic-26", "2026-12-05"),
        ("Apr 5th, 2026 12:05 am", "2026-04-05T00:05:00"),
        *NOT_KNOWN,
        ("31/02/2026", None),
        ("2026-13-01", None),
        ("5 Foo 2026", None),
        ("10482", None),
        ("B-1000", None),
        ("1.2.3", None),
        ("at 5.4.2026 or later", None),
        ("9" * 10_000, None),
    ],
)
def test_a_date_becomes_iso_and_nothing_else_does(written: str, iso: str | None) -> None:
    assert dates.iso(written, None) == iso


def test_the_order_of_day_and_month_is_given_where_both_are_possible() -> None:
    assert dates.iso("05/04/2026", True) == "2026-04-05"
    assert dates.iso("05/04/2026", False) == "2026-05-04"
    assert dates.iso("25/04/2026", False) == "2026-04-25"  # There is no month 25.
    assert all(dates.is_ambiguous(text) for text, _ in NOT_KNOWN)


@pytest.mark.parametrize(
    ("values", "day_first", "asked"),
    [
        (["05/04/2026", "25/04/2026"], True, False),
        (["05/04/2026", "04/25/2026"], False, False),
        (["05/04/2026", "06/04/2026"], None, True),
        (["25/04/2026", "05/04/2026", "04/25/2026"], None, True),
        (["5.4.2026", "4/4/2026", "", "soon"], None, False),
    ],
)
def test_a_column_tells_its_order_by_a_day_after_the_twelfth(
    values: list[str], day_first: bool | None, asked: bool
) -> None:
    rows = [(number, {"Ordered": value}) for number, value in enumerate(values)]
    found = columns.looked_through(["Ordered"], rows)
    assert columns.day_first(found) is day_first
    assert columns.is_ambiguous(found) is asked
