"""The day that alice waits for is told with the state of what is hers."""

from dataclasses import replace

import pytest

from chatbot.reply.customer_records import OwnRecord
from chatbot.reply.found import Line
from chatbot.reply.lookup import day_beside
from chatbot.reply.turn import Turn
from crm.knowledge import record_text
from crm.knowledge.search import Hit
from crm.models import Customer, Record, RecordKind
from tests.chatbot.reply.records_looked_up import TODAY, keep, lessons, told

BENCH = "Status: on the bench"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.services,
    pytest.mark.usefixtures("nothing_known"),
]


def read_line(text: str) -> Line:
    """Stand in for a line that the reader found in alice's repair."""
    hit = Hit("repair:7", "repair", "Repair 7", f"Repair 7\n{text}", False, 0.0, 0.0)
    return Line(hit, 0, text, 0.9, 9.0)


def test_next_is_the_first_that_is_still_to_come(alice: Customer) -> None:
    lessons(alice)
    assert told("When is my next lesson?") == "Lesson L-3 – Date: 4 December 2026; Status: booked."


def test_next_is_none_that_was_cancelled(alice: Customer) -> None:
    lessons(alice)
    Record.objects.filter(id="lesson:L-3").update(
        fields={"date": "2026-12-04", "status": "cancelled", "price": "GBP 41.50"}
    )
    assert told("When is my next lesson?").startswith("Lesson L-4")


@pytest.mark.parametrize(
    ("field", "value", "day"),
    [
        ("promised_for", "2026-12-03, 15:00", "Promised for: 2026-12-03, 15:00"),
        ("ready_on", "2026-12-03", "Ready on: 3 December 2026"),
        (
            "expected",
            "2026-12-03, between 8 and 10 am",
            "Expected: 2026-12-03, between 8 and 10 am",
        ),
    ],
)
def test_the_state_of_an_open_one_is_told_with_the_day_that_alice_waits_for(
    alice: Customer, field: str, value: str, day: str
) -> None:
    fields = {"dropped_off": "2026-11-20", "guarantee_until": "2027-12-25", field: value}
    keep(alice, "repair:7", "repair", status="on the bench", **fields)
    assert told("Is my repair done yet?") == f"Repair 7 – Status: on the bench; {day}."
    read = day_beside(Turn("juki ready or no", "cust_1", today=TODAY), [read_line(BENCH)], set())
    assert read and read.sentences == [f"Repair 7 – {day}."]


def test_a_day_that_is_over_is_not_waited_for(alice: Customer) -> None:
    keep(alice, "repair:7", "repair", status="on the bench", promised_for="2026-11-20, 15:00")
    assert told("Is my repair done yet?") == "Repair 7 – Status: on the bench."
    asked = Turn("juki ready or no", "cust_1", today=TODAY)
    assert day_beside(asked, [read_line(BENCH)], set()) is None


def test_a_day_to_come_is_told_in_place_of_an_expected_day_that_is_over(alice: Customer) -> None:
    # Two repairs have `due` and one has `now_expected`. So Attune takes `due` for the expected day,
    # whichever of them the trained head prefers.
    bob = Customer.objects.create(id="cust_2", name="Bob Birch")
    keep(bob, "repair:8", "repair", status="on the bench", due="2026-11-20")
    fields = {"status": "on the bench", "due": "2026-11-20", "now_expected": "2026-12-05"}
    record = keep(alice, "repair:7", "repair", **fields)
    assert told("Is my repair done yet?").endswith("Now expected: 5 December 2026.")
    Record.objects.filter(id=record.id).update(fields=fields | {"now_expected": ""})
    assert told("Is my repair done yet?").endswith("Due: 20 November 2026.")


def test_a_day_that_people_have_not_named_is_not_told_of_a_confirmed_kind(alice: Customer) -> None:
    RecordKind.objects.create(name="repair", status="status", confirmed=True)
    keep(alice, "repair:7", "repair", status="on the bench", expected="2026-12-03")
    assert told("Is my repair done yet?") == "Repair 7 – Status: on the bench."


def test_a_day_is_told_only_beside_the_status(alice: Customer) -> None:
    keep(alice, "repair:7", "repair", status="on the bench", expected="2026-12-03")
    asked = Turn("juki ready or no", "cust_1", today=TODAY)
    assert day_beside(asked, [read_line(BENCH)], set())
    told_before = {("repair:7", "Expected: 3 December 2026")}
    assert day_beside(asked, [read_line(BENCH)], told_before) is None
    assert day_beside(asked, [read_line("Machine: Juki")], set()) is None
    assert day_beside(asked, [read_line(BENCH), read_line("Machine: Juki")], set())
    expected = read_line("Expected: 3 December 2026")
    assert day_beside(asked, [read_line(BENCH), expected], set()) is None


@pytest.mark.parametrize("field", ["delivered", "delivered_on", "Date delivered"])
def test_the_state_of_a_finished_one_is_told_with_the_day_of_that_state(
    alice: Customer, field: str
) -> None:
    fields = {"ordered": "2026-11-09", field: "2026-11-24", "scan": "e-mailed on 2026-11-23"}
    keep(alice, "certificate:7", "certificate", status="delivered", **fields)
    day = f"{record_text.heading(record_text.words_of(field))}: 24 November 2026"
    assert told("Where is my certificate?") == f"Certificate 7 – Status: delivered; {day}."


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        ("order cancelled", {"order_date": "2026-11-01"}),
        ("return shipped", {"shipped": "2026-11-01"}),
        ("not delivered", {"delivered": "2026-11-20"}),
        ("approved, not paid", {"paid": "2026-11-20"}),
        ("posted", {"posted": "2026-12-20"}),
        ("in repair", {"delivered": "2026-09-01"}),
    ],
)
def test_the_day_of_another_state_and_a_day_to_come_are_not_told(
    alice: Customer, status: str, fields: dict[str, str]
) -> None:
    record = keep(alice, "parcel:7", "parcel", status=status, **fields)
    one = OwnRecord(record, RecordKind(name="parcel", status="status"))
    assert one.reached(TODAY) == ""


def test_nothing_of_an_article_is_told_beside(alice: Customer) -> None:
    line = read_line(BENCH)
    shared = replace(line, hit=replace(line.hit, shared=True, kind="article"))
    assert day_beside(Turn("done?", "cust_1", today=TODAY), [shared], set()) is None
    assert not RecordKind.objects.filter(name="article").exists()


def test_a_field_that_is_no_day_names_no_day_of_a_state(alice: Customer) -> None:
    keep(alice, "certificate:7", "certificate", status="delivered", delivered="by hand")
    assert told("Where is my certificate?") == "Certificate 7 – Status: delivered."


def test_the_last_one_is_not_chosen_by_when_it_is_expected_or_was_collected(
    alice: Customer,
) -> None:
    keep(
        alice, "order:1", "order", ordered="2026-10-01", status="collected",
        collected_date="2026-11-25", price="USD 20.00",
    )  # fmt: skip
    keep(
        alice, "order:2", "order", ordered="2026-11-20", status="in transit",
        expected_date="2026-12-09", price="USD 20.00",
    )  # fmt: skip
    assert told("What is the status of my last order?").startswith("Order 2")
