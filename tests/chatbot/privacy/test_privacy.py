"""Forgetting: alice asks to be forgotten, bob's conversations grow old."""

import json
from datetime import timedelta
from unittest import mock

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from chatbot import tasks
from chatbot.conversation import agents, customers
from chatbot.models import Conversation, DeletedCount, Erasure, Message, Note, Summary
from chatbot.people import audit
from chatbot.privacy import retention, webhook_bodies
from crm.customers import mentions
from crm.inbound import reception
from crm.models import (
    Customer,
    Delivery,
    Endpoint,
    InboundEvent,
    Passage,
    Record,
    Source,
    Tombstone,
)
from crm.outbound import outbox
from tests.chatbot.console.test_agents import AgentsTestCase
from tests.fakes import ALICE, BOB

pytestmark = pytest.mark.services

CARD = "4111 1111 1111 1111"
NOTHING = {"redacted": 0, "deleted": 0, "emptied": 0}


class ForgettingTests(AgentsTestCase):
    def setUp(self) -> None:
        super().setUp()
        Customer.objects.filter(id=ALICE).update(name="Alice Ash")
        customers.receive(self.conversation, "m2", f"I am Alice Ash, a@ash.example, card {CARD}")
        agents.note(self.conversation, self.dora, "Alice Ash is a good customer")
        Summary.objects.create(conversation=self.conversation, problem="Alice's card")

    def aged(self, days: int) -> None:
        past = timezone.now() - timedelta(days=days)
        Conversation.objects.update(last_message_at=past)

    def test_unless_told_nothing_is_ever_forgotten(self) -> None:
        self.aged(9_999)
        self.assertEqual(retention.forget(), NOTHING)

    @override_settings(REDACT_AFTER_DAYS=30, DELETE_AFTER_DAYS=90)
    def test_first_redacted_then_deleted_and_counted(self) -> None:
        self.aged(29)
        self.assertEqual(retention.forget(), NOTHING)
        self.aged(31)
        self.assertEqual(retention.forget(dry=True), NOTHING | {"redacted": 1})
        self.assertEqual(retention.forget(), NOTHING | {"redacted": 1})
        said = " ".join(Message.objects.values_list("text", flat=True))
        for secret in ("Alice", "Ash", "4111", "ash.example"):
            self.assertNotIn(secret, said)
        self.assertIn("this is terrible", said, "what was felt stays")
        self.assertEqual(Note.objects.get().text, retention.GONE)
        self.assertEqual(Summary.objects.get().problem, retention.GONE)
        self.assertEqual(retention.forget()["redacted"], 0, "once")
        self.aged(91)
        self.assertEqual(tasks.forget_old()["deleted"], 1)
        self.assertFalse(Message.objects.exists())
        kept = DeletedCount.objects.get()
        self.assertEqual((kept.conversations, kept.messages), (1, 2))

    def test_alice_is_erased_and_bob_is_not(self) -> None:
        wish = Erasure.objects.create(customer=ALICE)
        theirs = Record.objects.filter(customer=ALICE).count()
        passages = Passage.objects.filter(customer=ALICE).count()
        tasks.erase(wish.id)
        wish.refresh_from_db()
        self.assertEqual(wish.counts, {"conversations": 1, "messages": 2, "records": theirs})
        self.assertIsNotNone(wish.done_at)
        self.assertFalse(Conversation.objects.exists())
        self.assertFalse(Record.objects.filter(customer=ALICE).exists())
        self.assertEqual(Tombstone.objects.filter(scope=ALICE).count(), passages)
        self.assertTrue(Record.objects.filter(customer=BOB).exists())
        done = wish.done_at
        tasks.erase(wish.id)
        wish.refresh_from_db()
        self.assertEqual(wish.done_at, done)

    def test_everything_held_of_alice_is_exported(self) -> None:
        with mock.patch("sys.stdout") as out:
            call_command("privacy", "export", ALICE)
        text = "".join(call.args[0] for call in out.write.call_args_list)
        rows = [json.loads(line) for line in text.splitlines()]
        kinds = [row["kind"] for row in rows]
        self.assertEqual(kinds.count("message"), 2)
        self.assertEqual(kinds.count("conversation"), 1)
        self.assertIn("record", kinds)
        self.assertNotIn("cust_bob", text)

    def test_nothing_of_alice_is_left_anywhere_once_she_is_erased(self) -> None:
        """Every table is looked through, whatever it is called."""
        source = Source.objects.create(name="erp", secrets=[])
        theirs = {"id": "order:9", "customer": ALICE, "text": "Alice Ash's parcel"}
        bobs = {"id": "order:8", "customer": f"{ALICE}0", "text": "Bob's"}
        for number, told, state in (
            (1, theirs, "applied"),
            (2, theirs, "failed"),
            (3, bobs, "applied"),
        ):
            event = InboundEvent(
                source=source,
                event_id=str(number),
                type="record.upserted",
                body=json.dumps(told),
                changes=[{"type": "record.upserted", "data": told}],
                state=state,
            )
            event.mentioned = mentions.ids_in(told)
            reception.insert([event])
        self.told_in_full()
        customers.receive(self.conversation, "m3", "Alice Ash again")
        self.assertIn("Alice Ash", Delivery.objects.latest("id").body)
        audit.read(self.conversation, self.dora)
        Summary.objects.update(problem="Alice Ash's card")
        agents.correct(self.conversation.messages.earliest("seq"), "neutral", self.dora)

        tasks.erase(Erasure.objects.create(customer=ALICE).id)
        for table in connection.introspection.table_names():
            self.assertNotIn("Alice Ash", rows_of(table), table)
            self.assertNotIn(CARD[:9], rows_of(table), table)  # times have four digits, too
        self.assertIn("Bob's", InboundEvent.objects.get(event_id="3").body)
        readers = LogEntry.objects.filter(action=LogEntry.Action.ACCESS)
        self.assertEqual([one.actor for one in readers], [self.dora], "who read it stays known")

    @override_settings(REDACT_AFTER_DAYS=30)
    def test_what_was_sent_out_is_redacted_too(self) -> None:
        self.told_in_full()
        customers.receive(self.conversation, "m3", "Alice Ash again")
        self.aged(31)
        retention.forget()
        self.assertFalse(Delivery.objects.exists())
        for table in ("auditlog_logentry", "chatbot_message", "chatbot_note", "chatbot_summary"):
            self.assertNotIn("Alice Ash", rows_of(table), table)

    @override_settings(REDACT_AFTER_DAYS=30)
    def test_what_the_crm_sent_so_long_ago_is_emptied_and_still_counts_once(self) -> None:
        source = Source.objects.create(name="erp", secrets=[])
        past = timezone.now() - timedelta(days=31)
        for number, state in enumerate(("applied", "received")):
            InboundEvent.objects.create(
                source=source, event_id=str(number), body="Alice Ash", state=state, received_at=past
            )
        self.assertEqual(retention.forget(dry=True), NOTHING | {"emptied": 1})
        self.assertEqual(retention.forget(), NOTHING | {"emptied": 1})
        self.assertEqual(retention.forget(), NOTHING)
        bodies = InboundEvent.objects.order_by("event_id").values_list("body", flat=True)
        self.assertEqual(list(bodies), [webhook_bodies.GONE, "Alice Ash"], "what waits is needed")

    def told_in_full(self) -> None:
        Endpoint.objects.create(url="https://crm.corp", full=True, masked=False)
        outbox.forget()
        self.addCleanup(outbox.forget)

    def test_notes_and_summaries_are_part_of_what_is_held(self) -> None:
        rows = list(retention.held(Customer.objects.get(id=ALICE)))
        self.assertIn("Alice Ash is a good customer", [row.get("text") for row in rows])
        self.assertIn("Alice's card", [row.get("problem") for row in rows])

    def test_the_command_asks_before_it_erases(self) -> None:
        with mock.patch("builtins.input", return_value="no"), pytest.raises(CommandError):
            call_command("privacy", "erase", ALICE)
        self.assertTrue(Conversation.objects.exists())
        with pytest.raises(CommandError):
            call_command("privacy", "export", "nobody")


