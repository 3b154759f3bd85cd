"""A conversation's changes: numbered without gaps, safe to repeat, each claim won once."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.utils import timezone

from chatbot.conversation import agents, changes, customers, replies
from chatbot.conversation.corrections import export
from chatbot.models import Conversation, Correction, Inbox, Message, Reply, Visitor
from chatbot.wire.errors import Refused
from crm.models import Customer
from tests.fakes import ALICE, FakeModelsTestCase

pytestmark = pytest.mark.services


class ActionsTestCase(FakeModelsTestCase):
    def setUp(self) -> None:
        super().setUp()
        inbox = Inbox.objects.create(key="shop", name="Shop")
        self.alice = Visitor.objects.create(inbox=inbox, customer_id=ALICE)
        self.conversation = customers.conversation_of(self.alice)

    def say(self, text: str, client_id: str | None = None) -> tuple[Message, Reply | None]:
        return customers.receive(self.conversation, client_id or f"id-{text}", text)

    def fresh(self) -> Conversation:
        return Conversation.objects.get(id=self.conversation.id)


class ReceiveTests(ActionsTestCase):
    def test_messages_are_numbered_from_one_without_gaps(self) -> None:
        self.assertEqual([self.say(text)[0].seq for text in "abc"], [1, 2, 3])

    def test_the_same_client_id_is_stored_once_and_asks_for_no_second_reply(self) -> None:
        first, reply = self.say("hello", "x")
        again, none = self.say("hello", "x")
        self.assertEqual((first.id, none), (again.id, None))
        self.assertEqual(Reply.objects.get(), reply)

    def test_each_message_has_its_sentiment_and_the_conversation_its_mood(self) -> None:
        message, _ = self.say("terrible")
        self.assertEqual((message.label, message.score), ("negative", -0.9))
        self.assertAlmostEqual(self.fresh().mood, -0.9)
        self.say("thanks")
        self.assertGreater(self.fresh().mood, 0)

    def test_a_newer_message_takes_the_place_of_an_open_reply(self) -> None:
        _, first = self.say("one")
        self.say("two")
        first.refresh_from_db()
        self.assertEqual(first.status, Reply.Status.SUPERSEDED)

    def test_an_agent_who_has_taken_over_is_not_answered_for(self) -> None:
        Conversation.objects.update(state="agent")
        self.assertIsNone(self.say("hello")[1])

    def test_a_closed_conversation_takes_no_message_and_a_new_one_begins(self) -> None:
        customers.close(self.conversation)
        with self.assertRaises(Refused) as caught:
            self.say("hello?", "x")
        self.assertEqual((caught.exception.code, caught.exception.id), ("closed", "x"))
        self.assertNotEqual(customers.conversation_of(self.alice), self.conversation)

    @override_settings(CONVERSATION_MAX_MESSAGES=1)
    def test_a_full_conversation_says_so(self) -> None:
        self.say("one")
        with self.assertRaises(Refused) as caught:
            self.say("two")
        self.assertEqual(caught.exception.code, "full")

    def test_alice_finds_her_open_conversation_again(self) -> None:
        self.assertEqual(customers.conversation_of(self.alice), self.conversation)


class ReplyTests(ActionsTestCase):
    def finish(self, reply: Reply, state: str = "answered") -> bool:
        return replies.finish(reply, state, "Done.", [], reason="why")

    def test_only_one_worker_wins_the_claim(self) -> None:
        _, reply = self.say("hello")
        self.assertIsNotNone(replies.claim(reply.id, "a"))
        self.assertIsNone(replies.claim(reply.id, "b"))

    def test_an_expired_lease_can_be_claimed_and_the_first_worker_posts_nothing(self) -> None:
        _, reply = self.say("hello")
        dead = replies.claim(reply.id, "a")
        Reply.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        alive = replies.claim(reply.id, "b")
        self.assertTrue(self.finish(alive))
        self.assertFalse(self.finish(dead))
        self.assertEqual(Message.objects.filter(author="bot").count(), 1)

    def test_a_superseded_reply_posts_nothing(self) -> None:
        _, reply = self.say("one")
        claimed = replies.claim(reply.id, "a")
        self.say("two")
        self.assertFalse(self.finish(claimed))

    def test_nothing_is_posted_after_an_agent_took_over(self) -> None:
        _, reply = self.say("one")
        claimed = replies.claim(reply.id, "a")
        Conversation.objects.update(state="agent")
        self.assertFalse(self.finish(claimed))
        self.assertFalse(Message.objects.filter(author="bot").exists())

    def test_a_reply_that_keeps_ending_its_process_is_passed_to_a_person(self) -> None:
        _, reply = self.say("one")
        for _ in range(replies.MAX_ATTEMPTS):
            self.assertIsNotNone(replies.claim(reply.id, "a"))
            Reply.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        self.assertIsNone(replies.claim(reply.id, "a"))
        self.assertEqual(self.fresh().state, "waiting")

    def test_refusals_are_counted_and_an_answer_starts_the_count_again(self) -> None:
        for state, count in [("refused", 1), ("refused", 2), ("answered", 0)]:
            _, reply = self.say(f"{state}{count}")
            self.finish(replies.claim(reply.id, "a"), state)
            self.assertEqual(self.fresh().unanswered, count)

    def test_a_hand_off_leaves_its_reason(self) -> None:
        _, reply = self.say("one")
        self.finish(replies.claim(reply.id, "a"), "handoff")
        self.assertEqual((self.fresh().state, self.fresh().handoff_reason), ("waiting", "why"))


class CustomerTests(ActionsTestCase):
    def test_asking_for_a_person_twice_says_it_once(self) -> None:
        customers.hand_off(self.conversation, "asked")
        customers.hand_off(self.conversation, "asked")
        self.assertEqual(self.fresh().state, "waiting")
        self.assertEqual(Message.objects.filter(author="system").count(), 1)

    def test_feedback_belongs_to_the_bots_answers(self) -> None:
        self.say("one")
        with self.assertRaises(Refused):
            customers.give_feedback(self.conversation, 1, 1)

    def test_what_was_read_only_grows_and_never_beyond_the_last_message(self) -> None:
        self.say("one")
        self.say("two")
        for seq, expected in [(2, 2), (1, 2), (99, 2)]:
            customers.mark_read(self.conversation, seq)
            self.assertEqual(self.fresh().read_seq, expected)


class MoodTests(ActionsTestCase):
    def test_an_alert_stands_until_dora_has_seen_it(self) -> None:
        self.say("terrible")
        self.assertEqual(self.fresh().alert, "")
        self.say("terrible", "again")
        self.assertEqual(self.fresh().alert, "mood -0.9 after 2 negative messages")
        self.assertGreater(self.fresh().alert_weight, 0)
        self.say("thanks")
        self.assertEqual(self.fresh().alert, "mood -0.9 after 2 negative messages")
        agents.acknowledge(self.fresh(), User.objects.create_user("dora"))
        self.say("thanks", "and again")
        self.assertEqual((self.fresh().alert, self.fresh().alert_weight), ("", 0))

    def test_a_message_in_an_unknown_language_moves_no_mood(self) -> None:
        self.say("terrible")
        message, _ = self.say("unknown")
        self.assertEqual(message.label, "unknown")
        self.assertAlmostEqual(self.fresh().mood, -0.9)

    def test_the_slope_says_where_it_is_going(self) -> None:
        self.say("thanks")
        self.say("terrible")
        self.assertLess(self.fresh().mood_slope, 0)


class CorrectionTests(ActionsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.agent = User.objects.create_user("dora")
        self.message, _ = self.say("my order 50001 is late, alice@shop.example")

    def correct(self, label: str = "negative") -> Correction:
        return agents.correct(self.message, label, self.agent)

    def test_doras_correction_is_kept_and_the_last_word_counts(self) -> None:
        self.correct("positive")
        self.assertEqual(self.correct("negative").label, "negative")
        self.assertEqual(Correction.objects.count(), 1)
        self.message.refresh_from_db()
        self.assertEqual(self.message.label, "neutral")

    def test_a_correction_changes_mood_and_alert_at_once(self) -> None:
        self.correct("negative")
        self.assertEqual(self.fresh().mood, -0.9)
        again, _ = self.say("terrible", "again")
        self.assertEqual(self.fresh().alert, "mood -0.9 after 2 negative messages")
        agents.correct(again, "positive", self.agent)
        self.assertEqual(self.fresh().alert, "")
        self.assertEqual((self.fresh().scores, self.fresh().worst), ([-0.9, 0.9], -0.9))
        self.assertGreater(self.fresh().mood, 0)

    def test_only_customers_have_a_sentiment_and_only_three_labels_exist(self) -> None:
        with self.assertRaises(Refused):
            self.correct("furious")
        answer = changes.append(changes.locked(self.conversation.id), "bot", "Hello!")
        with self.assertRaises(Refused):
            agents.correct(answer, "negative", self.agent)

    def test_without_consent_nothing_is_exported(self) -> None:
        self.correct()
        self.assertEqual(list(export()), [])

    def test_what_is_exported_names_nobody(self) -> None:
        Inbox.objects.update(learning=True)
        Customer.objects.filter(id=ALICE).update(name="Alice Archer")
        self.message.text = "Alice here, order 50001, alice@shop.example or +44 20 7946 0123"
        self.message.save()
        self.correct()
        [row] = export()
        self.assertEqual(row["text"], "[name] here, order [number], [email] or [number]")
        self.assertEqual((row["said"], row["label"]), ("neutral", "negative"))
