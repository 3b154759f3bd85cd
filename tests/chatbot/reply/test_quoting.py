"""What a sentence of the model is shown as: itself, or the lines of the record that it is about."""

from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import pytest

from chatbot.reply.found import Line
from chatbot.reply.quoting import following, in_its_words, meant, with_rival
from crm.knowledge.search import Hit
from inference.grounding import restates
from inference.lines import cut
from tests.fakes import FakeReader

RETURNS = """Returns
You can return unworn goods within 30 days. Worn boots are sent back to you. Unless they are faulty.
Refunds take 5 working days."""
HOURS = """Opening hours
Friday · Dentistry: closed
Friday · Physiotherapy: 9.00 to 17.00"""
ORDER = """Order 50001
Shipped date: 3 November 2026
Carrier: Swift Parcel
Expected delivery: 9 November 2026
Gift wrapping: no
Insured: yes"""


@pytest.fixture(autouse=True)
def a_reader() -> Iterator[None]:
    with mock.patch("chatbot.engines.reader.line_reader", return_value=FakeReader()):
        yield


def shown(sentence: str, passage: str) -> str:
    return in_its_words(meant(sentence, lines_of(passage)))


def lines_of(passage: str, *ranks: float) -> list[Line]:
    hit = Hit("id", "kind", passage.split("\n")[0], passage, shared=True, score=0.0, meaning=0.0)
    texts = cut(passage)[1]
    near = [*ranks, *[0.0] * len(texts)]
    return [Line(hit, at, one, 0.0, near[at]) for at, one in enumerate(texts)]


@pytest.mark.parametrize(
    ("sentence", "passage", "told"),
    [
        (
            "Yes, worn boots can come back.",
            RETURNS,
            "You can return unworn goods within 30 days. Worn boots are sent back to you."
            " Unless they are faulty.",
        ),
        ("Your refund takes 5 days.", RETURNS, "Refunds take 5 working days."),
        (
            "Dentistry is closed on Friday.",
            HOURS,
            "Opening hours – Friday, Dentistry: closed; Physiotherapy: 9.00 to 17.00.",
        ),
        ("The gift is wrapped.", ORDER, "Order 50001 – Gift wrapping: no."),
    ],
)
def test_a_paraphrase_is_told_in_the_records_words(sentence: str, passage: str, told: str) -> None:
    assert shown(sentence, passage) == told


def test_a_sentence_of_two_facts_is_told_as_two_fields() -> None:
    told = shown("Swift Parcel took it away on 3 November 2026.", ORDER)
    assert told.startswith("Order 50001 – ")
    assert "Shipped date: 3 November 2026" in told
    assert "Carrier: Swift Parcel" in told


def test_a_line_hardly_behind_is_told_too() -> None:
    shipped, carrier, *_ = lines = lines_of(ORDER, 5.0, 4.5, 1.0)
    assert with_rival([shipped], lines) == [shipped, carrier]
    assert with_rival([shipped], lines_of(ORDER, 9.0, 4.5, 1.0)[1:2]) == [shipped, lines[1]]
    assert (
        with_rival([lines_of(ORDER, 9.0)[0]], lines_of(ORDER, 9.0, 4.5)) == lines_of(ORDER, 9.0)[:1]
    )
    assert with_rival([shipped, carrier], lines) == [shipped, carrier]


def test_lines_of_two_records_name_both() -> None:
    hit = Hit("order:7", "order", "Order 7", "Order 7\nStatus: sent", False, 0.0, 0.0)
    order = Line(hit, 0, "Status: sent", 0.0, 0.0)
    rule = lines_of("Returns\nYou have 30 days.")[0]
    assert in_its_words([order, rule]) == "Order 7 – Status: sent. You have 30 days."


def test_a_field_of_the_right_record_is_not_lost_behind_another_record() -> None:
    lines = lines_of(ORDER, 30.0)
    hit = Hit("a:1", "article", "Swift Parcel", "Swift Parcel\nWe bring it.", True, 0.0, 0.0)
    between = Line(hit, 0, "We bring it.", 0.0, 20.0)
    told = meant("Swift Parcel took it on 3 November 2026.", [lines[0], between, *lines[1:]])
    assert told == lines[:2], "the date, and the carrier"