def rows_of(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{table}"')
        return str(cursor.fetchall())


class AskingTests(AgentsTestCase):
    URL = f"/admin/chatbot/erasure/of/{ALICE}/"

    def as_staff(self, *rights: str) -> Client:
        user = User.objects.create_user("adam", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=rights))
        self.client.force_login(user)
        return self.client

    def test_only_who_may(self) -> None:
        self.assertEqual(self.as_staff("view_erasure").get(self.URL).status_code, 403)

    def test_the_number_is_typed_before_anything_goes(self) -> None:
        client = self.as_staff("add_erasure", "view_erasure")
        self.assertContains(client.get(self.URL), "<b>1</b> conversation<")
        self.assertContains(client.post(self.URL, {"typed": "cust"}), "Nothing was erased")
        with mock.patch("crm.plumbing.background.later") as later:
            self.assertEqual(client.post(self.URL, {"typed": ALICE}).status_code, 302)
        wish = Erasure.objects.get()
        later.assert_called_once_with(tasks.erase, wish.id)
        self.assertEqual((wish.customer, wish.by and wish.by.username), (ALICE, "adam"))

    def test_a_file_of_all_that_is_held_is_saved_and_logged(self) -> None:
        url = f"/admin/chatbot/erasure/held/{ALICE}/"
        client = self.as_staff("view_erasure")
        self.assertEqual(client.get(url).status_code, 403)
        may = Permission.objects.filter(codename="add_erasure")
        User.objects.get(username="adam").user_permissions.set(may)
        answer = client.get(url)
        kinds = [json.loads(line)["kind"] for line in answer.content.decode().splitlines()]
        self.assertEqual(kinds[0], "customer")
        self.assertIn("message", kinds)
        entry = LogEntry.objects.get(object_repr=f"All data about {ALICE}")
        self.assertEqual(str(entry.actor), "adam")
