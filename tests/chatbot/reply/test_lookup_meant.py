"""Which of her records alice means: by a word that only one has, or by a click."""

import asyncio
from dataclasses import replace
from unittest import mock

import pytest

from chatbot.reply import lookup
from chatbot.reply.answer import collect
from chatbot.reply.lookup import Asked, look_up
from chatbot.reply.turn import Turn
from crm.articles import editing
from crm.knowledge.records import import_records
from crm.models import Article, Customer, RecordKind
from tests.chatbot.reply.records_looked_up import TODAY, keep, told
from tests.fakes import fake_index

BIKES = {
    "L-1": ("Hochrhein Trail, moss green", "ready for pick-up"),
    "L-2": ("Kalmit Grit, dark blue", "delayed"),
    "W-3": ("own bike: Stevens randonneur", "waiting for parts"),
}
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.services,
    pytest.mark.usefixtures("nothing_known"),
]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("when is my next tuning?", "Booking HK-2"),
        ("When is my next piano tuning due", "Booking HK-2"),
        ("when is my next dentist appointment", ""),
        ("when is my next invoice due?", ""),
    ],
)
def test_the_next_thing_may_be_named_by_a_word_of_the_record(
    question: str, answer: str, alice: Customer
) -> None:
    keep(alice, "booking:HK-1", "booking", date="2026-10-01", service="Piano tuning")
    keep(alice, "booking:HK-2", "booking", date="2026-12-09", service="Piano tuning")
    keep(alice, "booking:HK-3", "booking", date="2026-12-03", service="Removal")
    RecordKind.objects.create(name="booking", own_date="date", confirmed=True)
    assert told(question).startswith(answer) if answer else not told(question)


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("is my trail bike ready yet?", "ready for pick-up"),
        ("what's going on with my stevens??", "waiting for parts"),
        ("how is the Kalmit coming along", "delayed"),
        ("what's going on with my Peugeot?", ""),
        ("what is happening with my bike?", ""),
    ],
)
def test_a_thing_is_told_apart_by_a_word_that_only_its_record_has(
    question: str, status: str, alice: Customer
) -> None:
    for number, (bike, state) in BIKES.items():
        keep(alice, f"job:{number}", "job", bike=bike, state=state, signed="2026-11-20")
    RecordKind.objects.create(name="job", status="state", own_date="signed", confirmed=True)
    with fake_index():
        editing.publish(Article(title="Repairs", body="What is happening with my bike? We tell."))
        answer = told(question)
    assert f"State: {status}" in answer if status else not answer
    assert answer.count("State:") == bool(status)


def test_no_word_of_bobs_records_names_one_of_alices(alice: Customer) -> None:
    bob = Customer.objects.create(id="cust_2", name="Bob Birch")
    keep(bob, "job:W-9", "job", bike="Stevens", state="ready", signed="2026-11-20")
    for number, (bike, state) in list(BIKES.items())[:2]:
        keep(alice, f"job:{number}", "job", bike=bike, state=state, signed="2026-11-20")
    RecordKind.objects.create(name="job", status="state", own_date="signed", confirmed=True)
    assert told("what's going on with my stevens??") == ""


def test_a_record_that_is_chosen_by_a_click_answers_the_question_before(alice: Customer) -> None:
    for id, status in (("order:101", "delivered"), ("order:102", "in transit"), ("parcel:102", "")):
        kind, number = id.split(":")
        row = {"id": id, "kind": kind, "customer": alice.id, "title": f"{kind.title()} {number}"}
        about = {"fields": {"ordered": "2026-11-01", "status": status}, "text": "Of order 102."}
        import_records([row | about | {"updated_at": "2026-11-01T00:00:00Z"}])
    said = (("customer", "Where is my last order?"), ("bot", "Order 101 – Status: delivered."))
    turn = Turn("Order 102", "cust_1", said, today=TODAY, choices=("Order 102",))
    found = look_up(turn)
    assert found and found.sentences == ["Order 102 – Status: in transit."]
    assert look_up(replace(turn, choices=())) is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("the one from thistle and loom", "in transit"),
        ("no i mean the cedar & sons one", "delivered"),
        ("thistle & loom", "in transit"),
        ("not the one from thistle and loom", ""),
        ("it was never delivered", ""),
        ("it says delivered", ""),
        ("the cedar box is smashed", ""),
        ("please cancel the thistle and loom order", ""),
        ("order 99999 from Thistle", ""),
        ("what did thistle and loom charge me", ""),
        ("my neighbour has a parcel, too", ""),
        ("one of the two, I don't remember which of them it was", ""),
    ],
)
def test_alice_may_choose_in_her_own_words(alice: Customer, words: str, told: str) -> None:
    keep(alice, "parcel:P-1", "parcel", status="delivered", sender="Cedar & Sons")
    keep(alice, "parcel:P-2", "parcel", status="in transit", sender="Thistle & Loom")
    said = (("customer", "where is my parcel"), ("bot", "Parcel P-1 – Status: delivered."))
    turn = Turn(words, "cust_1", said, today=TODAY, cited=(("parcel:P-1",),))
    found = lookup.choice(turn)
    assert told in " ".join(found.sentences) if found else not told


def test_a_record_that_is_not_meant_is_not_named_beside_a_rule(alice: Customer) -> None:
    keep(alice, "order:1", "order", ordered="2026-11-01", status="in transit")
    turn = Turn("Can I still return the sofa order?", "cust_1", today=TODAY)
    with mock.patch.object(lookup, "asked", return_value=Asked("may", 1.0, "thing")):
        assert lookup.state_beside(turn) is None


@pytest.mark.django_db(transaction=True)
def test_other_records_that_may_be_meant_are_offered_by_a_click(alice: Customer) -> None:
    for number, status in ((5, "in transit"), (4, "delivered"), (3, "delivered")):
        keep(alice, f"order:{number}", "order", ordered=f"2026-11-0{number}", status=status)
    bob = Customer.objects.create(id="cust_2", name="Bob Birch")
    keep(bob, "order:9", "order", ordered="2026-11-09", status="in transit")
    outcome = asyncio.run(collect(Turn("Where is my order?", "cust_1", today=TODAY)))
    assert sorted(outcome.choices) == ["Order 3", "Order 4"]
