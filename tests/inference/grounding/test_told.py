"""A paraphrase of an article is answered with the article's own sentence."""

import pytest

from inference.grounding import check

RETURNS = """Returns
You can return unworn goods within 30 days. Worn boots are sent back to you. Unless they are faulty.
Refunds take 5 working days."""
HOURS = """Opening hours
Friday · Dentistry: closed
Friday · Physiotherapy: 9.00 to 17.00"""
ORDER = """Order 50001
Shipped date: 3 November 2026
Gift wrapping: no"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "Yes, you can return goods within 30 days.",
            "You can return unworn goods within 30 days.",
        ),
        ("Your refund takes 5 working days.", "Refunds take 5 working days."),
        ("Refunds take 5 working days.", ""),
    ],
)
def test_the_articles_sentence_is_told_for_a_paraphrase(said: str, told: str) -> None:
    verdict = check(said, [RETURNS], "can I return boots, and when is the refund?")
    assert verdict.supported, verdict.missing
    assert verdict.told == told


def test_an_exception_is_told_with_its_rule() -> None:
    verdict = check("Worn boots are sent back.", [RETURNS], "worn boots?")
    assert verdict.told == "Worn boots are sent back to you. Unless they are faulty."


def test_a_cell_is_told_with_its_row_and_column() -> None:
    verdict = check("Dentistry is closed on Friday.", [HOURS], "when are you open?")
    assert verdict.told == "Friday, Dentistry: closed."


def test_a_field_may_be_restated() -> None:
    verdict = check("Order 50001 was shipped on 3 November 2026.", [ORDER], "was it shipped?")
    assert verdict.supported, verdict.missing
    assert verdict.told == ""