def test_a_kind_is_named_in_words() -> None:
    hit = Hit("sales_order:", "sales_order", "No number", "No number\nPaid: no", False, 0.0, 0.0)
    assert in_its_words([Line(hit, 0, "Paid: no", 0.0, 0.0)]) == "Sales order – Paid: no."


def test_no_lines_mean_nothing() -> None:
    assert meant("Anything.", []) == []
    assert in_its_words([]) == ""


@pytest.mark.parametrize(
    ("sentence", "line"),
    [
        ("Order 50001 was shipped on 3 November 2026.", "Shipped date: 3 November 2026"),
        ("It was shipped on November 3, 2026.", "Shipped date: 3 November 2026"),
        ("The carrier is Swift Parcel.", "Carrier: Swift Parcel"),
        ("The total of order 50001 is 41.50 EUR.", "Total: 41.50 EUR"),
        ("Refunds take 5 working days.", "Refunds take 5 working days."),
        ("退款需要5天", "退款需要5天。"),
    ],
)
def test_a_sentence_that_says_what_the_line_says_is_shown_as_it_is(
    sentence: str, line: str
) -> None:
    assert restates(sentence, line, "Order 50001")


@pytest.mark.parametrize(
    ("sentence", "line"),
    [
        ("It was shipped on 4 November 2026.", "Shipped date: 3 November 2026"),
        ("It was delivered on 9 November 2026.", "Expected delivery: 9 November 2026"),
        ("It is insured.", "Insured: no"),
        ("It is not insured.", "Insured: yes"),
        ("It is not gift wrapped.", "Gift wrapping: no"),
        ("You may keep one dog.", "Pets: one cat"),
        ("One cat is allowed.", "Pets: one cat, if the neighbours agree"),
        ("Refunds take 5 days.", "Refunds take 5 working days."),
        ("退款需要6天", "退款需要5天。"),
        ("", "Insured: yes"),
        ("No, it is insured.", "Insured: no"),
        ("Beds are closed, baths open.", "Friday · Baths: closed; Beds: open"),
        ("Unit price 2, quantity 120.00.", "Item: quantity 2, unit price 120.00"),
        ("The route is Munich to Berlin.", "Route: Berlin to Munich"),
        ("It is open 17 to 9.", "Open: 9 to 17"),
        ("Pets: dogs allowed, cats not.", "Pets: cats allowed, dogs not"),
        ("The balance is 41.50 EUR.", "Balance: -41.50 EUR"),
        ("The balance is -41.50 EUR.", "Balance: 41.50 EUR"),
        ("The price is €41.50.", "Price: $41.50"),
        ("The price is €41.50.", "Price: 41.50"),
        ("The discount is 5.", "Discount: 5 %"),
        ("The discount is 5 %.", "Discount: 5"),
        ("Total: 4150", "Total: 41.50"),
        ("The total is 41.50.", "Total: 41"),
        ("The status is.", "Status: refused"),
    ],
)
def test_and_one_that_says_more_less_or_otherwise_is_not(sentence: str, line: str) -> None:
    assert not restates(sentence, line, "Order 50001")


def test_what_follows_a_sentence_of_an_article_is_told_with_it() -> None:
    told = ["Do not touch it.", "Leave the house and ring 999.", "Then call us.", "Bring ice."]
    lines = lines_of("\n".join(["Danger", *told]))
    assert [one.text for one in following(lines[0])] == told[1:3]
    assert following(lines[-1]) == []


def test_a_list_of_steps_is_told_to_its_end() -> None:
    steps = ["1. Leave it alone.", "2. Lead the horses out.", "3. Ring 999.", "4. Then ring us."]
    lines = lines_of("\n".join(["Hot hay", "A stack steams.", *steps, "Hay costs more."]))
    assert [one.text for one in following(lines[0])] == steps
    assert [one.text for one in following(lines[1])] == steps[1:]


