"""The channel layer may fail or hang: what is said reaches the sockets of this process, and once
the layer is back every socket looks for what it has missed."""

import asyncio
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth.models import User

from chatbot.conversation import agents, changes
from chatbot.models import Conversation, Message
from chatbot.wire import hints
from tests.chatbot.sockets import PATIENCE, SocketTestCase

pytestmark = pytest.mark.services

GREETING = {"type": "reply.progress", "frame": {"state": "sentence", "sentence": "Hello!"}}


class BrokenLayer:
    """Redis is away: each call fails, or, hanging, never comes back."""

    def __init__(self, hangs: bool) -> None:
        self.hangs = hangs

    async def group_send(self, *_: Any) -> None:
        if self.hangs:
            await asyncio.sleep(60)
        raise ConnectionError("Redis is away")

    group_add = group_discard = group_send


async def heard(log: Any, words: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while not any(words in line for line in log.output):
            await asyncio.sleep(0.01)


class HintTests(SocketTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch("chatbot.wire.hints.REST", 0.05))
        self.enterContext(mock.patch("chatbot.wire.hints.LOOKS_EVERY", 0.01))

    def tearDown(self) -> None:
        hints._away_until = 0.0

    def away(self, hangs: bool = False) -> Any:
        """Only then is patience short: a layer that is there may be slow on a busy machine."""
        broken = BrokenLayer(hangs)
        return mock.patch.multiple(hints, get_channel_layer=lambda: broken, PATIENCE=0.05)

    async def test_a_chat_goes_on_while_the_layer_is_away(self) -> None:
        for hangs in (False, True):
            hints._away_until = 0.0
            with self.away(hangs), self.assertLogs("attune.hints"):
                socket = await self.join()
                await socket.say(type="message", id=f"m{hangs}", text="hello")
                await socket.until(type="ack", id=f"m{hangs}")
                await socket.until(type="reply", state="done")
                await socket.disconnect()

    async def test_what_the_layer_lost_is_looked_for(self) -> None:
        socket = await self.join()
        conversation = await Conversation.objects.aget()
        # As another process that could not reach the layer: nobody here was told.
        await database_sync_to_async(changes.append)(
            conversation, Message.Author.AGENT, "This is Dora."
        )
        looking = asyncio.create_task(hints.look_for_ever())
        heard = await socket.until(type="message")
        self.assertEqual(heard[-1]["text"], "This is Dora.")
        looking.cancel()

    async def test_who_has_it_is_told_with_what_was_lost(self) -> None:
        socket = await self.join()
        conversation = await Conversation.objects.aget()
        dora = await User.objects.acreate(username="dora")
        with mock.patch("chatbot.wire.hints.announce"):
            await database_sync_to_async(agents.resolve)(conversation, dora)
        looking = asyncio.create_task(hints.look_for_ever())
        await socket.until(type="state", state="closed")
        looking.cancel()

    async def test_groups_joined_while_the_layer_was_away_hear_once_it_is_back(self) -> None:
        looking = asyncio.create_task(hints.look_for_ever())
        with self.assertLogs("attune.hints") as log:
            with self.away():
                socket = await self.join()
                await heard(log, "is away")
            await heard(log, "is back")
        looking.cancel()
        await hints.send((await Conversation.objects.aget()).id, GREETING)
        self.assertEqual((await socket.until(type="reply"))[-1]["sentence"], "Hello!")

    async def test_news_of_a_conversation_that_the_socket_has_left_is_not_told(self) -> None:
        socket = await self.join()
        await socket.say(type="message", id="m1", text="hello")
        await socket.until(type="reply", state="done")
        conversation = await Conversation.objects.aget()
        news = {
            "type": "conversation.news",
            "seq": conversation.last_seq + 1,
            "message": '"of bob"',
        }
        group, bobs = hints.group(conversation.id), str(uuid4())
        await get_channel_layer().group_send(group, {**news, "conversation": bobs})
        await hints.send(conversation.id, GREETING)
        heard = await socket.until(type="reply", sentence="Hello!")
        self.assertEqual(len(heard), 1)
