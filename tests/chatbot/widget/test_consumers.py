"""The visitor's socket: what is acknowledged is stored, what was missed comes again."""

import asyncio
from typing import Any
from unittest import mock

import pytest
from channels.db import database_sync_to_async
from django.test import override_settings

from chatbot.conversation import customers
from chatbot.models import Conversation, Inbox, Message, Visitor
from chatbot.people import identity
from chatbot.wire import limits
from tests.chatbot.sockets import PATIENCE, Socket, SocketTestCase

pytestmark = pytest.mark.services


class JoinTests(SocketTestCase):
    async def test_a_page_of_another_site_is_not_let_in(self) -> None:
        for headers in [[(b"origin", b"https://evil.example")], [(b"x", b"y")]]:
            await self.open(headers)
            self.assertFalse(self.accepted)

    async def test_the_first_frame_names_the_conversation_and_the_protocol(self) -> None:
        await self.join()
        conversation = await Conversation.objects.aget()
        self.assertEqual(self.welcome["conversation"], str(conversation.id))
        self.assertEqual((self.welcome["state"], self.welcome["protocol"]), ("bot", 1))

    async def test_a_wrong_token_is_told_and_the_socket_closed(self) -> None:
        socket = await self.open()
        await socket.say(type="hello", token="nonsense")
        self.assertEqual((await socket.hear())["code"], "unauthorized")
        self.assertEqual((await socket.receive_output(PATIENCE))["code"], 4401)

    async def test_a_token_of_another_inbox_does_not_hold(self) -> None:
        other = await Inbox.objects.acreate(key="other", name="Other")
        self.token, _ = identity.issue(await Visitor.objects.acreate(inbox=other))
        socket = await self.open()
        await socket.say(type="hello", token=self.token)
        self.assertEqual((await socket.hear())["code"], "unauthorized")

    @override_settings(TOKEN_LIFETIME=-1)
    async def test_an_expired_token_says_so(self) -> None:
        socket = await self.open()
        await socket.say(type="hello", token=self.token)
        self.assertEqual((await socket.hear())["code"], "expired")

    async def test_nothing_is_taken_before_hello(self) -> None:
        socket = await self.open()
        await socket.say(type="message", id="1", text="hi")
        self.assertEqual((await socket.hear())["code"], "unauthorized")
        self.assertFalse(await Message.objects.aexists())


