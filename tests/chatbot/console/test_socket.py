"""The agents' socket: lists that update by themselves, take-over, and who may not."""

import asyncio
import threading
import time
from functools import partial
from typing import Any
from unittest import mock

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import Permission, User
from django.db import OperationalError
from django.test import Client

from chatbot.asgi import application
from chatbot.console import saved_views
from chatbot.console.consumer import AgentConsumer
from chatbot.conversation import agents, customers, replies
from chatbot.models import Conversation, Correction, Message
from chatbot.people import presence
from tests.chatbot.sockets import PATIENCE, Socket, SocketTestCase

pytestmark = pytest.mark.services

RIGHTS = ["view_conversation", "change_conversation", "add_correction", "add_case"]


class ConsoleTestCase(SocketTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.dora, self.emil = self.staff("dora", *RIGHTS), self.staff("emil", *RIGHTS)
        self.fred = self.staff("fred", "view_conversation")
        self.conversation = customers.conversation_of(self.alice)
        customers.receive(self.conversation, "m1", "this is terrible")

    def staff(self, name: str, *rights: str) -> User:
        user = User.objects.create_user(name, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=rights))
        return user

    async def page_of(self, user: User | None, origin: bytes = b"http://localhost") -> Socket:
        client = Client()
        if user:
            await database_sync_to_async(client.force_login)(user)
        cookies = "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())
        headers = [(b"cookie", cookies.encode()), (b"origin", origin)]
        socket = Socket(application, "/ws/console/", headers=headers)
        self.accepted, _ = await socket.connect(PATIENCE)
        return socket

    async def opened(self, user: User) -> Socket:
        socket = await self.page_of(user)
        await socket.until(type="hello")
        await socket.say(type="list")
        await socket.until(type="rows")
        await socket.say(type="open", conversation=self.id)
        await socket.until(type="messages")
        return socket

    @property
    def id(self) -> str:
        return str(self.conversation.id)

    async def refused(self, socket: Socket, **frame: Any) -> str:
        await socket.say(**frame)
        return str((await socket.until(type="error"))[-1]["code"])

    async def said(self) -> list[tuple[str, str]]:
        return [pair async for pair in Message.objects.values_list("author", "text")]


class DoorTests(ConsoleTestCase):
    async def test_nobody_without_the_right_to_see_conversations_is_let_in(self) -> None:
        charlie = await database_sync_to_async(self.staff)("charlie")
        for user in (None, charlie):
            await self.page_of(user)
            self.assertFalse(self.accepted)

    async def test_a_page_of_another_site_is_not_let_in(self) -> None:
        await self.page_of(self.dora, b"https://evil.example")
        self.assertFalse(self.accepted)

    async def test_a_page_may_ask_whether_anybody_is_there(self) -> None:
        socket = await self.page_of(self.fred)
        await socket.say(type="ping")
        self.assertEqual((await socket.until(type="pong"))[-1]["n"], 0)

    async def test_fred_who_may_only_look_cannot_act(self) -> None:
        socket = await self.opened(self.fred)
        of = {"conversation": self.id}
        for frame in (
            {"type": "take"},
            {"type": "resolve"},
            {"type": "message", "id": "1", "text": "Hello"},
            {"type": "note", "text": "x"},
            {"type": "correct", "seq": 1, "label": "neutral"},
            {"type": "teach", "seq": 1, "verdict": "right"},
            {"type": "suggest"},
        ):
            self.assertEqual(await self.refused(socket, **frame, **of), "forbidden", frame)

    async def test_a_right_that_was_taken_away_ends_at_once(self) -> None:
        socket = await self.opened(self.dora)
        await User.objects.filter(id=self.dora.id).aupdate(is_active=False)
        code = await self.refused(socket, type="take", conversation=self.id)
        self.assertEqual(code, "forbidden")

    async def test_nonsense_is_told_and_the_socket_goes_on(self) -> None:
        socket = await self.opened(self.dora)
        for frame in (
            {"type": "dance"},
            {"type": "open", "conversation": "x"},
            {"type": "list", "view": "all"},
            {"type": "take"},
        ):
            self.assertIn(await self.refused(socket, **frame), {"bad_frame", "unknown_frame"})
        missing = "00000000-0000-4000-8000-000000000000"
        code = await self.refused(socket, type="take", conversation=missing)
        self.assertEqual(code, "not_found")


