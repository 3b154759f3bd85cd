"""A turn asks the database few questions: each takes longer than all rules that a reply passes."""

from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chatbot.conversation import customers
from chatbot.models import Conversation, Inbox, Message, Visitor
from chatbot.reply import runner
from crm.plumbing import memory
from crm.plumbing.threads import in_thread
from tests.fakes import ALICE, FakeModelsTestCase

pytestmark = pytest.mark.services

SENT = "It was shipped on 3 November 2026."
RETURNED = "You can return goods within 30 days."
# The beginning and the end of a transaction count as one each, as savepoints do here.
OF_A_STRANGER, OF_A_CUSTOMER = 17, 20


class CeilingTests(FakeModelsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch("django.db.transaction.on_commit", lambda news: news()))
        self.enterContext(mock.patch.object(memory, "KEPT_FOR", 60.0))
        self.inbox = Inbox.objects.create(key="shop", name="Shop")

    def begun(self, customer: str | None, question: str) -> Conversation:
        """Return a conversation in which two questions were answered."""
        visitor = Visitor.objects.create(inbox=self.inbox, customer_id=customer)
        conversation = customers.conversation_of(visitor)
        self.ask(conversation, question)
        self.ask(conversation, question)
        return conversation

    def ask(self, conversation: Conversation, question: str) -> int:
        """Return how many statements a turn took."""

        number = f"m{Message.objects.count()}"

        async def turn() -> None:
            _, reply = await in_thread(
                customers.receive, conversation, number, question, runner.WORKER
            )
            assert reply
            await runner.start(reply)

        with CaptureQueriesContext(connection) as self.captured:
            async_to_sync(turn)()
        return len(self.captured)

    def said(self) -> str:
        return Message.objects.filter(author="bot").latest("id").text

    def test_a_turn_of_a_stranger(self) -> None:
        self.generator.answer = RETURNED
        conversation = self.begun(None, "may I return goods?")
        taken = self.ask(conversation, "within how many days can I return goods?")
        self.assertIn(RETURNED, self.said())
        self.assertLessEqual(taken, OF_A_STRANGER, self.listed())

    def test_a_turn_of_a_customer(self) -> None:
        self.generator.answer = SENT
        conversation = self.begun(ALICE, "where is order 50001?")
        taken = self.ask(conversation, "when was order 50001 shipped?")
        self.assertEqual(self.said(), SENT)
        self.assertLessEqual(taken, OF_A_CUSTOMER, self.listed())

    def listed(self) -> str:
        return "\n".join(one["sql"][:200] for one in self.captured.captured_queries)
