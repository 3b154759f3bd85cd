"""A quantity in another unit, a time in words and a day's date are the record's own figures."""

import pytest

from inference.grounding import unheld

HELD = [
    ("You have two weeks.", "Returns\nWithin 14 days."),
    ("It is good for a year.", "Voucher\nValid for 12 months."),
    ("Two years of guarantee.", "Guarantee\n24 months from delivery."),
    ("It takes 48 hours.", "Repairs\nReady in two days."),
    ("We close at half past six.", "Hours\nFriday: 9:00 to 18:30"),
    ("You can collect it at eight in the evening.", "Parcel\nCollection: 20:00"),
    ("You leave on the 14th.", "Booking 7\nDeparture: 14 December 2026"),
    ("It comes to forty-two pounds.", "Fees\nFive items cost £42."),
    ("The hall is open on Sundays.", "Hours\nWeekends: 10:00 to 16:00"),
    ("Your October stay is under review.", "Claim\nStay: Faro, 2 October 2026"),
    ("It pays R30,000.", "Funeral cover\nPays R 30,000."),
]
OTHERS = [
    ("You have three weeks.", "Returns\nWithin 14 days."),
    ("It is good for two years.", "Voucher\nValid for 12 months."),
    ("We close at half past seven.", "Hours\nFriday: 9:00 to 18:30"),
    ("You can collect it at half past eight.", "Parcel\nCollection: 20:00"),
    ("You leave on the 15th.", "Booking 7\nDeparture: 14 December 2026"),
    ("It is on the 14th floor.", "Booking 7\nDeparture: 14 December 2026"),
    ("It comes to forty-three pounds.", "Fees\nFive items cost £42."),
    ("Your November stay is under review.", "Claim\nStay: Faro, 2 October 2026"),
    ("It weighs seventy kilos.", "Parcel\nWeight: 17 kg"),
    ("It costs EUR5,000.", "Fees\nIt costs USD 5,000."),
    ("You may bring up to 6 guests.", "Hours\nOpen until 18:00"),
    ("You have 500 days.", "Voucher\nValid for 1,500 days"),
]


@pytest.mark.parametrize(("sentence", "passage"), HELD)
def test_a_quantity_may_be_said_in_another_unit(sentence: str, passage: str) -> None:
    assert unheld(sentence, passage) == []


@pytest.mark.parametrize(("sentence", "passage"), OTHERS)
def test_and_is_not_another_quantity(sentence: str, passage: str) -> None:
    assert unheld(sentence, passage) != []