def test_a_list_with_an_introduction_a_long_step_and_nine_steps_is_told_to_its_end() -> None:
    introduced = [f"In a fire: {number}. Do this." for number in range(1, 10)]
    lines = lines_of("\n".join(["Fire", *introduced, "Hay costs more."]))
    assert [one.text for one in following(lines[0])] == introduced[1:]
    long = f"2. {'Lead every horse out of the barn by hand. ' * 2}{'Keep the doors shut. ' * 6}"
    lines = lines_of("\n".join(["Fire", "1. Leave it.", long, "3. Ring 999.", "It is dry."]))
    assert [one.text for one in following(lines[0])][-1] == "3. Ring 999."
    assert len(following(lines[0])) == 3


def test_advice_under_a_heading_is_told_to_its_end_and_the_heading_once() -> None:
    steps = [
        "If it lets go: 1. Leave it.",
        "If it lets go: Do not clean it.",
        "If it lets go: 2. Ring us.",
    ]
    lines = lines_of("\n".join(["Repairs", *steps, "Prices · Strap: 5 EUR"]))
    told = [lines[0], *following(lines[0])]
    assert [line.text for line in told] == steps
    assert (
        in_its_words(told) == "Repairs – If it lets go: 1. Leave it; Do not clean it; 2. Ring us."
    )


@pytest.mark.parametrize("heading", ["Fire: In a fire: ", "What if the hay is hot? ", "Fire: "])
@pytest.mark.parametrize("end", [".", ""])
def test_steps_below_any_heading_are_told_to_their_end(heading: str, end: str) -> None:
    said = ["Leave at once", "Lead the horses out", "Shut the doors", "Ring 999"]
    steps = [f"{heading}{number}. {text}{end}" for number, text in enumerate(said, start=1)]
    lines = lines_of("\n".join(["Stable", *steps, "Pets: No dogs."]))
    assert [one.text for one in following(lines[0])] == steps[1:]


def test_a_list_with_a_list_in_a_step_is_told_to_its_end() -> None:
    said = ["1. Leave.", "2. Lead out: the horses", "2. Lead out: the ponies", "3. Ring 999."]
    lines = lines_of("\n".join(["Stable", *(f"Fire: {text}" for text in said)]))
    assert [one.text for one in following(lines[0])] == [f"Fire: {text}" for text in said[1:]]


def test_a_heading_is_said_again_where_the_line_before_has_more() -> None:
    told = ["Flat 3: Not included: breakfast", "Flat 3: Parking: free", "Flat 3: Parking: dry"]
    lines = [
        replace(line, hit=replace(line.hit, shared=True))
        for line in lines_of("\n".join(["Flats", *told]))
    ]
    assert in_its_words(lines) == (
        "Flats – Flat 3: Not included: breakfast; Flat 3: Parking: free; dry."
    )


def test_what_stands_below_another_heading_does_not_follow() -> None:
    told = ["Locked out: Ring security.", "Locked out: Wait.", "Fire alarm: It is free."]
    lines = lines_of("\n".join(["Room", *told]))
    assert [one.text for one in following(lines[0])] == told[1:2]
    assert following(lines[1]) == []


def test_a_list_that_begins_later_or_anew_is_another_one() -> None:
    told = ["Ring 999.", "Go out.", "Wait.", "1. Order hay.", "2. Pay."]
    assert [one.text for one in following(lines_of("\n".join(["Fire", *told]))[0])] == told[1:3]
    told = ["1. Ring 999.", "2. Go out.", "1. Order hay.", "2. Pay.", "3. Stack it."]
    assert [one.text for one in following(lines_of("\n".join(["Fire", *told]))[0])] == told[1:3]
    told = ["1. Ring 999.", "2. Go out.", "3. Wait.", "1. Order hay.", "2. Pay.", "3. Stack it."]
    assert [one.text for one in following(lines_of("\n".join(["Fire", *told]))[0])] == told[1:3]


def test_a_field_a_row_and_a_record_of_the_customer_stand_alone() -> None:
    for passage in (ORDER, HOURS):
        first = lines_of(passage)[0]
        assert following(first) == []
    first = lines_of(RETURNS)[0]
    own = replace(first, hit=replace(first.hit, shared=False))
    assert following(own) == []
