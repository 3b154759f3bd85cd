"""A turn reads no more for alice, who has much, than for bob, who has less."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatbot.engines import kinds
from chatbot.models import Conversation, Inbox, Message, Visitor
from chatbot.reply import lookup, runner
from chatbot.reply.lookup import Asked, look_up
from chatbot.reply.turn import Turn
from crm.knowledge import search
from crm.knowledge.newest import kinds_of, newest
from crm.models import Customer, Key, Record, RecordKind

TODAY = date(2026, 11, 29)
pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture(autouse=True)
def known_kinds() -> None:
    for name in ("order", "visit"):
        about = {"status": "status", "own_date": "ordered", "expected_date": "expected"}
        about |= {"final_statuses": ["delivered"], "open_statuses": ["in transit"]}
        RecordKind.objects.create(name=name, confirmed=True, **about)
    kinds.forget()


def customer(id: str, count: int) -> Customer:
    """Keep so many orders and visits, a day apart; the two newest of each are on their way."""
    owner = Customer.objects.create(id=id, name=id)
    Record.objects.bulk_create(
        record(owner, kind, number, TODAY - timedelta(days=number))
        for kind in ("order", "visit")
        for number in range(1, count + 1)
    )
    return owner


def record(owner: Customer, kind: str, number: int, day: date, **more: Any) -> Record:
    status = "in transit" if number < 3 else "delivered"
    due = (day + timedelta(days=3)).isoformat()
    fields = {"ordered": day.isoformat(), "expected": due, "status": status, **more}
    return Record(
        id=f"{owner.id}/{kind}:{number}",
        kind=kind,
        customer=owner,
        title=f"{kind.title()} {number}",
        fields=fields,
        latest=date.fromisoformat(max(str(value) for value in fields.values() if value != status)),
        updated_at=timezone.now(),
    )


@contextmanager
def counted_rows() -> Iterator[list[int]]:
    """Count the rows that each query fetches."""
    rows: list[int] = []
    fetch = CursorWrapper.__getattr__

    def counted(cursor: CursorWrapper, name: str) -> Any:
        method = fetch(cursor, name)
        if name not in {"fetchone", "fetchmany", "fetchall"}:
            return method

        def fetched(*arguments: Any) -> Any:
            found = method(*arguments)
            rows.append(int(found is not None) if name == "fetchone" else len(found))
            return found

        return fetched

    with mock.patch.object(CursorWrapper, "__getattr__", counted):
        yield rows


def reads(work: Callable[[], Any]) -> tuple[int, int]:
    """Return how many queries the work makes, and how many rows these fetch."""
    work()  # What is cached is cached.
    with CaptureQueriesContext(connection) as queries, counted_rows() as rows:
        work()
    return len(queries), sum(rows)


@pytest.fixture
def alice() -> Customer:
    return customer("alice", 90)


@pytest.fixture
def bob() -> Customer:
    return customer("bob", 30)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (Asked("status", 1.0, "last"), "Order 1 – Status: in transit"),
        (Asked("when", 1.0, "next"), "Order 2 – Expected: 30 November 2026"),
        (Asked("status", 1.0, "any"), "Order 1 – Status: in transit"),
        (Asked("list", 1.0, "open"), "You have 2 open orders: Order 1 (in transit"),
    ],
)
def test_a_question_reads_no_more_records_of_alice_than_of_bob(
    asked: Asked, answer: str, alice: Customer, bob: Customer
) -> None:
    def told(customer: Customer) -> str:
        found = look_up(Turn("my order", customer.id, today=TODAY))
        return " ".join(found.sentences) if found else ""

    with mock.patch.object(lookup, "asked", return_value=asked):
        assert told(alice).startswith(answer)
        assert told(alice) == told(bob)
        assert reads(lambda: told(alice)) == reads(lambda: told(bob))


def test_the_newest_of_each_kind_take_as_many_rows_for_alice_as_for_bob(
    alice: Customer, bob: Customer
) -> None:
    assert newest(alice.id) == {"alice/order:1", "alice/visit:1"}
    assert reads(lambda: newest(alice.id)) == reads(lambda: newest(bob.id))
    assert reads(lambda: kinds_of(alice.id)) == (1, 2)


def test_the_newest_are_found_by_an_index(alice: Customer) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads so small a table as a whole.")
    with CaptureQueriesContext(connection) as queries:
        newest(alice.id, {"order": "ordered", "visit": ""})
        kinds_of(alice.id)
    for query in queries.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plan = " ".join(row[3] for row in cursor.fetchall())
        assert "USING INDEX record_newest (customer_id=?" in plan
        assert "SCAN crm_record" not in plan
        assert "TEMP B-TREE" not in plan


def test_a_warranty_of_many_newer_orders_does_not_hide_the_newest_one(bob: Customer) -> None:
    for one in Record.objects.filter(customer=bob, kind="order").exclude(id="bob/order:1"):
        one.fields["warranty"] = one.fields["ordered"].replace("2026", "2031")
        Record.objects.filter(id=one.id).update(fields=one.fields, latest=one.fields["warranty"])
    assert "bob/order:1" in newest(bob.id)
    with mock.patch.object(lookup, "asked", return_value=Asked("status", 1.0, "last")):
        found = look_up(Turn("my last order", bob.id, today=TODAY))
    assert found
    assert found.sentences[0].startswith("Order 1 ")


def test_a_title_that_many_records_have_names_none_of_them(alice: Customer) -> None:
    for number in range(1, 80):
        Key.objects.create(record_id=f"alice/visit:{number}", customer=alice, value="haircut")
    Key.objects.create(record_id="alice/order:7", customer=alice, value="10482")
    assert search.exact("the haircut with order 10482", alice.id) == {"alice/order:7": "10482"}
    rows = reads(lambda: search.exact("the haircut with order 10482", alice.id))[1]
    assert rows <= 2 * (search.CROWD + 1)


def test_a_number_in_all_of_alices_records_is_known_at_once(alice: Customer) -> None:
    for one in Record.objects.filter(customer=alice):
        Key.objects.create(record=one, customer=alice, value="41234567")
    assert search.unknown_references("contract 41234567", alice.id) == []
    assert reads(lambda: search.unknown_references("contract 41234567", alice.id)) == (1, 1)


def test_a_turn_reads_as_little_of_a_long_conversation_as_of_a_short_one() -> None:
    inbox = Inbox.objects.create(key="shop", name="Shop")

    def turn_after(count: int) -> tuple[int, int]:
        visitor = Visitor.objects.create(inbox=inbox)
        talk = Conversation.objects.create(visitor=visitor, last_seq=count)
        said = [
            Message(conversation=talk, seq=seq, author="customer" if seq % 2 else "bot", text="Hm")
            for seq in range(1, count + 1)
        ]
        said = Message.objects.bulk_create(said)
        return reads(lambda: runner.turn_at(talk, said[-1]))

    assert turn_after(101) == turn_after(21)
