"""Over a real connection: what nobody waits for any more, the model server stops writing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock

import pytest
from django.test import override_settings

from inference.generation.client import Generator
from tests.chatbot.sockets import SocketTestCase
from tests.fakes import tier
from tests.load.stub_slm import Stub

pytestmark = pytest.mark.services


@override_settings(REPLY_SETTLE=0.05)
class HangUpTests(SocketTestCase):
    @asynccontextmanager
    async def slow_model(self) -> AsyncIterator[Stub]:
        """Its first token takes longer than any test."""
        stub = Stub(first_token=60, next_token=1)
        server = await asyncio.start_server(stub.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        tiers = mock.patch(
            "chatbot.engines.tiers.tiers", return_value=[tier(Generator(url, "stub"))]
        )
        with tiers, mock.patch("chatbot.conversation.summary.schedule"):
            yield stub
        server.close()

    async def running(self, stub: Stub, count: int, asked: int) -> None:
        async with asyncio.timeout(10):
            while (stub.running, stub.asked) != (count, asked):
                await asyncio.sleep(0.01)

    async def test_a_newer_message_takes_the_place_of_the_older_ones_answer(self) -> None:
        async with self.slow_model() as stub:
            socket = await self.asks("has order 50001 been sent?")
            await self.running(stub, 1, asked=1)
            await socket.say(type="message", id="m2", text="and with which carrier?")
            await self.running(stub, 1, asked=2)
            await socket.say(type="close")
            await self.running(stub, 0, asked=2)

    async def asks(self, text: str) -> Any:
        socket = await self.join()
        await socket.say(type="message", id="m1", text=text)
        return socket
