"""What a client was shown live, with what it fetches after a break, is the whole conversation."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from chatbot.conversation import changes, customers
from chatbot.models import Conversation, Message
from tests.chatbot.sockets import Socket, SocketTestCase

pytestmark = pytest.mark.services

STEPS = st.lists(
    st.sampled_from(["customer", "agent", "agent", "drop", "return", "return as new"]), max_size=12
)


@pytest.mark.django_db
@given(STEPS)
def test_replay_and_live_together_are_the_full_fetch(steps: list[str]) -> None:
    with transaction.atomic():
        client = Client()
        try:
            client.setUpTestData()
            client.setUp()
            async_to_sync(client.play)(steps)
        finally:
            client.doCleanups()
            client.doClassCleanups()
            transaction.set_rollback(True)


class Client(SocketTestCase):
    """Alice's widget. Her site is made anew for each example."""

    __test__ = False

    async def play(self, steps: list[str]) -> None:
        conversation = await database_sync_to_async(customers.conversation_of)(self.alice)
        conversation.state = "agent"
        await conversation.asave()
        self.seen: dict[int, str] = {}
        socket: Socket | None = await self.join()
        for number, step in enumerate(steps):
            if step in {"customer", "agent"}:
                await self.write(conversation, step, f"{step} {number}")
            elif step == "drop" and socket:
                await self.drain(socket, conversation)
                await socket.disconnect()
                socket = None
            elif step == "return" and not socket:
                socket = await self.join(after=max(self.seen, default=0))
            elif step == "return as new":
                self.seen = {}
                socket = await self.join(after=0)
        socket = socket or await self.join(after=max(self.seen, default=0))
        await self.drain(socket, conversation)
        stored = {m.seq: m.text async for m in Message.objects.filter(conversation=conversation)}
        self.assertEqual(self.seen, stored)

    def write(self, conversation: Conversation, author: str, text: str) -> Coroutine[Any, Any, Any]:
        def append() -> None:
            message = changes.append(changes.locked(conversation.id), author, text)
            changes.announce(conversation, message)

        return database_sync_to_async(append)()

    async def drain(self, socket: Socket, conversation: Conversation) -> None:
        await conversation.arefresh_from_db()
        async with asyncio.timeout(10):
            while len(self.seen) < conversation.last_seq:
                frame = await socket.hear()
                if frame["type"] == "message":
                    assert self.seen.get(frame["seq"], frame["text"]) == frame["text"]
                    self.seen[frame["seq"]] = frame["text"]
