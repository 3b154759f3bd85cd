"""What a passage supports may be said, in any usual spelling; nothing else may."""

import pytest

from inference.grounding import check
from inference.grounding.facts import amount

PASSAGE = """Order 50001
Shipped date (sent, dispatched): 3 November 2026
Carrier (delivered by): Swift Parcel
Total: 1,041.50
Item: Heron tent, sku FH-TNT-210, quantity 2
Ship to: Alice Archer, 12 Quay Street, Galway"""
ASKED = "Where is my order 50001 and do you sell bicycles in Tokyo?"

SUPPORTED = [
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
]
UNSUPPORTED = [
    ("It was sent on 4 November 2026.", "2026-11-4"),
    ("It was sent on 3 November 2025.", "2025-11-3"),
    ("Kite Couriers is the carrier.", "couriers"),
    ("The total was 1041.51.", "1041.51"),
    ("You ordered three Heron tents.", "3"),
    ("The article is FH-TNT-211.", "fhtnt211"),
    ("Yes, we sell bicycles.", "bicycl"),
    ("Yes, there is a shop in Tokyo.", "tokyo"),
    ("Order 50002 is late.", "50002"),
]


@pytest.mark.parametrize("sentence", SUPPORTED)
def test_a_fact_of_the_passage_is_supported_in_any_spelling(sentence: str) -> None:
    verdict = check(sentence, [PASSAGE], ASKED)
    assert verdict.supported, verdict.missing


@pytest.mark.parametrize(("sentence", "missing"), UNSUPPORTED)
def test_what_no_passage_says_is_named_as_missing(sentence: str, missing: str) -> None:
    verdict = check(sentence, [PASSAGE], ASKED)
    assert not verdict.supported
    assert missing in verdict.missing


def test_news_may_be_told_in_the_customers_words_if_they_are_mostly_the_passages() -> None:
    passage = "Heron tent\nUnits in stock: 20"
    assert check("There are 20 units left.", [passage], "how many units are left").supported
    assert not check("Your laptop warranty ends at 20.", [passage], "my laptop warranty").supported


def test_the_passage_that_holds_the_facts_comes_first() -> None:
    other = "Returns\nYou can return goods within 30 days."
    assert check("It was sent on 3 November 2026.", [other, PASSAGE], "").passage == 1
    assert check("You have 30 days.", [other, PASSAGE], "").passage == 0


def test_a_price_of_one_thing_cannot_be_told_of_another() -> None:
    jackets = ["Squall jacket\nPrice: 279.00", "Drizzle jacket\nPrice: 139.95"]
    asked = "price of the squall jacket"
    assert check("The Squall jacket costs 279.00.", jackets, asked).supported
    assert not check("The Squall jacket costs 139.95.", jackets, asked).supported


def test_a_date_is_held_without_its_year_and_with_a_year_that_is_spoken_of() -> None:
    passage = "Order of 2 May 2026\nWe reserve it until 29 November."
    assert check("We reserve it until 29 November 2026.", [passage], "").supported
    assert not check("We reserve it until 29 November 2031.", [passage], "").supported


def test_a_sentence_about_something_else_cannot_borrow_a_figure() -> None:
    rental = "Rental\nAt the shop a tent costs EUR 15 for a day."
    asked = "What salary do your shop assistants get?"
    assert not check("Shop assistants get EUR 15 for a day.", [rental], asked).supported


def test_a_sentence_that_says_nothing_is_on_record_is_no_answer() -> None:
    assert check("I don't have any information on record about that.", [PASSAGE], "").absent


def test_nothing_is_supported_without_passages() -> None:
    assert not check("Yes, of course.", [], "Is it true?").supported


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,234.50", "1234.5"), ("1.234,50", "1234.5"), ("1234.5", "1234.5"), ("30", "30"),
     ("1,000", "1000"), ("0.125", "0.125"), ("19,5", "19.5")],
)  # fmt: skip
def test_amounts_have_one_spelling(text: str, value: str) -> None:
    assert amount(text) == value
