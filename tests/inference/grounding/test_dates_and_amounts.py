"""Dates and amounts in other spellings are the same, and never another one."""

import pytest

from inference.grounding import unheld


@pytest.mark.parametrize(
    ("said", "record", "held"),
    [
        ("It was delivered on 05/04/2026.", "05/04/2026", True),
        ("It was delivered on 5/4/2026.", "05/04/2026", True),
        ("It was delivered on 4 May 2026.", "05/04/2026", False),
        ("It was delivered on 5 April 2026.", "05/04/2026", False),
        ("It was delivered in May.", "05/04/2026", False),
        ("It was delivered in April 2026.", "05/04/2026", False),
        ("It was delivered on 04/05/2026.", "05/04/2026", False),
        ("It was delivered on 25 April 2026.", "25/04/2026", True),
        ("It was delivered on 25 April 2026.", "04/25/2026", True),
        ("It was delivered on 4 April 2026.", "04/04/2026", True),
        ("It was delivered on 05/04/2026.", "5 April 2026", False),
        ("It was delivered on 25/04/2026.", "2026-04-25", True),
    ],
)
def test_a_date_that_may_be_of_two_months_is_held_as_it_stands_only(
    said: str, record: str, held: bool
) -> None:
    assert (unheld(said, f"Order 1\nDelivered: {record}") == []) is held


@pytest.mark.parametrize(
    ("said", "record", "held"),
    [
        ("The total is 10,499.99 SEK.", "10499.99 SEK", True),
        ("The total is SEK 10499.99.", "10499.99 SEK", True),
        ("The total is 10.499,99 SEK.", "10499.99 SEK", True),
        ("The total is 10500 SEK.", "10499.99 SEK", False),
        ("The total is 1,234,567.891 IDR.", "1234567.891 IDR", True),
        ("The total is 1234567891 IDR.", "1234567.891 IDR", False),
        ("The total is 123456789.", "123456.789", False),
        ("The total is 123,456.789.", "123456.789", True),
        ("The total is 12345678904.", "12345678901", False),
        ("The total is 12,345,678,901.", "12345678901", True),
        ("The total is 14.00.", "14", True),
    ],
)
def test_an_amount_is_the_same_with_and_without_separators(
    said: str, record: str, held: bool
) -> None:
    assert (unheld(said, f"Order 1\nTotal: {record}") == []) is held
