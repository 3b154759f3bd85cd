"""Several writers and readers at once, on PostgreSQL: `make test-services` runs these."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.db import close_old_connections, connection, transaction
from django.test import TransactionTestCase, override_settings

from chatbot.conversation import agents, crm_requests, customers, replies
from chatbot.models import Conversation, Inbox, Message, Presence, Reply, Visitor
from chatbot.people import away, presence
from chatbot.wire.errors import Refused
from crm.action_answers import Answer
from crm.models import Delivery
from crm.outbound import outbox
from crm.plumbing.threads import in_thread
from tests.chatbot.requests import CALL, call_back, endpoint
from tests.fakes import FakeClassifier

pytestmark = [
    pytest.mark.skipif(
        connection.vendor == "sqlite", reason="SQLite has one writer; see make test-services"
    ),
    pytest.mark.services,
]
WRITERS, EACH = 8, 12


class ConcurrencyTests(TransactionTestCase):
    def setUp(self) -> None:
        fake = mock.patch(
            "chatbot.engines.classifier.sentiment_classifier", return_value=FakeClassifier()
        )
        self.enterContext(fake)
        self.enterContext(mock.patch("chatbot.wire.hints.send", mock.AsyncMock()))
        inbox = Inbox.objects.create(key="shop", name="Shop")
        self.alice = Visitor.objects.create(inbox=inbox)
        self.conversation = customers.conversation_of(self.alice)
        self.addCleanup(outbox.forget)
        self.dora = User.objects.create_user("dora")

    def at_once(self, work: object, jobs: range) -> list[object]:
        def one(job: int) -> object:
            try:
                return work(job)  # type: ignore[operator]
            finally:
                close_old_connections()

        with ThreadPoolExecutor(WRITERS) as threads:
            return list(threads.map(one, jobs))

    def test_parallel_writers_leave_no_gap_and_no_number_twice(self) -> None:
        def write(number: int) -> int:
            # Every second message is one that has been sent before.
            conversation = Conversation.objects.get(id=self.conversation.id)
            return customers.receive(conversation, f"id-{number // 2}", "hello")[0].seq

        told = self.at_once(write, range(WRITERS * EACH))
        stored = list(Message.objects.order_by("seq").values_list("seq", flat=True))
        self.assertEqual(stored, list(range(1, WRITERS * EACH // 2 + 1)))
        self.assertEqual(sorted(set(told)), stored)  # type: ignore[type-var]
        self.assertEqual(told[::2], told[1::2])

    def test_of_messages_that_come_at_once_one_reply_stays_open(self) -> None:
        def write(number: int) -> None:
            conversation = Conversation.objects.get(id=self.conversation.id)
            customers.receive(conversation, f"id-{number}", "hello", "a process")

        self.at_once(write, range(WRITERS * EACH))
        [still_open] = Reply.objects.filter(status=Reply.Status.RUNNING)
        self.assertEqual(still_open.question.seq, WRITERS * EACH)

    def test_of_many_processes_one_wins_a_reply(self) -> None:
        _, reply = customers.receive(self.conversation, "m1", "hello")
        assert reply
        won = self.at_once(lambda n: replies.claim(reply.id, f"process {n}"), range(WRITERS))
        self.assertEqual(len([one for one in won if one]), 1)

    def test_two_tabs_that_say_hello_at_once_get_the_same_conversation(self) -> None:
        customers.close(self.conversation)
        found = self.at_once(lambda _: customers.conversation_of(self.alice).id, range(WRITERS))
        self.assertEqual(len(set(found)), 1)

    def offered(self) -> str:
        action = call_back(self.alice.inbox, endpoint())
        with transaction.atomic():
            crm_requests.propose(self.conversation, action.id, [])
        return str(self.conversation.requests.get().id)

    def test_however_many_tabs_confirm_at_once_it_is_sent_once(self) -> None:
        key = self.offered()

        def confirm(job: int) -> None:
            crm_requests.confirm(Conversation.objects.get(id=self.conversation.id), key, CALL)

        self.at_once(confirm, range(WRITERS * 2))
        self.assertEqual(Delivery.objects.filter(type="action.requested").count(), 1)
        said = self.conversation.messages.filter(text__startswith="You asked us to")
        self.assertEqual(said.count(), 1)

    def test_of_many_answers_of_the_crm_the_first_counts(self) -> None:
        key = self.offered()
        crm_requests.confirm(self.conversation, key, CALL)
        both = [Answer("accepted", "yes"), Answer("refused", "no")]
        self.at_once(lambda job: crm_requests.answer(key, both[job % 2]), range(WRITERS))
        self.assertEqual(self.conversation.messages.filter(author="system").count(), 2)

    def test_after_a_take_over_no_answer_is_posted_however_the_two_race(self) -> None:
        for number in range(10):
            conversation = Conversation.objects.create(visitor=self.alice)
            _, reply = customers.receive(conversation, f"m{number}", "hello")
            assert reply
            claimed = replies.claim(reply.id, "a process")
            assert claimed

            def act(job: int, reply: Reply = claimed) -> object:
                if job:
                    taken = Conversation.objects.get(id=reply.conversation_id)
                    agents.take_over(taken, self.dora)
                    return True
                return replies.finish(reply, "answered", "the answer", [])

            posted, taken = self.at_once(act, range(2))
            self.assertTrue(taken)
            after = conversation.messages.filter(author="bot").count()
            self.assertEqual(after, int(bool(posted)))
            self.assertFalse(replies.finish(claimed, "answered", "again", []))

    def test_of_many_agents_who_take_it_at_once_one_has_it(self) -> None:
        people = [User.objects.create_user(f"agent {number}") for number in range(WRITERS)]

        def take(number: int) -> bool:
            conversation = Conversation.objects.get(id=self.conversation.id)
            try:
                agents.take_over(conversation, people[number])
            except Refused:
                return False
            return True

        won = self.at_once(take, range(WRITERS))
        self.assertEqual(won.count(True), 1)
        now = Conversation.objects.get()
        self.assertEqual((now.agent, now.version), (people[won.index(True)], 1))
        self.assertEqual(now.messages.filter(text__contains="is with you now").count(), 1)

    def test_passed_on_and_handed_back_at_once_it_has_one_owner(self) -> None:
        emil = User.objects.create_user("emil")
        for number in range(10):
            one = Conversation.objects.create(visitor=self.alice)
            agents.take_over(one, self.dora)

            def act(job: int, one: Conversation = one) -> bool:
                try:
                    if job:
                        agents.pass_on(one, self.dora, emil)
                    else:
                        agents.hand_back(one, self.dora)
                except Refused:
                    return False
                return True

            back, passed = self.at_once(act, range(2))
            now = Conversation.objects.get(id=one.id)
            self.assertEqual([back, passed].count(True), 1, number)
            self.assertEqual((now.state, now.agent), ("agent", emil) if passed else ("bot", None))

    def test_two_processes_never_give_an_agent_more_than_they_take(self) -> None:
        presence.seen(self.dora)
        Presence.objects.update(capacity=3)
        waiting = [
            Conversation.objects.create(visitor=Visitor.objects.create(inbox=self.alice.inbox))
            for _ in range(WRITERS)
        ]
        given = self.at_once(lambda n: agents.assign(waiting[n], self.dora), range(WRITERS))
        self.assertEqual(given.count(True), 3)
        self.assertEqual(Conversation.objects.filter(agent=self.dora).count(), 3)

    def test_an_address_that_is_left_twice_at_once_is_told_once(self) -> None:
        def leave(_: int) -> None:
            customers.leave_contact(self.conversation, "a@ash.example")

        self.at_once(leave, range(WRITERS))
        self.assertEqual(Message.objects.filter(text=away.THANKS).count(), 1)

    @override_settings(DATABASE_THREADS=4)
    def test_a_slow_query_in_one_chat_does_not_stall_another(self) -> None:
        done: list[str] = []

        def query(name: str, seconds: float) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(%s)", [seconds])
            done.append(name)
            connection.close()

        async def both() -> None:
            slow = asyncio.create_task(in_thread(query, "slow", 2))
            await asyncio.sleep(0.1)
            await asyncio.gather(*(in_thread(query, "quick", 0) for _ in range(3)))
            await slow

        asyncio.run(both())
        self.assertEqual(done, ["quick", "quick", "quick", "slow"])
