"""Nobody is there: alice is told when somebody is, leaves an address, and the CRM hears of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from django.contrib.auth.models import Group, User
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from chatbot import tasks
from chatbot.conversation import agents, changes, customers
from chatbot.models import Conversation, Erasure, Inbox, Team
from chatbot.people import away, presence, roles
from chatbot.privacy import retention
from chatbot.reply.runner import run
from chatbot.watches import queue
from chatbot.wire.errors import Refused
from crm.knowledge.records import import_records
from crm.models import Customer, Delivery, Endpoint
from crm.outbound import outbox
from tests.chatbot.console.test_agents import AgentsTestCase
from tests.chatbot.sockets import SocketTestCase
from tests.fakes import ALICE

pytestmark = pytest.mark.services

SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
WANTED = "The customer asked for a person."
ASKED = "A colleague has been asked to join this conversation."
PROFILE = {
    "id": "customer:alice",
    "kind": "customer",
    "customer": ALICE,
    "title": "Alice",
    "fields": {"e-mail": "alice.ash@ash.example"},
    "updated_at": "2026-01-01T00:00:00Z",
}


def here(user: User) -> None:
    user.groups.add(Group.objects.get(name=roles.AGENT))
    presence.seen(user)


class AwayTestCase(AgentsTestCase):
    def ask(self) -> str:
        """For a person; what the customer is told last."""
        customers.hand_off(self.conversation, WANTED)
        return self.said()[-1][1]


class ToldTests(AwayTestCase):
    def test_while_dora_is_there_a_colleague_is_asked(self) -> None:
        here(self.dora)
        self.assertEqual(self.ask(), ASKED)
        self.assertIsNone(self.now().away_at)

    def test_while_nobody_is_there_alice_is_told_so_and_waits_all_the_same(self) -> None:
        text = self.ask()
        self.assertIn("None of our colleagues is here at the moment.", text)
        self.assertIn("If you leave your e-mail address, they can write to you.", text)
        now = self.now()
        self.assertEqual((now.state, now.handoff_reason), ("waiting", WANTED))
        _, reply = customers.receive(self.conversation, "m2", "where is my order?")
        self.assertIsNotNone(reply, "the bot goes on")

    def test_outside_of_the_hours_she_is_told_when_somebody_is_back(self) -> None:
        Inbox.objects.update(hours={"monday": "09:00–18:00"}, time_zone="Europe/Berlin")
        here(self.dora)
        with mock.patch("django.utils.timezone.now", return_value=SATURDAY):
            presence.seen(self.dora)
            text = self.ask()
            frame = away.frame(self.now())
        self.assertIn("Our colleagues will be back on Monday at 9:00.", text)
        assert frame
        self.assertEqual(frame.opens and frame.opens.isoformat(), "2026-11-23T09:00:00+01:00")

    def test_an_inbox_that_is_closed_for_good_promises_nothing(self) -> None:
        days = [(timezone.localdate() + timedelta(days=n)).isoformat() for n in range(-3, 70)]
        Inbox.objects.update(special_days=[f"{day} closed" for day in days])
        self.assertTrue(self.ask().startswith("Our team is not here at the moment. If you leave"))

    def test_the_bot_that_gives_up_says_so_too(self) -> None:
        _, reply = customers.receive(self.conversation, "m2", "I want to talk to a human")
        async_to_sync(run)(reply.id)
        (first, passing), (second, told) = self.said()[-2:]
        self.assertEqual((first, second), ("bot", "system"))
        self.assertIn("I'm passing you to a colleague", passing)
        self.assertIn("None of our colleagues is here", told)

    def test_she_is_told_once_for_each_time_that_she_wants_somebody(self) -> None:
        self.ask()
        changes.nobody_came(self.conversation.id)
        self.assertEqual(self.now().last_seq, 2)
        agents.take_over(self.conversation, self.dora)
        agents.hand_back(self.conversation, self.dora)
        self.assertIn("None of our colleagues", self.ask())

    def test_who_is_there_must_answer_for_the_inbox(self) -> None:
        shop = self.conversation.visitor.inbox
        team = Team.objects.create(name="Shop")
        team.inboxes.add(shop)
        team.members.add(self.emil)
        here(self.dora)
        self.assertFalse(presence.there_for(shop.id))
        here(self.emil)
        self.assertTrue(presence.there_for(shop.id))
        other = Team.objects.create(name="Repairs")
        other.members.add(self.dora)
        self.assertTrue(presence.there_for(shop.id, other.id))
        presence.set_away(self.dora, True)
        self.assertFalse(presence.there_for(shop.id, other.id))

    def test_who_may_not_answer_is_nobody(self) -> None:
        presence.seen(self.dora)
        self.assertIn("None of our colleagues", self.ask())

    def test_passed_on_to_a_team_that_is_not_there(self) -> None:
        here(self.dora)
        agents.take_over(self.conversation, self.dora)
        agents.pass_to_team(self.conversation, self.dora, Team.objects.create(name="Repairs"))
        self.assertIn("None of our colleagues", self.said()[-1][1])

    def test_whoever_was_there_may_leave_before_it_is_her_turn(self) -> None:
        here(self.dora)
        self.ask()
        presence.left(self.dora)
        alone: dict[Any, int] = {}
        for _ in range(queue.GONE_AFTER - 1):
            alone = queue.count_looks(alone)
        self.assertEqual(self.said()[-1][1], ASKED, "dora may only load her page anew")
        alone = queue.count_looks(alone)
        self.assertIn("None of our colleagues", self.said()[-1][1])
        self.assertEqual(queue.count_looks(alone), {})

    def test_a_place_in_the_line_means_that_somebody_is_there(self) -> None:
        self.ask()
        self.assertEqual(queue.places(), {})
        here(self.dora)
        self.assertEqual(queue.places(), {self.conversation.id: 1})


class ContactTests(AwayTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ask()

    def leave(self, email: str) -> None:
        customers.leave_contact(self.conversation, email)

    def endpoint(self, **values: bool) -> None:
        url, events = "http://crm:1/", ["lead.captured"]
        Endpoint.objects.create(url=url, events=events, secrets=["whsec_x"], **values)
        outbox.forget()
        self.addCleanup(outbox.forget)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(one.body)["data"] for one in Delivery.objects.order_by("id")]

    def test_the_address_is_kept_and_the_crm_is_told_without_it(self) -> None:
        self.endpoint()
        self.leave("a@ash.example")
        self.assertEqual(self.now().contact_email, "a@ash.example")
        self.assertEqual(self.said()[-1], ("system", away.THANKS))
        [event] = self.events()
        self.assertEqual(event["lead"], {"reason": WANTED, "known": True})
        self.assertEqual(
            (event["conversation"]["inbox"], event["conversation"]["state"]), ("shop", "waiting")
        )
        self.assertNotIn("ash.example", str(event))

    def test_only_who_gets_whole_texts_unmasked_gets_the_address(self) -> None:
        self.endpoint(full=True)
        self.endpoint(full=True, masked=False)
        self.leave("a@ash.example")
        masked, whole = self.events()
        self.assertEqual((masked["email"], whole["email"]), ("[email]", "a@ash.example"))

    def test_the_same_address_twice_is_one_event_and_another_is_another(self) -> None:
        self.endpoint()
        for email in ("a@ash.example", "a@ash.example", "b@ash.example"):
            self.leave(email)
        self.assertEqual(len(self.events()), 2)
        self.assertEqual([text for _, text in self.said()].count(away.THANKS), 2)

    def test_what_the_customer_said_stays_out_of_thin_events(self) -> None:
        self.endpoint()
        reason = "Mood: says it is the 3rd time."
        Conversation.objects.update(handoff_reason=reason, handoff_quote="I, Alice Ash: angry")
        self.leave("a@ash.example")
        self.assertEqual(self.events()[0]["lead"]["reason"], reason)
        self.assertNotIn("Alice", str(self.events()))

    def test_the_address_on_record_is_offered_masked_and_taken_with_an_empty_one(self) -> None:
        with self.assertRaisesMessage(Refused, "like name@example.com"):
            self.leave("")
        import_records([PROFILE])
        offered = away.frame(self.now())
        assert offered
        self.assertEqual((offered.contact, offered.left), ("a…h@ash.example", False))
        self.leave("")
        self.assertEqual(self.now().contact_email, "alice.ash@ash.example")
        left = away.frame(self.now())
        self.assertTrue(left and left.left)

    def test_only_a_record_about_the_customer_tells_their_address(self) -> None:
        import_records([PROFILE | {"id": "order:9", "kind": "order"}])
        alice = Customer.objects.get(id=ALICE)
        self.assertEqual(away.on_record(alice), "")
        fields = {"E-Mail": "not an address", "Email address": "a@ash.example", "n": 3}
        import_records([PROFILE | {"fields": fields}])
        self.assertEqual(away.on_record(alice), "a@ash.example")
        self.assertEqual(away.on_record(Customer(id="b@elm.example")), "b@elm.example")

    def test_short_addresses_are_masked_too(self) -> None:
        self.assertEqual(away.masked("a@ash.example"), "a…@ash.example")
        self.assertEqual(away.masked("al@ash.example"), "a…@ash.example")
        self.assertEqual(away.masked(""), "")

    def test_once_somebody_is_there_nothing_is_asked_for(self) -> None:
        here(self.dora)
        self.assertIsNone(away.frame(self.now()))
        agents.take_over(self.conversation, self.dora)
        presence.left(self.dora)
        self.assertIsNone(away.frame(self.now()))
        self.leave("a@ash.example")
        self.assertEqual(self.now().contact_email, "a@ash.example", "she had begun to type")

    def test_a_closed_conversation_takes_none(self) -> None:
        customers.close(self.conversation)
        with self.assertRaisesMessage(Refused, "closed"):
            self.leave("a@ash.example")

    @override_settings(REDACT_AFTER_DAYS=30)
    def test_it_is_forgotten_with_the_rest_and_exported(self) -> None:
        self.leave("a@ash.example")
        reason = "Mood: says it is the 3rd time."
        Conversation.objects.update(handoff_reason=reason, handoff_quote="I, Alice")
        exported = "".join(map(retention.as_line, retention.held(Customer.objects.get(id=ALICE))))
        self.assertIn("a@ash.example", exported)
        Conversation.objects.update(last_message_at=timezone.now() - timedelta(days=31))
        retention.forget()
        now = self.now()
        self.assertEqual(now.contact_email, "")
        self.assertEqual((now.handoff_reason, now.handoff_quote), (reason, ""))

    def test_what_endpoints_were_sent_of_it_goes_with_the_customer(self) -> None:
        self.endpoint(full=True, masked=False)
        self.leave("a@ash.example")
        with override_settings(REDACT_AFTER_DAYS=30):
            Conversation.objects.update(last_message_at=timezone.now() - timedelta(days=31))
            retention.forget()
        self.assertFalse(Delivery.objects.exists())
        self.leave("b@ash.example")
        self.assertIn("b@ash.example", Delivery.objects.get().body)
        retention.erase(Erasure.objects.create(customer=ALICE))
        self.assertFalse(Delivery.objects.exists())


@override_settings(EMAIL_HOST="mail")
class AnswerByMailTests(AwayTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch("django.db.transaction.on_commit", lambda news: news()))
        self.enterContext(
            mock.patch("crm.plumbing.background.pool.submit", lambda do, *args: do(*args))
        )
        self.enterContext(mock.patch("crm.plumbing.background.close_old_connections"))
        self.enterContext(mock.patch("chatbot.conversation.summary.schedule"))
        self.ask()
        customers.leave_contact(self.conversation, "a@ash.example")
        customers.confirm_contact(self.conversation.id, "a@ash.example")
        agents.take_over(self.conversation, self.dora)
        agents.say(self.conversation, self.dora, "1", "It was sent today.")
        agents.say(self.conversation, self.dora, "2", "Sorry for the wait.")

    def later(self) -> int:
        settled = timezone.now() - 2 * away.READ_WITHIN
        self.conversation.messages.update(at=settled)
        return tasks.mail_unread_answers()

    def test_what_alice_does_not_read_is_mailed_to_her_once(self) -> None:
        self.assertEqual(tasks.mail_unread_answers(), 0, "she has a minute to read it")
        self.assertEqual(self.later(), 1)
        self.assertEqual(self.later(), 0)
        [sent] = mail.outbox
        self.assertEqual((sent.to, sent.subject), (["a@ash.example"], "Shop has answered you"))
        self.assertIn("Dora: It was sent today.", sent.body)
        self.assertIn("Dora: Sorry for the wait.", sent.body)
        self.assertNotIn("this is terrible", sent.body)

    def test_what_she_has_read_is_not(self) -> None:
        customers.mark_read(self.conversation, self.now().last_seq)
        self.assertEqual(self.later(), 0)

    def test_nor_where_no_mail_is_set_up(self) -> None:
        with override_settings(EMAIL_HOST=""):
            self.assertEqual(self.later(), 0)

    def test_an_address_that_was_forgotten_meanwhile_is_not_written_to(self) -> None:
        Conversation.objects.update(contact_email="")
        tasks.mail_answers(str(self.conversation.id), [5, 6])
        self.assertEqual(mail.outbox, [])


class FramesTests(SocketTestCase):
    async def test_alice_is_told_leaves_an_address_and_is_told_again_when_she_returns(self) -> None:
        socket = await self.join()
        await socket.say(type="message", id="1", text="hello")
        await socket.until(type="ack")
        await socket.say(type="handoff")
        told = (await socket.until(type="away"))[-1]
        self.assertEqual((told["contact"], told["left"], told["opens"]), ("", False, None))
        await socket.say(type="contact", email="alice at home")
        self.assertEqual((await socket.until(type="error"))[-1]["code"], "invalid_email")
        await socket.say(type="contact", email="a@ash.example")
        await socket.until(type="away", left=True, contact="a…@ash.example")
        again = await self.join()
        await again.until(type="away", left=True)
        for _ in range(5):
            await socket.say(type="contact", email="a@ash.example")
        self.assertEqual((await socket.until(type="error"))[-1]["code"], "rate_limited")
        self.assertEqual((await Conversation.objects.aget()).contact_email, "a@ash.example")

    async def test_she_sees_by_name_who_answers(self) -> None:
        dora = await User.objects.acreate(username="dora", first_name="Dora")
        socket = await self.join()
        found = await Conversation.objects.aget()
        await database_sync_to_async(agents.take_over)(found, dora)
        await socket.until(type="state", state="agent", agent="Dora")
        await database_sync_to_async(agents.say)(found, dora, "1", "Hello")
        await socket.until(type="message", author="agent", by="Dora")
        await self.join()
        self.assertEqual(self.welcome["agent"], "Dora")
