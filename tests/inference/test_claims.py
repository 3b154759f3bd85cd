"""Right facts of the wrong thing: what a sentence says is compared with the line that says it."""

import pytest

from inference.grounding import check
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
