"""Files in the sockets' frames: named, shown, and refused where they are not one's own."""

from typing import Any
from uuid import uuid4

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async

from chatbot.attachments import store
from chatbot.conversation import agents, customers
from chatbot.conversation.wording import PLAIN
from chatbot.models import Attachment, Conversation, Message
from chatbot.reply.turn import Turn
from tests.chatbot.attachments.files import PDF, image
from tests.chatbot.console.test_socket import ConsoleTestCase
from tests.chatbot.sockets import SocketTestCase
from tests.fakes import ALICE, FakeModelsTestCase, outcome_of


class VisitorTests(SocketTestCase):
    async def keep(self) -> Attachment:
        conversation = await sync_to_async(customers.conversation_of)(self.alice)
        return await sync_to_async(store.keep)(conversation, "boots.png", image("PNG"))

    async def test_a_picture_is_sent_shown_and_answered_plainly(self) -> None:
        kept = await self.keep()
        socket = await self.join()
        frame = {"type": "message", "id": "m1", "text": "", "attachments": [str(kept.id)]}
        await socket.say(**frame)
        heard = await socket.until(type="reply", state="done")
        self.assertIn({"type": "ack", "id": "m1", "seq": 1}, heard)
        own, answer = (one for one in heard if one["type"] == "message")
        [named] = own["attachments"]
        url = named.pop("url")
        self.assertEqual(named, store.described(kept))
        self.assertEqual((await self.async_client.get(url)).status_code, 200)
        self.assertEqual(answer["text"], f"{PLAIN.cannot_read} {PLAIN.offer}")
        self.assertEqual(self.generator.prompts, [])
        await socket.say(**frame)
        self.assertEqual((await socket.until(type="ack"))[-1]["seq"], 1)

    async def test_with_words_the_words_are_answered(self) -> None:
        kept = await self.keep()
        self.generator.answer = "Order 50001 was shipped on 3 November 2026."
        socket = await self.join()
        text = "when was order 50001 shipped?"
        await socket.say(type="message", id="m1", text=text, attachments=[str(kept.id)])
        heard = await socket.until(type="message", author="bot")
        self.assertEqual(heard[-1]["text"], self.generator.answer)
        self.assertNotIn("boots.png", str(self.generator.prompts))

    async def test_who_returns_sees_them_again_and_no_empty_bubble(self) -> None:
        kept = await self.keep()
        socket = await self.join()
        await socket.say(type="message", id="m1", text="\u200b", attachments=[str(kept.id)])
        await socket.until(type="reply", state="done")
        again = await self.join()
        message = (await again.until(type="message"))[-1]
        self.assertEqual(message["text"], "")
        self.assertEqual([one["id"] for one in message["attachments"]], [str(kept.id)])

    async def test_hostile_lists_are_refused_and_the_socket_goes_on(self) -> None:
        kept = str((await self.keep()).id)
        socket = await self.join()
        hostile: list[tuple[Any, str]] = [
            ("x", "bad_frame"),
            (None, "bad_frame"),
            ({}, "bad_frame"),
            ([1], "bad_frame"),
            ([None], "bad_frame"),
            ([[kept]], "bad_frame"),
            (["x"], "bad_frame"),
            (["\ud800"], "bad_frame"),
            ([f"{kept}\x00"], "bad_frame"),
            ([kept, kept.upper()], "bad_frame"),
            ([str(uuid4()) for _ in range(6)], "too_many_files"),
            ([str(uuid4())], "not_found"),
            ([kept, str(uuid4())], "not_found"),
        ]
        for value, code in hostile:
            await socket.say(type="message", id="m1", text="look", attachments=value)
            self.assertEqual((await socket.until(type="error"))[-1]["code"], code, value)
        await socket.say(type="message", id="m1", text=" ", attachments=[])
        self.assertEqual((await socket.until(type="error"))[-1]["code"], "empty")
        odd = "{" + kept.replace("-", "").upper() + "}"  # another way to write the same id
        await socket.say(type="message", id="m1", text="", attachments=[odd])
        await socket.until(type="ack")


