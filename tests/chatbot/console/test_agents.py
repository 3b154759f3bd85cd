"""What agents do: dora and emil answer customers, alice is one."""

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User

from chatbot.conversation import agents, customers, replies
from chatbot.models import Conversation, Inbox, Note, Visitor
from chatbot.people.names import name_of
from chatbot.reply.prompt import COLLEAGUE
from chatbot.reply.runner import run, turn_of
from chatbot.wire.errors import Refused
from tests.fakes import ALICE, FakeModelsTestCase
from tests.texts import INVISIBLE

pytestmark = pytest.mark.services


class AgentsTestCase(FakeModelsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.dora = User.objects.create_user("dora", first_name="Dora")
        self.emil = User.objects.create_user("emil")
        inbox = Inbox.objects.create(key="shop", name="Shop")
        visitor = Visitor.objects.create(inbox=inbox, customer_id=ALICE)
        self.conversation = customers.conversation_of(visitor)
        customers.receive(self.conversation, "m1", "this is terrible")

    def now(self) -> Conversation:
        return Conversation.objects.get(id=self.conversation.id)

    def said(self) -> list[tuple[str, str]]:
        return list(self.conversation.messages.values_list("author", "text"))


class TakeOverTests(AgentsTestCase):
    def test_dora_takes_over_and_the_customer_is_told_who_she_is(self) -> None:
        agents.take_over(self.conversation, self.dora)
        now = self.now()
        self.assertEqual((now.state, now.agent, now.version), ("agent", self.dora, 1))
        self.assertEqual(self.said()[-1], ("system", "Dora from our team is with you now."))
        agents.take_over(self.conversation, self.dora)
        self.assertEqual(self.now().last_seq, 2)

    def test_two_agents_never_own_one_conversation(self) -> None:
        agents.take_over(self.conversation, self.dora)
        for act in (agents.take_over, agents.resolve, agents.hand_back):
            with self.assertRaises(Refused):
                act(self.conversation, self.emil)
        with self.assertRaisesMessage(Refused, "Take this conversation over first."):
            agents.say(self.conversation, self.emil, "1", "Hello")
        self.assertEqual(self.now().agent, self.dora)

    def test_a_message_sent_twice_is_there_once(self) -> None:
        agents.take_over(self.conversation, self.dora)
        first = agents.say(self.conversation, self.dora, "1", "I am on it.")
        self.assertEqual(agents.say(self.conversation, self.dora, "1", "I am on it."), first)
        self.assertEqual(self.said()[-1], ("agent", "I am on it."))
        self.assertEqual(first.agent, self.dora)

    def test_the_bot_is_silent_while_dora_has_it(self) -> None:
        agents.take_over(self.conversation, self.dora)
        _, reply = customers.receive(self.conversation, "m2", "hello?")
        self.assertIsNone(reply)

    def test_handed_back_the_bot_answers_what_is_open(self) -> None:
        agents.take_over(self.conversation, self.dora)
        asked, _ = customers.receive(self.conversation, "m2", "where is it?")
        reply = agents.hand_back(self.conversation, self.dora)
        assert reply
        self.assertEqual((reply.question, reply.version), (asked, self.now().version))
        self.assertEqual((self.now().state, self.now().agent), ("bot", None))
        self.assertTrue(replies.finish(replies.claim(reply.id, "w") or reply, "answered", "x", []))

    def test_handed_back_at_once_the_reply_that_was_broken_off_is_asked_for_again(self) -> None:
        agents.take_over(self.conversation, self.dora)
        reply = agents.hand_back(self.conversation, self.dora)
        assert reply
        self.assertEqual(reply.question.seq, 1)

    def test_handed_back_after_an_answer_the_bot_waits_for_the_next_question(self) -> None:
        agents.take_over(self.conversation, self.dora)
        agents.say(self.conversation, self.dora, "1", "It is on its way.")
        self.assertIsNone(agents.hand_back(self.conversation, self.dora))

    def test_handed_back_the_bot_reads_what_dora_said_as_a_colleagues_words(self) -> None:
        agents.take_over(self.conversation, self.dora)
        agents.say(self.conversation, self.dora, "1", "A refund is on its way.")
        question = "within how many days can I return goods?"
        customers.receive(self.conversation, "m2", question)
        reply = agents.hand_back(self.conversation, self.dora)
        assert reply
        async_to_sync(run)(reply.id)
        *_, before, told, asked = self.generator.prompts[-1]
        self.assertEqual(before, {"role": "user", "content": "this is terrible"})
        colleague = f"{COLLEAGUE} A refund is on its way."
        self.assertEqual(told, {"role": "user", "content": colleague})
        self.assertTrue(asked["content"].endswith(f"QUESTION: {question}"))
        self.assertNotIn("from our team", str(self.generator.prompts))

    def test_what_nobody_answered_before_dora_came_is_part_of_the_turn(self) -> None:
        agents.take_over(self.conversation, self.dora)
        customers.receive(self.conversation, "m2", "hello?")
        reply = agents.hand_back(self.conversation, self.dora)
        assert reply
        self.assertEqual(turn_of(reply).text, "this is terrible\nhello?")

    def test_dora_passes_it_on_to_emil(self) -> None:
        agents.take_over(self.conversation, self.dora)
        agents.pass_on(self.conversation, self.dora, self.emil)
        self.assertEqual((self.now().agent, self.said()[-1][1]), (self.emil, JOINED_EMIL))

    def test_resolved_it_is_closed_and_takes_nothing_more(self) -> None:
        agents.take_over(self.conversation, self.dora)
        agents.resolve(self.conversation, self.dora)
        self.assertEqual((self.now().state, self.now().agent), ("closed", self.dora))
        with self.assertRaisesMessage(Refused, "closed"):
            agents.say(self.conversation, self.dora, "1", "One more thing")

    def test_who_waits_is_counted_from_the_wish_until_the_take_over(self) -> None:
        customers.hand_off(self.conversation, "The customer asked for a person.")
        self.assertIsNotNone(self.now().waiting_since)
        agents.take_over(self.conversation, self.dora)
        self.assertIsNone(self.now().waiting_since)

    def test_a_note_is_no_message(self) -> None:
        agents.note(self.conversation, self.dora, "She is a regular.")
        self.assertEqual(Note.objects.get().agent, self.dora)
        self.assertEqual(self.now().last_seq, 1)
        for words in INVISIBLE.values():
            with self.assertRaisesMessage(Refused, "The note is empty."):
                agents.note(self.conversation, self.dora, words)

    def test_an_agent_whose_first_name_shows_nothing_is_called_by_their_login(self) -> None:
        self.dora.first_name = "\u3164"
        self.assertEqual(name_of(self.dora), "dora")


JOINED_EMIL = "emil from our team is with you now."