@mock.patch("chatbot.people.presence.BEATS_EVERY", 0.05)
class SignsOfLifeTests(ConsoleTestCase):
    async def here(self, expected: bool) -> None:
        """Waits until it is so."""
        async with asyncio.timeout(PATIENCE):
            while await presence.online().aexists() is not expected:
                await asyncio.sleep(0.01)

    async def test_dora_is_here_again_once_the_database_is_back(self) -> None:
        socket = await self.opened(self.dora)
        away = OperationalError("the server closed the connection")
        with mock.patch("chatbot.people.presence.seen", side_effect=away) as seen:
            await presence.online().aupdate(seen_at=None)
            async with asyncio.timeout(PATIENCE):
                while seen.call_count < 2:
                    await asyncio.sleep(0.01)
        await self.here(True)
        await socket.disconnect(timeout=PATIENCE)

    async def test_a_page_that_is_closed_says_so_last(self) -> None:
        socket = await self.opened(self.dora)
        begun = threading.Event()
        slow = mock.patch("chatbot.people.presence.seen", partial(slowly, begun, presence.seen))
        with slow:
            await asyncio.to_thread(begun.wait, PATIENCE)
            await socket.disconnect(timeout=PATIENCE)
        self.assertFalse(await presence.online().aexists())

    async def test_a_page_that_goes_while_it_is_told_something_is_closed_too(self) -> None:
        socket = await self.opened(self.dora)
        gone = mock.patch.object(AgentConsumer, "catch_up", side_effect=ConnectionResetError)
        with gone:
            await database_sync_to_async(customers.receive)(self.conversation, "m2", "Hello?")
            await self.here(False)
        await socket.disconnect(timeout=PATIENCE)


def slowly(begun: threading.Event, act: Any, agent: User) -> None:
    begun.set()
    time.sleep(0.2)
    act(agent)


class SavedViewTests(ConsoleTestCase):
    async def views_of(self, user: User) -> list[dict[str, Any]]:
        socket = await self.page_of(user)
        return list((await socket.until(type="hello"))[-1]["views"])

    async def saved(self, socket: Socket, **frame: Any) -> list[str]:
        await socket.say(**frame)
        return [one["name"] for one in (await socket.until(type="views"))[-1]["views"]]

    async def test_dora_finds_her_view_on_another_machine_and_emil_does_not(self) -> None:
        socket = await self.page_of(self.dora)
        wanted = {"view": "waiting", "mood": "angry", "inbox": "shop", "search": "", "page": 3}
        kept = await self.saved(socket, type="save_view", name=" Angry ones ", **wanted)
        self.assertEqual(kept, ["Angry ones"])
        [view] = await self.views_of(self.dora)
        self.assertEqual(view["wanted"], {**wanted, "state": "", "page": 0})
        self.assertEqual(await self.views_of(self.emil), [])

    async def test_a_name_is_used_once_and_can_be_forgotten(self) -> None:
        socket = await self.page_of(self.dora)
        await self.saved(socket, type="save_view", name="Mine", view="mine")
        await self.saved(socket, type="save_view", name="Mine", view="alert")
        [view] = await self.views_of(self.dora)
        self.assertEqual(view["wanted"]["view"], "alert")
        self.assertEqual(await self.saved(socket, type="drop_view", name="Mine"), [])

    async def test_a_view_without_a_name_or_of_no_such_list_is_refused(self) -> None:
        socket = await self.page_of(self.dora)
        for name in (" ", "\u200b", "\u3164"):
            self.assertEqual(await self.refused(socket, type="save_view", name=name), "invalid")
        frame = {"type": "save_view", "name": "x", "view": "everything"}
        self.assertEqual(await self.refused(socket, **frame), "bad_frame")

    async def test_one_too_many_is_refused_and_not_kept(self) -> None:
        socket = await self.page_of(self.dora)
        for number in range(saved_views.MOST):
            await self.saved(socket, type="save_view", name=f"View {number}")
        self.assertEqual(await self.refused(socket, type="save_view", name="Another"), "invalid")
        self.assertEqual(len(await self.views_of(self.dora)), saved_views.MOST)


