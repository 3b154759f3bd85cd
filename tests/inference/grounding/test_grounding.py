"""Figures and names must be the record's, in any usual spelling."""

import pytest

from inference.grounding import says_absent, unheld
from inference.grounding.dates import written_like
from inference.grounding.facts import amount

PASSAGE = """Order 50001
Shipped date: 3 November 2026
Carrier: Swift Parcel
Total: 1,041.50
Item: Heron tent, sku FH-TNT-210, quantity 2
Ship to: Alice Archer, 12 Quay Street, Galway
Collection: 20:00"""


@pytest.mark.parametrize(
    "sentence",
    [
        "Order 50001 was sent on 3 November 2026.",
        "It was sent on November 3, 2026.",
        "It was sent on 2026-11-03.",
        "It was sent on the 3rd of November.",
        "Swift Parcel is the carrier.",
        "The total was €1041.50.",
        "The total was 1.041,50.",
        "You ordered two Heron tents.",
        "The article is fh-tnt-210.",
        "It goes to Alice Archer in Galway.",
        "You can collect it at 8 pm.",
        "You can collect it at eight in the evening.",
    ],
)
def test_a_fact_of_the_passage_is_held_in_any_spelling(sentence: str) -> None:
    assert unheld(sentence, PASSAGE) == []


@pytest.mark.parametrize(
    ("sentence", "missing"),
    [
        ("It was sent on 4 November 2026.", "2026-11-4"),
        ("It was sent on 3 November 2025.", "2025-11-3"),
        ("Kite Couriers is the carrier.", "couriers"),
        ("The total was 1041.51.", "1041.51"),
        ("You ordered three Heron tents.", "3"),
        ("The article is FH-TNT-211.", "fhtnt211"),
        ("Yes, there is a shop in Tokyo.", "tokyo"),
        ("Order 50002 is late.", "50002"),
        ("You can collect it at 8 am.", "8:00"),
        ("You can collect it at half past eight.", "8"),
    ],
)
def test_what_the_passage_does_not_have_is_named(sentence: str, missing: str) -> None:
    assert missing in unheld(sentence, PASSAGE)


def test_the_customers_own_figures_may_be_repeated() -> None:
    sentence, passage = "No, 40 days is too late.", "Returns\nWithin 30 days."
    assert unheld(sentence, passage) == ["40"]
    assert unheld(sentence, passage, "can I return it after 40 days?") == []


def test_a_date_is_held_without_its_year_and_with_a_year_that_is_spoken_of() -> None:
    passage = "Order of 2 May 2026\nWe reserve it until 29 November."
    assert unheld("We reserve it until 29 November 2026.", passage) == []
    assert unheld("We reserve it until 29 November 2031.", passage) != []


@pytest.mark.parametrize("sentence", ["It goes to QX7PML.", "It weighs 7 kg.", "Collect at 21:00."])
def test_codes_amounts_and_times_must_be_the_records(sentence: str) -> None:
    assert unheld(sentence, "Parcel\nLocator: QX7PLM\nWeight: 17 kg\nCollection: 20:00")


def test_a_sentence_may_say_that_nothing_is_on_record() -> None:
    assert says_absent("I don't have any information on record about that.")
    assert not says_absent("The museum is closed on Mondays.")


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,234.50", "1234.5"), ("1.234,50", "1234.5"), ("1234.5", "1234.5"), ("30", "30"),
     ("1,000", "1000"), ("0.125", "0.125"), ("19,5", "19.5")],
)  # fmt: skip
def test_amounts_have_one_spelling(text: str, value: str) -> None:
    assert amount(text) == value


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("when?", "Sent on 5 August 2026."),
        ("before 2.5.2026?", "Sent on 05.08.2026."),
        ("before 25/07/2026?", "Sent on 05/08/2026."),
        ("before 07/25/2026?", "Sent on 08/05/2026."),
        ("before 3/5/2026?", "Sent on 5 August 2026."),
        ("before May 3, 2026?", "Sent on August 5, 2026."),
        ("before 2026-05-03?", "Sent on 2026-08-05."),
    ],
)
def test_dates_are_written_as_the_customer_writes_them(asked: str, answer: str) -> None:
    assert written_like("Sent on 5 August 2026.", asked) == answer
