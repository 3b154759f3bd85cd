"""The demo's dates move with the day on which it is loaded."""

from datetime import date, timedelta

import pytest

from crm import demo
from crm.demo import shop
from crm.demo.moving import moved, until

WEEK = timedelta(weeks=1)


@pytest.mark.parametrize(
    ("written", "later"),
    [
        ("2026-11-24", "2026-12-01"),
        ("Order 1 of 24 November 2026, in transit", "Order 1 of 1 December 2026, in transit"),
        ("24th of November", "1st of December"),
        ("November 24, 2026", "December 1, 2026"),
        ("Nov 24", "Dec 1"),
        ("28 Dec", "4 Jan"),
        ("24.11.2026 or 24/11/2026", "01.12.2026 or 01/12/2026"),
        ("INV-2026-10482 and FHP26104821", "INV-2026-10482 and FHP26104821"),
        ("may 24 boots march 9 km", "may 24 boots march 9 km"),
    ],
)  # fmt: skip
def test_a_date_moves_however_it_is_written(written: str, later: str) -> None:
    assert moved({"text": [written, 7, None]}, WEEK) == {"text": [later, 7, None]}


def test_the_demos_today_is_the_day_before_it_was_loaded() -> None:
    assert shop.TODAY + until(date(2027, 3, 1)) == date(2027, 2, 28)


def test_what_was_on_its_way_still_is_a_year_later() -> None:
    day = date(2027, 11, 22)
    records = {record["id"]: record for record in demo.records(day)}
    order = records["order:10482"]["fields"]
    assert order["status"] == "in transit" and order["expected delivery"] > day.isoformat()
    assert records["order:10482"]["updated_at"][:10] <= day.isoformat()


def test_the_questions_expect_the_dates_that_the_records_then_have() -> None:
    day = date(2027, 11, 22)
    records = {record["id"]: str(record) for record in demo.records(day)}
    asked = [row for row in demo.questions(day) if isinstance(row["expect"], list)]
    assert len(asked) > 100 and asked[0]["today"] == "2027-11-21"
    for row in asked:
        found = " ".join(records[name] for name in row["relevant"])
        for group in row["expect"]:
            if any(option[:4] == "2027" for option in group):
                assert any(option in found for option in group), row["id"]
