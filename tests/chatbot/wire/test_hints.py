"""Sockets of this process hear directly and in order. Redis may fail or hang: what is said reaches
the sockets of this process all the same, and lost hints are looked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.test import override_settings

from chatbot import asgi
from chatbot.conversation import agents, changes
from chatbot.models import Conversation, Message
from chatbot.wire import hints
from chatbot.wire.bus import Bus
from tests.chatbot.sockets import PATIENCE, SocketTestCase

pytestmark = pytest.mark.services

GREETING = {"type": "reply.progress", "frame": {"state": "sentence", "sentence": "Hello!"}}
NEWS = {"type": "conversation.news", "state": "bot"}


class FakeBus:
    """Notes what other processes would hear."""

    sending, hears = None, True

    def __init__(self, heard: int) -> None:
        self.published, self.heard = list[str](), heard

    def publish(self, channel: str, event: bytes, counted: Any = None) -> None:
        self.published.append(channel.split(":")[1])
        if counted:
            counted(self.heard)

    async def subscribe(self, channels: list[str]) -> None: ...

    unsubscribe = subscribe


@asynccontextmanager
async def redis_that(hangs: bool) -> AsyncIterator[str]:
    """The address of a Redis that never answers, or of one that is not there."""
    server = await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if not hangs:
        server.close()
    yield f"redis://127.0.0.1:{port}"
    server.close()


class HintTests(SocketTestCase):
    def bus_to(self, bus: Any) -> Any:
        hints._home = hints.Home(asyncio.get_running_loop(), bus)
        return bus

    async def conversation(self) -> Conversation:
        return await Conversation.objects.aget()

    async def test_a_chat_goes_on_while_redis_is_away(self) -> None:
        for hangs in (False, True):
            async with redis_that(hangs) as url:
                with (
                    mock.patch("chatbot.wire.bus.PATIENCE", 0.05),
                    self.assertLogs("attune.hints"),
                ):
                    with override_settings(REDIS_URL=url):
                        bus = Bus(hints.wanted, hints.hear)
                    self.bus_to(bus)
                    socket = await self.join()
                    await socket.say(type="message", id=f"m{hangs}", text="hello")
                    await socket.until(type="ack", id=f"m{hangs}")
                    await socket.until(type="reply", state="done")
                    await socket.disconnect()

    async def test_an_event_is_published_once_and_comes_in_order(self) -> None:
        bus = self.bus_to(FakeBus(heard=2))
        socket = await self.join()
        alices = (await self.conversation()).id
        for number in range(3):
            frame = {"state": "sentence", "sentence": str(number)}
            await hints.send(alices, {**GREETING, "frame": frame})
        hints.announce(alices, NEWS)
        heard = await socket.until(type="state")
        self.assertEqual([frame.get("sentence") for frame in heard], ["0", "1", "2", None])
        _joined, *published = bus.published
        self.assertEqual(published, ["live", "live", "live", "news"])

    async def test_what_is_live_is_published_only_if_another_process_listens(self) -> None:
        bus, socket = self.bus_to(FakeBus(heard=1)), await self.join()
        alices = (await self.conversation()).id
        for heard, expected in ((1, ["news"]), (2, ["news", "live"])):
            bus.heard = heard
            bus.published.clear()
            await hints.send(alices, NEWS)
            await hints.send(alices, GREETING)
            self.assertEqual(bus.published, expected)
        bus.heard = 1
        await hints.send(alices, NEWS)
        hints.hear(f"attune:live:{alices}", hints.JOINED, False)
        bus.published.clear()
        await hints.send(alices, GREETING)
        self.assertEqual(bus.published, ["live"])
        await socket.disconnect()

    async def test_a_web_process_without_sockets_does_not_wait_for_redis_either(self) -> None:
        homes = list[hints.Home | None]()

        async def receive() -> None: ...

        async def send(event: dict[str, Any]) -> None:
            homes.append(hints._home)

        with (
            mock.patch.object(hints, "_home", None),
            mock.patch.object(asgi, "jobs", list),
            mock.patch.object(asgi.courier, "carry_for_ever", receive),
            mock.patch.object(asgi.gc, "freeze"),
        ):
            await asgi.lifespan({}, receive, send)
        self.assertNotIn(None, homes)

    async def test_a_hint_waits_until_the_frame_before_it_is_handled(self) -> None:
        socket = await self.join()
        alices = (await self.conversation()).id
        with mock.patch("chatbot.widget.consumer.runner.start"):
            await socket.say(type="message", id="m1", text="hello")
            heard = await socket.until(type="message")
        self.assertEqual([frame["type"] for frame in heard], ["ack", "message"])
        await hints.send(alices, GREETING)
        await socket.until(type="reply", sentence="Hello!")

    async def test_what_was_lost_is_looked_for(self) -> None:
        socket = await self.join()
        # As another process that could not reach Redis: nobody here was told.
        await database_sync_to_async(changes.append)(
            await self.conversation(), Message.Author.AGENT, "This is Dora."
        )
        await hints.Looks().look()
        heard = await socket.until(type="message")
        self.assertEqual(heard[-1]["text"], "This is Dora.")

    async def test_who_has_it_is_told_with_what_was_lost(self) -> None:
        socket = await self.join()
        dora = await User.objects.acreate(username="dora")
        with mock.patch("chatbot.wire.hints.announce"):
            await database_sync_to_async(agents.resolve)(await self.conversation(), dora)
        await hints.Looks().look()
        await socket.until(type="state", state="closed")

    async def test_news_of_a_conversation_that_the_socket_has_left_is_not_told(self) -> None:
        socket = await self.join()
        await socket.say(type="message", id="m1", text="hello")
        await socket.until(type="reply", state="done")
        alices = await self.conversation()
        [listener] = hints._here[alices.id]
        news = {"type": "conversation.news", "seq": alices.last_seq + 1, "message": '"of bob"'}
        await listener.take({**news, "conversation": str(uuid4())})
        await hints.send(alices.id, GREETING)
        heard = await socket.until(type="reply", sentence="Hello!")
        self.assertEqual(len(heard), 1)

    async def test_a_socket_whose_hint_failed_is_closed_so_that_its_client_catches_up(self) -> None:
        socket = await self.join()
        await hints.send((await self.conversation()).id, {"type": "visitor.nonsense"})
        with self.assertLogs("attune.socket", "ERROR"):
            self.assertEqual((await socket.receive_output(PATIENCE))["code"], 1011)


@pytest.mark.skipif(not settings.REDIS_URL, reason="needs Redis; make test-services")
class BusTests(SocketTestCase):
    """Against a real Redis, with two processes' buses."""

    def setUp(self) -> None:
        super().setUp()
        self.heard: list[tuple[str, bytes, bool]] = []

    def bus(self, *wanted: str) -> Bus:
        return Bus(lambda: [*wanted], lambda *event: self.heard.append(event))

    async def until_heard(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.heard) < count:
                await asyncio.sleep(0.01)

    async def test_another_process_hears_once_and_the_own_events_do_not_come_back(self) -> None:
        here, there = self.bus("attune:live:1", "attune:news:*"), self.bus()
        await here.subscribe(["attune:live:1", "attune:news:*"])
        here.publish("attune:live:1", b"own")
        there.publish("attune:news:1", b"1")
        there.publish("attune:live:1", b"2")
        there.publish("attune:live:2", b"not wanted")
        there.publish("attune:live:1", b"3")
        await self.until_heard(3)
        self.assertEqual(
            self.heard,
            [
                ("attune:news:1", b"1", True),
                ("attune:live:1", b"2", False),
                ("attune:live:1", b"3", False),
            ],
        )

    async def test_a_bus_whose_connection_broke_hears_again(self) -> None:
        with mock.patch("chatbot.wire.bus.REST", 0.01), self.assertLogs("attune.hints"):
            here, there = self.bus("attune:live:1"), self.bus()
            await here.subscribe(["attune:live:1"])
            await here.subscriber.disconnect(nowait=True)
            while not self.heard:
                there.publish("attune:live:1", b"1")
                await asyncio.sleep(0.02)

    async def test_a_bus_that_was_silent_for_long_still_hears(self) -> None:
        with mock.patch("chatbot.wire.bus.SILENCE", 0.02):
            here, there = self.bus("attune:live:1"), self.bus()
            await here.subscribe(["attune:live:1"])
            await asyncio.sleep(0.2)
            there.publish("attune:live:1", b"1")
            await self.until_heard(1)

    async def test_a_bus_that_wanted_nothing_for_long_hears_again(self) -> None:
        with mock.patch("chatbot.wire.bus.SILENCE", 0.02):
            here, there = self.bus(), self.bus()
            await here.subscribe(["attune:live:1"])
            await here.unsubscribe(["attune:live:1"])
            await asyncio.sleep(0.2)
            await here.subscribe(["attune:live:2"])
            async with asyncio.timeout(PATIENCE):
                while not self.heard:
                    there.publish("attune:live:2", b"1")
                    await asyncio.sleep(0.02)
        self.assertFalse(here.hearing and here.hearing.done())

    async def test_an_event_that_cannot_be_read_does_not_end_the_listening(self) -> None:
        def hear(channel: str, event: bytes, by_pattern: bool) -> None:
            self.heard.append((channel, event, by_pattern))
            if event == b"nonsense":
                raise ValueError(event)

        here, there = Bus(lambda: ["attune:live:1"], hear), self.bus()
        with mock.patch("chatbot.wire.bus.REST", 0.01), self.assertLogs("attune.hints"):
            await here.subscribe(["attune:live:1"])
            there.publish("attune:live:1", b"nonsense")
            async with asyncio.timeout(PATIENCE):
                while ("attune:live:1", b"1", False) not in self.heard:
                    there.publish("attune:live:1", b"1")
                    await asyncio.sleep(0.02)

    async def test_after_an_answer_that_is_an_error_later_ones_are_not_mixed_up(self) -> None:
        there, counts = self.bus(), list[int]()
        with mock.patch("chatbot.wire.bus.REST", 0.0), self.assertLogs("attune.hints"):
            there.waiting.append((("PUBLISH", "attune:live:1"), None))  # type: ignore[arg-type]
            there.publish("attune:live:1", b"1", counts.append)
            assert there.sending
            await there.sending
            here = self.bus("attune:live:1")
            await here.subscribe(["attune:live:1"])
            async with asyncio.timeout(PATIENCE):
                while 1 not in counts:
                    there.publish("attune:live:1", b"2", counts.append)
                    await there.sending
        self.assertNotIn(0, counts)

    async def test_a_socket_hears_what_another_process_says(self) -> None:
        socket = await self.join()
        alices = (await Conversation.objects.aget()).id
        with mock.patch.object(hints, "_home", None):
            await database_sync_to_async(hints.announce)(alices, GREETING)
        await socket.until(type="reply", sentence="Hello!")