class ConsoleTests(ConsoleTestCase):
    async def test_dora_sees_the_picture_and_sends_a_pdf(self) -> None:
        picture = await sync_to_async(store.keep)(self.conversation, "boots.png", image("PNG"))
        ids = [str(picture.id)]
        await sync_to_async(customers.receive)(self.conversation, "m2", "", "", ids)
        socket = await self.page_of(self.dora)
        await socket.until(type="hello")
        await socket.say(type="open", conversation=self.id)
        found = (await socket.until(type="messages"))[-1]["messages"]
        address = {"url": f"/attachments/{picture.id}/"}
        self.assertEqual(found[-1]["attachments"], [store.described(picture) | address])
        await socket.say(type="take", conversation=self.id)
        await socket.until(type="messages")
        offer = await sync_to_async(store.keep)(self.conversation, "o.pdf", PDF, self.dora)
        frame = {"type": "message", "conversation": self.id, "id": "1", "text": ""}
        for words in ("", " ", "\u200b", "\u3164"):
            code = await self.refused(socket, **{**frame, "text": words})
            self.assertEqual(code, "empty")
        for hostile in ("x", [1], ["x"]):
            code = await self.refused(socket, **frame, attachments=hostile)
            self.assertEqual(code, "bad_frame")
        code = await self.refused(socket, **frame, attachments=ids)
        self.assertEqual(code, "not_found")
        await socket.say(**{**frame, "text": "\u200b"}, attachments=[str(offer.id)])
        await socket.until(type="ack")
        self.assertEqual((await Message.objects.alatest("seq")).text, "")
        last = await Conversation.objects.aget(id=self.id)
        message = await last.messages.aget(seq=last.last_seq)
        self.assertEqual(message.attachments, [store.described(offer)])

    async def test_the_list_names_files_that_have_no_words(self) -> None:
        kept = await database_sync_to_async(store.keep)(self.conversation, "b.png", image("PNG"))
        ids = [str(kept.id)]
        await sync_to_async(customers.receive)(self.conversation, "m2", "", "", ids)
        socket = await self.page_of(self.dora)
        await socket.until(type="hello")
        await socket.say(type="list")
        [row] = (await socket.until(type="rows"))[-1]["rows"]
        self.assertEqual(row["last"]["text"], "b.png")


class RouteTests(FakeModelsTestCase):
    async def test_a_colleague_is_offered_and_a_yes_brings_one(self) -> None:
        outcome = await outcome_of(Turn("", ALICE))
        self.assertEqual(outcome.answer, f"{PLAIN.cannot_read} {PLAIN.offer}")
        self.assertEqual((await outcome_of(Turn("yes", ALICE, offered=True))).state, "handoff")

    async def test_who_waits_is_not_offered_one_again(self) -> None:
        outcome = await outcome_of(Turn("", ALICE, waiting=True))
        self.assertEqual(outcome.answer, f"{PLAIN.cannot_read} {PLAIN.colleague_waiting}")

    async def test_the_second_time_a_colleague_is_asked(self) -> None:
        self.assertEqual((await outcome_of(Turn("", ALICE, unanswered=1))).state, "handoff")


class TakenTests(SocketTestCase):
    async def test_with_an_agent_the_bot_says_nothing_of_files(self) -> None:
        conversation = await sync_to_async(customers.conversation_of)(self.alice)
        kept = await sync_to_async(store.keep)(conversation, "boots.png", image("PNG"))
        dora = await sync_to_async(self.dora)()
        await sync_to_async(agents.take_over)(conversation, dora)
        ids = [str(kept.id)]
        _, reply = await sync_to_async(customers.receive)(conversation, "m1", "", "", ids)
        self.assertIsNone(reply)

    def dora(self) -> Any:
        from django.contrib.auth.models import User

        return User.objects.create_user("dora")
