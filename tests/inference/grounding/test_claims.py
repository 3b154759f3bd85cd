"""Right facts of the wrong thing: what a sentence says is compared with the line that says it."""

from collections.abc import Sequence

import pytest

from inference.grounding import check, overlap
from inference.grounding.dates import written_like

ORDER = """Order 50001
Order date: 2 November 2026
Shipped date (sent, dispatched): 3 November 2026
Expected delivery (should arrive, latest day): 9 November 2026
Delivered at: none on record
Status: in transit
Gift wrapping: no
Insured: yes
Driver: Noor Haldane
Sales contact: Emil Sandor
Line: Heron tent, quantity 2, unit price 120.00
Line: Folding chair, quantity 3, unit price 35.00
Collection: 20:00"""

POLICY = """Returns
You can return goods within 30 days. Sale items cannot be returned.
Delivery is free of charge, but heavy goods are left at the kerb."""

SUPPORTED = [
    "It was sent on 3 November 2026.",
    "It has not been delivered yet.",
    "Your order should arrive on 9 November 2026.",
    "No, the order is not gift wrapped.",
    "Yes, it is insured.",
    "You ordered two Heron tents and three folding chairs.",
    "Noor Haldane is the driver.",
    "You can collect it at 8 pm.",
    "No, sale items cannot be returned.",
    "Delivery is free of charge.",
]
WRONG = [
    "It was sent on 2 November 2026.",
    "It has been delivered.",
    "It was delivered on 9 November 2026.",
    "Yes, the order is gift wrapped.",
    "No, it is not insured.",
    "You ordered three Heron tents and two folding chairs.",
    "Emil Sandor is the driver.",
    "You can collect it at 8 am.",
    "Yes, sale items can be returned.",
    "The order is cancelled.",
    "It was sent on 3 November 2026 because of a strike at the depot.",
    "It was sent on 3 November 2026, and we will give you a voucher.",
]


@pytest.mark.parametrize("sentence", SUPPORTED)
def test_what_the_record_says_may_be_said_in_other_words(sentence: str) -> None:
    verdict = check(sentence, [ORDER, POLICY], "")
    assert verdict.supported, verdict.missing


@pytest.mark.parametrize("sentence", WRONG)
def test_a_fact_told_of_something_else_is_withheld(sentence: str) -> None:
    assert not check(sentence, [ORDER, POLICY], "").supported


@pytest.mark.parametrize("sentence", ["It goes to QX7PML.", "It weighs 7 kg.", "Collect at 21:00."])
def test_codes_amounts_and_times_must_be_the_records(sentence: str) -> None:
    passage = "Parcel\nLocator: QX7PLM\nWeight: 17 kg\nCollection: 20:00"
    assert not check(sentence, [passage], "").supported


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


RENTAL = """Renting
You can rent these from the shop: Heron tent 35.00, mat 8.00. We do not rent boots."""
STOVES = """Stoves
Cook outdoors only. A stove in a tent, or in a porch, can start a fire.
Our stoves have safe valves, and their hoses are safe too."""


def by_words(text: str, others: Sequence[str]) -> list[float]:
    """Cosines as of an encoder that knows words alone."""
    return [overlap(text, other) / 2 for other in others]


def test_a_sentence_that_begins_with_a_list_is_no_field() -> None:
    assert not check("Yes, we rent boots.", [RENTAL], "do you rent boots?", by_words).supported
    assert check("We do not rent boots.", [RENTAL], "do you rent boots?", by_words).supported


def test_yes_in_the_customers_own_words_stands_on_what_speaks_of_the_same() -> None:
    verdict = check("Yes, a tent is safe.", [STOVES], "is a tent safe?", by_words)
    assert verdict.missing == ("nothing on record speaks of it",)
    asked = "may I cook outdoors only?"
    assert check("Yes, cook outdoors only.", [STOVES], asked, by_words).supported
