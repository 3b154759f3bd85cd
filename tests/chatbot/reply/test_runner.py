"""A reply from claim to post: one turn for a burst, silence once overtaken, and recovery."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.test import override_settings

from chatbot.conversation import agents, customers, replies
from chatbot.conversation.wording import FORMAL, PLAIN
from chatbot.models import Conversation, Inbox, Message, Reply
from chatbot.reply import runner
from inference.generation.client import ChatMessages, Usage
from tests.chatbot.sockets import SocketTestCase
from tests.fakes import tier

pytestmark = pytest.mark.services

SENT = "It was shipped on 3 November 2026."
CARRIER = "The carrier is Swift Parcel."
QUESTION = "when was order 50001 shipped, and with which carrier?"
LONG_AGO = "2026-01-01T00:00:00Z"


class SlowGenerator:
    """Says a sentence each time it is let go on; counts how many are at work."""

    model = "slow"

    def __init__(self) -> None:
        self.running = 0
        self.go_on = asyncio.Event()
        self.prompts: list[ChatMessages] = []

    async def stream(
        self, messages: ChatMessages, max_tokens: int, usage: Usage | None = None
    ) -> AsyncIterator[str]:
        self.running += 1
        self.prompts.append(messages)
        try:
            for sentence in (SENT, CARRIER):
                await self.go_on.wait()
                yield f"{sentence}\n"
        finally:
            self.running -= 1


class RunnerTestCase(SocketTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.slow = SlowGenerator()
        self.enterContext(mock.patch("chatbot.engines.tiers.tiers", return_value=[tier(self.slow)]))

    async def until(self, holds: Any) -> None:
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0.01)

    async def asked(self, worker: str = runner.WORKER) -> Reply:
        conversation = await database_sync_to_async(customers.conversation_of)(self.alice)
        _, reply = await database_sync_to_async(customers.receive)(
            conversation, "m1", QUESTION, worker
        )
        return reply

    async def bot_messages(self) -> list[str]:
        return [m.text async for m in Message.objects.filter(author="bot").order_by("seq")]


class BurstTests(RunnerTestCase):
    @override_settings(REPLY_SETTLE=0.05)
    async def test_a_burst_of_messages_becomes_one_turn(self) -> None:
        socket = await self.join()
        for number, text in enumerate(["has order 50001", "been sent", "yet?"]):
            await socket.say(type="message", id=f"m{number}", text=text)
            await socket.until(type="ack", id=f"m{number}")
        self.slow.go_on.set()
        await socket.until(type="reply", state="done")
        self.assertEqual(len(await self.bot_messages()), 1)
        self.assertIn("has order 50001\nbeen sent\nyet?", self.slow.prompts[-1][-1]["content"])

    async def test_a_newer_message_ends_the_generation_that_runs(self) -> None:
        socket = await self.join()
        await socket.say(type="message", id="m1", text=QUESTION)
        await self.until(lambda: self.slow.running == 1)
        await socket.say(type="message", id="m2", text="and order 50001, where is it?")
        await self.until(lambda: len(self.slow.prompts) == 2)
        self.assertEqual(self.slow.running, 1)
        self.slow.go_on.set()
        await socket.until(type="reply", state="done")
        self.assertEqual(self.slow.running, 0)


class OwnershipTests(RunnerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.dora = User.objects.create_user("dora")

    async def test_after_a_take_over_the_bot_says_nothing(self) -> None:
        reply = await self.asked()
        task = runner.start(reply)
        await self.until(lambda: self.slow.running == 1)
        conversation = await Conversation.objects.aget()
        await database_sync_to_async(agents.take_over)(conversation, self.dora)
        self.slow.go_on.set()
        await task
        self.assertEqual(await self.bot_messages(), [])
        self.assertEqual(self.slow.running, 0)

    async def test_nor_when_the_conversation_has_been_given_back_meanwhile(self) -> None:
        reply = await self.asked()
        task = runner.start(reply)
        await self.until(lambda: self.slow.running == 1)
        conversation = await Conversation.objects.aget()
        await database_sync_to_async(agents.take_over)(conversation, self.dora)
        await Conversation.objects.aupdate(state="bot")
        self.slow.go_on.set()
        await task
        self.assertEqual(await self.bot_messages(), [])

    async def test_who_waits_for_a_person_is_still_answered(self) -> None:
        reply = await self.asked()
        task = runner.start(reply)
        await self.until(lambda: self.slow.running == 1)
        await database_sync_to_async(customers.hand_off)(
            await Conversation.objects.aget(), "The customer asked for a person."
        )
        self.slow.go_on.set()
        await task
        self.assertEqual(await self.bot_messages(), [f"{SENT} {CARRIER}"])


class RecoveryTests(RunnerTestCase):
    async def left_behind(self) -> Reply:
        reply = await self.asked("a process that died")
        await Reply.objects.aupdate(lease_until=LONG_AGO, created_at=LONG_AGO)
        self.slow.go_on.set()
        return reply

    async def test_a_reply_whose_process_died_is_finished_by_another_once(self) -> None:
        await self.left_behind()
        self.assertEqual([await runner.recover(), await runner.recover()], [1, 0])
        self.assertEqual(len(await self.bot_messages()), 1)

    async def test_two_processes_that_find_the_same_reply_answer_once(self) -> None:
        reply = await self.left_behind()
        await asyncio.gather(*(runner.run(reply.id) for _ in range(5)))
        self.assertEqual(len(await self.bot_messages()), 1)

    async def test_a_reply_that_has_ended_three_processes_goes_to_a_person(self) -> None:
        await self.left_behind()
        await Reply.objects.aupdate(attempts=replies.MAX_ATTEMPTS)
        await runner.recover()
        self.assertEqual(await self.bot_messages(), [PLAIN.gave_up])
        self.assertEqual((await Conversation.objects.aget()).state, "waiting")

    async def test_an_inbox_that_speaks_formally_gives_up_formally(self) -> None:
        await self.left_behind()
        await Inbox.objects.aupdate(tone=Inbox.Tone.FORMAL)
        await Reply.objects.aupdate(attempts=replies.MAX_ATTEMPTS)
        await runner.recover()
        self.assertEqual(await self.bot_messages(), [FORMAL.gave_up])

    @override_settings(REPLY_LEASE=0.03)
    async def test_a_living_process_keeps_its_claim_for_as_long_as_it_takes(self) -> None:
        task = runner.start(await self.asked())
        await self.until(lambda: self.slow.running == 1)
        before = (await Reply.objects.aget()).lease_until
        await asyncio.sleep(0.1)
        self.assertGreater((await Reply.objects.aget()).lease_until, before)
        self.slow.go_on.set()
        await task
        self.assertEqual(len(await self.bot_messages()), 1)

    async def test_a_process_that_ends_in_order_leaves_its_replies_free_at_once(self) -> None:
        runner.start(await self.asked())
        await self.until(lambda: self.slow.running == 1)
        await runner.release_claims()
        self.assertEqual(self.slow.running, 0)
        reply = await Reply.objects.aget()
        self.assertEqual((reply.status, reply.attempts), (Reply.Status.PENDING, 0))


class PatienceTests(RunnerTestCase):
    async def test_who_waits_long_is_told_so_and_offered_a_person(self) -> None:
        socket = await self.join()
        with (
            mock.patch("chatbot.reply.runner.PATIENCE", 0.05),
            mock.patch("chatbot.reply.runner.MORE_PATIENCE", 0.05),
        ):
            await socket.say(type="message", id="m1", text=QUESTION)
            await socket.until(type="reply", sentence=PLAIN.still_looking)
            heard = await socket.until(type="reply", sentence=PLAIN.still_at_it)
        self.assertEqual(heard[-1]["state"], "thinking")
        self.slow.go_on.set()
        await socket.until(type="reply", state="done")
        self.assertNotIn(PLAIN.still_looking, await self.bot_messages())

    @override_settings(GENERATIONS=1)
    async def test_a_waiting_customer_sees_their_number_in_the_queue(self) -> None:
        from chatbot.engines import admission

        admission.queue.cache_clear()
        self.addCleanup(admission.queue.cache_clear)
        socket = await self.join()
        async with admission.queue().place():
            await socket.say(type="message", id="m1", text=QUESTION)
            await socket.until(type="reply", sentence=PLAIN.in_queue.format(1))
        self.slow.go_on.set()
        await socket.until(type="reply", state="done")