class TalkTests(SocketTestCase):
    async def test_alice_asks_and_is_answered_sentence_by_sentence(self) -> None:
        self.generator.answer = "It was shipped on 3 November 2026. The carrier is Swift Parcel."
        socket = await self.join()
        await socket.say(
            type="message", id="m1", text="when was order 50001 shipped, and with which carrier?"
        )
        heard = await socket.until(type="reply", state="done")
        self.assertIn({"type": "ack", "id": "m1", "seq": 1}, heard)
        sentences = [frame["sentence"] for frame in heard if frame.get("state") == "sentence"]
        self.assertEqual(" ".join(sentences), self.generator.answer)
        messages = [frame for frame in heard if frame["type"] == "message"]
        self.assertEqual([frame["author"] for frame in messages], ["customer", "bot"])
        self.assertEqual(messages[0]["id"], "m1")
        [source] = messages[1]["citations"]
        self.assertEqual((source["id"], source["title"]), ("order:50001", "Order 50001"))

    async def test_a_message_sent_twice_is_stored_once_and_acknowledged_twice(self) -> None:
        socket = await self.join()
        for _ in range(2):
            await socket.say(type="message", id="m1", text="hello")
        acks = await self.heard(socket, "ack", 2)
        self.assertEqual(acks, [{"type": "ack", "id": "m1", "seq": 1}] * 2)
        self.assertEqual(await Message.objects.filter(author="customer").acount(), 1)

    async def heard(self, socket: Socket, kind: str, count: int) -> list[dict[str, Any]]:
        frames: list[dict[str, Any]] = []
        while len(frames) < count:
            frame = await socket.hear()
            frames += [frame] if frame["type"] == kind else []
        return frames

    async def test_who_returns_gets_what_came_after_their_last_number(self) -> None:
        socket = await self.join()
        for number in range(3):
            await socket.say(type="message", id=f"m{number}", text="hello")
            await socket.until(type="reply", state="done")
        await socket.disconnect()
        again = await self.join(after=2)
        missed = await self.heard(again, "message", 4)
        self.assertEqual([frame["seq"] for frame in missed], [3, 4, 5, 6])

    async def test_a_second_tab_sees_the_same_conversation(self) -> None:
        first, second = await self.join(), await self.join()
        await first.say(type="message", id="m1", text="hello")
        (message,) = await self.heard(second, "message", 1)
        self.assertEqual((message["id"], message["seq"]), ("m1", 1))

    async def test_a_ping_is_answered_after_what_came_before_it(self) -> None:
        socket = await self.join()
        await socket.say(type="handoff")
        await socket.say(type="ping", n=7)
        heard = await socket.until(type="pong")
        self.assertEqual(heard[-1], {"type": "pong", "n": 7})
        conversation = await Conversation.objects.aget()
        self.assertEqual(conversation.state, Conversation.State.WAITING)

    async def test_a_malformed_frame_is_refused_and_the_socket_goes_on(self) -> None:
        socket = await self.join()
        await socket.send_to(text_data="{broken")
        self.assertEqual((await socket.hear())["code"], "bad_frame")
        await socket.send_to(bytes_data=b"\x00")
        self.assertEqual((await socket.hear())["code"], "bad_frame")
        await socket.say(type="message", id="m1", text="hello")
        await socket.until(type="ack")

    async def test_a_fault_of_ours_is_told_and_the_same_message_can_be_sent_again(self) -> None:
        socket = await self.join()
        with (
            mock.patch("chatbot.conversation.customers.append", side_effect=OSError("disk")),
            self.assertLogs("attune.socket"),
        ):
            await socket.say(type="message", id="m1", text="hello")
            error = await socket.hear()
        self.assertEqual((error["code"], error["id"]), ("internal", "m1"))
        await socket.say(type="message", id="m1", text="hello")
        self.assertEqual((await socket.until(type="ack"))[-1]["seq"], 1)

    @override_settings(MESSAGES_PER_MINUTE=2)
    async def test_who_writes_too_fast_is_told_when_to_go_on(self) -> None:
        socket = await self.join()
        for number in range(3):
            await socket.say(type="message", id=f"m{number}", text="hello")
        error = (await socket.until(type="error"))[-1]
        self.assertEqual((error["code"], error["id"]), ("rate_limited", "m2"))
        self.assertGreater(error["retry_after"], 0)

    async def test_asking_for_a_person_changes_the_state_for_all_to_see(self) -> None:
        socket = await self.join()
        await socket.say(type="handoff")
        heard = await socket.until(type="state")
        self.assertEqual(heard[-1]["state"], "waiting")
        self.assertEqual(heard[0]["author"], "system")

    async def test_feedback_read_and_close_reach_the_conversation(self) -> None:
        socket = await self.join()
        await socket.say(type="message", id="m1", text="hello")
        await socket.until(type="reply", state="done")
        await socket.say(type="feedback", seq=2, value=-1)
        await socket.say(type="read", seq=2)
        await socket.say(type="typing")
        await socket.say(type="close")
        await socket.until(type="state", state="closed")
        conversation = await Conversation.objects.aget()
        self.assertEqual((conversation.read_seq, conversation.state), (2, "closed"))
        self.assertEqual((await Message.objects.aget(seq=2)).feedback, -1)

    async def test_an_idle_socket_is_woken_by_what_happens_elsewhere(self) -> None:
        socket = await self.join()
        conversation = await Conversation.objects.aget()
        await database_sync_to_async(customers.hand_off)(conversation, "an agent's wish")
        await socket.until(type="state", state="waiting")


class LimitTests(SocketTestCase):
    @override_settings(SOCKETS_PER_VISITOR=2)
    async def test_a_visitor_with_too_many_tabs_is_told_and_closing_one_helps(self) -> None:
        first, _ = await self.join(), await self.join()
        third = await self.open()
        await third.say(type="hello", token=self.token)
        error = await third.hear()
        self.assertEqual(error["code"], "too_many")
        self.assertGreater(error["retry_after"], 0)
        self.assertEqual((await third.receive_output(PATIENCE))["code"], 4429)
        await first.disconnect()
        await self.join()

    @override_settings(SOCKETS_PER_ADDRESS=1)
    async def test_an_address_holds_so_many_sockets_and_no_more(self) -> None:
        _first, second = await self.join(), await self.open()
        self.assertEqual((await second.hear())["code"], "too_many")

    async def test_what_ended_counts_no_longer(self) -> None:
        for _ in range(3):
            socket = await self.join()
            await socket.disconnect()
        self.assertFalse(limits._sockets)

    async def test_who_reads_nothing_is_dropped_and_resumes_where_they_stopped(self) -> None:
        socket = await self.join()

        async def never(*_: Any, **__: Any) -> None:
            await asyncio.sleep(60)

        conversation = await Conversation.objects.aget()
        with (
            mock.patch("chatbot.wire.json_socket.READ_WITHIN", 0.05),
            mock.patch("chatbot.widget.consumer.VisitorConsumer.send", never),
        ):
            await database_sync_to_async(customers.hand_off)(conversation, "an agent's wish")
            self.assertEqual((await socket.receive_output(PATIENCE))["code"], 4408)
        again = await self.join(after=0)
        self.assertEqual((await again.until(type="message"))[-1]["seq"], 1)