class LiveTests(ConsoleTestCase):
    async def test_a_new_message_moves_the_row_and_is_shown_with_its_mood(self) -> None:
        socket = await self.opened(self.dora)
        customer = await self.join()
        await customer.say(type="message", id="m2", text="still terrible")
        heard = await socket.until(type="row")
        self.assertGreaterEqual(heard[-1]["row"]["seq"], 2)
        self.assertLess(heard[-1]["row"]["mood"], -0.5)
        messages = [m for frame in heard if frame["type"] == "messages" for m in frame["messages"]]
        if not messages:
            messages = (await socket.until(type="messages"))[-1]["messages"]
        self.assertEqual(
            (messages[0]["text"], messages[0]["label"]), ("still terrible", "negative")
        )

    async def test_dora_takes_over_writes_and_the_customer_reads_it(self) -> None:
        customer, socket = await self.join(), await self.opened(self.dora)
        await socket.say(type="take", conversation=self.id)
        await customer.until(type="state", state="agent")
        await socket.say(type="message", conversation=self.id, id="1", text="I am on it.")
        await socket.until(type="ack", id="1")
        heard = await customer.until(type="message", author="agent")
        self.assertEqual(heard[-1]["text"], "I am on it.")
        await socket.say(type="typing", conversation=self.id)
        await customer.until(type="typing", author="agent")

    async def test_emil_sees_that_dora_has_it_and_cannot_take_it(self) -> None:
        emil, dora = await self.opened(self.emil), await self.opened(self.dora)
        await dora.say(type="take", conversation=self.id)
        row = (await emil.until(type="row"))[-1]["row"]
        while row["state"] != "agent":
            row = (await emil.until(type="row"))[-1]["row"]
        self.assertEqual(row["agent_id"], self.dora.id)
        self.assertEqual(await self.refused(emil, type="take", conversation=self.id), "taken")

    async def test_what_leaves_the_list_is_said(self) -> None:
        socket = await self.opened(self.dora)
        await socket.say(type="resolve", conversation=self.id)
        gone = (await socket.until(type="gone"))[-1]["row"]
        self.assertEqual((gone["id"], gone["state"]), (self.id, "closed"))

    async def test_notes_reach_colleagues_and_never_the_customer(self) -> None:
        customer, socket = await self.join(), await self.opened(self.dora)
        await customer.until(type="message", seq=1)
        await socket.say(type="note", conversation=self.id, text="a regular")
        note = (await socket.until(type="note"))[-1]
        self.assertEqual((note["by"], note["text"]), ("dora", "a regular"))
        self.assertTrue(await customer.receive_nothing(0.2))

    async def test_an_alert_reaches_a_page_whose_list_does_not_show_it(self) -> None:
        socket = await self.page_of(self.dora)
        hello = (await socket.until(type="hello"))[-1]
        self.assertEqual(hello["alerts"], [])
        await socket.say(type="list", view="mine")
        await socket.until(type="rows")
        customer = await self.join()
        for number in range(2):
            await customer.say(type="message", id=f"a{number}", text="still terrible")
        alert = (await socket.until(type="alert"))[-1]["row"]
        self.assertEqual((alert["id"], alert["alerted"]), (self.id, True))
        await database_sync_to_async(agents.acknowledge)(self.conversation, self.dora)
        alert = (await socket.until(type="alert"))[-1]["row"]
        self.assertFalse(alert["alerted"])

    async def test_an_answer_comes_with_its_sources_its_route_and_what_was_withheld(self) -> None:
        await database_sync_to_async(self.answered)()
        socket = await self.page_of(self.dora)
        await socket.until(type="hello")
        await socket.say(type="open", conversation=self.id)
        answer = (await socket.until(type="messages"))[-1]["messages"][-1]
        self.assertEqual(answer["sources"], [{"title": "Returns", "url": ""}])
        trace = answer["trace"]
        self.assertEqual(
            trace["withheld"], [{"sentence": "It is free.", "why": "unsupported: free"}]
        )
        self.assertIn(["Route", "small · slm"], trace["facts"])
        self.assertIn(["Times", "records found after 80 ms"], trace["facts"])
        self.assertTrue(trace["page"].endswith(f"#message-{answer['seq']}"))

    def answered(self) -> None:
        reply = replies.claim(self.conversation.replies.get().id, "test")
        assert reply
        trace = {"route": "small", "model": "slm", "timings": {"retrieve": 0.08}}
        trace |= {"withheld": [{"sentence": "It is free.", "missing": ["free"]}]}
        cited = [{"id": "article:returns", "title": "Returns"}]
        replies.finish(reply, "answered", "Within 30 days.", cited, **trace)

    async def test_the_customers_orders_stand_apart_from_their_other_records(self) -> None:
        await database_sync_to_async(self.may_see_records)()
        socket = await self.page_of(self.dora)
        await socket.until(type="hello")
        await socket.say(type="open", conversation=self.id)
        card = (await socket.until(type="conversation"))[-1]["card"]
        self.assertEqual([one["title"] for one in card["orders"]], ["Order 50001"])
        self.assertEqual(card["orders"][0]["about"], "order · 3 Nov 2026")
        self.assertEqual(card["records"], [])

    def may_see_records(self) -> None:
        self.dora.user_permissions.add(Permission.objects.get(codename="view_record"))

    async def test_a_correction_is_kept(self) -> None:
        socket = await self.opened(self.dora)
        await socket.say(type="correct", conversation=self.id, seq=1, label="neutral")
        await socket.until(type="corrected", seq=1, label="neutral")
        self.assertEqual((await Correction.objects.aget()).label, "neutral")

    async def test_what_dora_says_of_an_answer_is_there_for_emil_at_once(self) -> None:
        await database_sync_to_async(self.answered)()
        dora, emil = await self.opened(self.dora), await self.opened(self.emil)
        frame = {"type": "teach", "conversation": self.id, "seq": 2, "verdict": "wrong"}
        await dora.say(**frame, answer="Within 14 days.", record="article:returns")
        wrong = {"verdict": "wrong", "answer": "Within 14 days.", "by": "dora"}
        for socket in (dora, emil):
            heard = (await socket.until(type="taught"))[-1]
            self.assertEqual(
                (heard["seq"], heard["taught"]), (2, wrong | {"record": "Returns (article)"})
            )
        await emil.say(type="open", conversation=self.id)
        answer = (await emil.until(type="messages"))[-1]["messages"][-1]
        self.assertEqual(answer["taught"]["by"], "dora")
        await dora.say(**frame | {"verdict": ""})
        self.assertIsNone((await emil.until(type="taught"))[-1]["taught"])
        refused = [frame | {"seq": 1}, frame | {"seq": 9}, frame | {"record": "order:50002"}]
        for bad in refused:
            self.assertEqual(await self.refused(dora, **bad), "not_found")

    async def test_a_suggestion_is_for_dora_only(self) -> None:
        self.generator.answer = "You can return goods within 30 days. Refunds take 5 working days."
        await database_sync_to_async(customers.receive)(
            self.conversation, "m2", "within how many days can I return goods?"
        )
        socket = await self.opened(self.dora)
        await socket.say(type="take", conversation=self.id)
        await socket.say(type="suggest", conversation=self.id)
        draft = (await socket.until(type="draft"))[-1]
        self.assertEqual((draft["text"], draft["sources"]), (self.generator.answer, ["Returns"]))
        self.assertNotIn(("bot", draft["text"]), await self.said())

    async def test_what_the_bot_was_about_to_answer_is_there_when_dora_takes_over(self) -> None:
        self.generator.answer = "You can return goods within 30 days. Refunds take 5 working days."
        await database_sync_to_async(customers.receive)(
            self.conversation, "m2", "within how many days can I return goods?"
        )
        socket = await self.opened(self.dora)
        await socket.say(type="take", conversation=self.id)
        self.assertEqual((await socket.until(type="draft"))[-1]["text"], self.generator.answer)

    async def test_dora_sees_what_the_customer_has_read(self) -> None:
        customer, socket = await self.join(), await self.opened(self.dora)
        await customer.say(type="read", seq=1)
        await socket.until(type="read", conversation=self.id, seq=1)
        await socket.say(type="open", conversation=self.id)
        self.assertEqual((await socket.until(type="conversation"))[-1]["read"], 1)

    async def test_an_address_that_the_customer_leaves_is_there_at_once(self) -> None:
        customer, socket = await self.join(), await self.opened(self.dora)
        await customer.say(type="contact", email="a@ash.example")
        await socket.until(type="contact", conversation=self.id, email="a@ash.example")
        await socket.say(type="open", conversation=self.id)
        card = (await socket.until(type="conversation"))[-1]["card"]
        self.assertEqual(card["email"], "a@ash.example")

    async def test_passed_on_only_to_somebody_who_can_answer(self) -> None:
        socket = await self.opened(self.dora)
        await socket.say(type="take", conversation=self.id)
        code = await self.refused(socket, type="pass_on", conversation=self.id, to="fred")
        self.assertEqual(code, "not_found")
        await socket.say(type="pass_on", conversation=self.id, to="emil")
        row: dict[str, Any] = {}
        while row.get("agent") != "emil":
            row = (await socket.until(type="row"))[-1]["row"]
        self.assertEqual((await Conversation.objects.aget()).agent_id, self.emil.id)
