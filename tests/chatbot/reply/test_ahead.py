"""Reading ahead: the reply finds its prompt read, nobody sees what was typed, nobody waits."""

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from unittest import mock

from channels.db import database_sync_to_async
from django.db import connection
from django.test import override_settings

from chatbot.engines import admission
from chatbot.models import Conversation, Inbox, Reply
from chatbot.reply import ahead, prompt
from chatbot.reply.ahead import Ahead
from chatbot.reply.found import Line
from chatbot.reply.turn import Turn
from chatbot.wire import hints
from crm.knowledge.search import Hit
from inference.generation.client import ChatMessages, Usage
from tests.chatbot.sockets import Socket, SocketTestCase
from tests.fakes import ALICE, BOB, FakeModelsTestCase, tier

DRAFT = "when was order 50001 shipped, and"
QUESTION = f"{DRAFT} with which carrier?"


def content(asked: ChatMessages) -> str:
    return asked[-1]["content"]


class SlowEngine:
    """Begins to read each prompt, and ends when it is let."""

    model = "slow"

    def __init__(self) -> None:
        self.prompts: list[ChatMessages] = []
        self.reading = self.most = 0
        self.go_on = asyncio.Event()

    def patience(self, messages: ChatMessages) -> float:
        return 60.0

    async def stream(
        self, messages: ChatMessages, max_tokens: int, usage: Usage | None = None
    ) -> AsyncIterator[str]:
        self.prompts.append(messages)
        self.reading += 1
        self.most = max(self.most, self.reading)
        try:
            await self.go_on.wait()
            yield "NOT ON RECORD"
        finally:
            self.reading -= 1


async def until(holds: Any) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


def idle() -> bool:
    """Tell whether nothing is read ahead now."""
    spare = admission.queue().spare
    return spare is None or spare.done()


def of(text: str, customer: str = ALICE) -> Any:
    return lambda: Turn(text, customer)


class ReadingTests(FakeModelsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.object(admission, "queue", lambda: self.queue))
        self.queue = admission.Queue(2)
        # An engine that has read nothing for other tests.
        self.enterContext(mock.patch("chatbot.reply.ahead._engine", ahead.Engine()))

    def slow(self) -> SlowEngine:
        engine = SlowEngine()
        self.enterContext(mock.patch("chatbot.engines.tiers.tiers", return_value=[tier(engine)]))
        return engine

    async def test_the_engine_reads_what_the_reply_will_begin_with(self) -> None:
        read = Ahead()
        read.follow(of(DRAFT))
        await until(lambda: read.task and read.task.done())
        [*_, last] = self.generator.prompts
        whole = prompt.messages(QUESTION, list(read.records), [])
        self.assertEqual(last[:-1], whole[:-1])
        self.assertTrue(content(whole).startswith(content(last)))
        self.assertIn("QUESTION: when was", content(last))

    async def test_before_anything_is_typed_the_rules_and_the_newest_records_are_read(self) -> None:
        read = Ahead()
        with mock.patch("chatbot.reply.ahead.read_newest") as newest:
            read.follow(of(""))
            await until(lambda: read.task and read.task.done())
        newest.assert_called_once()
        *_, asked = self.generator.prompts
        self.assertEqual(asked, prompt.BEGINNING[: len(asked) - 1] + asked[-1:])

    @override_settings(MASK_FOR_MODEL=True)
    async def test_by_setting_the_engine_does_not_read_what_is_masked(self) -> None:
        read, said = Ahead(), (("customer", "my card is 4111 1111 1111 1111"),)
        for text in ("", "what is the total of 4111 1111 1111 1111 and of order 50001"):
            read.follow(lambda text=text: Turn(text, ALICE, history=said))
            await until(lambda: read.task and read.task.done())
        self.assertIn("[card]", str(self.generator.prompts))
        self.assertNotIn("4111", str(self.generator.prompts))

    async def test_one_thing_is_read_at_a_time_and_the_newest_words_count(self) -> None:
        engine, read = self.slow(), Ahead()
        read.follow(of("when was order"))
        await until(lambda: engine.reading)
        for text in (
            "when was order 50001",
            "within how many days can I return goods that do not fit?",
        ):
            read.follow(of(text))
        engine.go_on.set()
        await until(lambda: read.task and read.task.done())
        self.assertEqual(engine.most, 1)
        self.assertIn("QUESTION: within how", content(engine.prompts[-1]))

    async def test_bobs_reply_ends_what_is_read_for_alice_at_once(self) -> None:
        engine, read = self.slow(), Ahead()
        read.follow(of(DRAFT))
        await until(lambda: engine.reading)
        async with Ahead().place():
            await until(lambda: read.task and read.task.cancelled())
            self.assertEqual(engine.reading, 0)
            read.follow(of(QUESTION))
            self.assertTrue(self.queue.spare and self.queue.spare.done())

    async def test_alices_reply_lets_the_piece_at_hand_be_finished_and_no_other_begin(self) -> None:
        engine, read = self.slow(), Ahead()
        read.follow(of(DRAFT))
        await until(lambda: engine.reading)
        read.end()
        placed = asyncio.ensure_future(read.place().__aenter__())
        await asyncio.sleep(0)
        self.assertFalse(placed.done())
        engine.go_on.set()
        await placed
        self.assertEqual((len(engine.prompts), self.queue.inside), (1, 1))

    async def test_nothing_more_is_read_for_a_customer_who_leaves(self) -> None:
        engine = self.slow()
        ahead.typed("alice", of(DRAFT))
        await until(lambda: engine.reading)
        ahead.left("alice")
        await until(lambda: not engine.reading)
        self.assertEqual(ahead.taken("alice").records, ())

    async def test_of_a_customer_who_has_left_nothing_is_kept(self) -> None:
        engine = self.slow()
        ahead.typed("alice", of(DRAFT))
        await until(lambda: engine.reading)
        kept = weakref.ref(ahead._ahead["alice"])
        ahead.left("alice")
        await until(lambda: not engine.reading)
        gc.collect()
        self.assertIsNone(kept())

    async def test_what_is_read_for_alice_is_alices(self) -> None:
        for customer, theirs in ((ALICE, "Swift Parcel"), (BOB, "Harbour Freight")):
            ahead.typed(customer, of("which carrier brings my order", customer))
            await until(lambda: self.queue.spare and self.queue.spare.done())
            records = "".join(ahead.taken(customer).records)
            self.assertEqual(
                ["Swift Parcel" in records, "Harbour Freight" in records].count(True), 1
            )
            self.assertIn(theirs, records)


def everything() -> str:
    """All rows of all tables."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        return str([cursor.execute(f'SELECT * FROM "{t}"').fetchall() for t in tables])


class SocketTests(SocketTestCase):
    async def typing(self, text: str) -> Socket:
        socket = await self.join()
        await until(idle)
        self.generator.prompts.clear()
        await socket.say(type="ahead", text=text)
        await socket.say(type="ping", n=1)
        await socket.until(type="pong")
        await until(idle)
        return socket

    async def allow(self) -> None:
        await Inbox.objects.aupdate(read_ahead=True)

    async def test_the_widget_of_an_inbox_that_did_not_allow_it_is_not_asked(self) -> None:
        await self.typing(DRAFT)
        self.assertFalse(self.welcome["ahead"])
        self.assertEqual(self.generator.prompts, [])

    async def test_the_reply_uses_what_was_read(self) -> None:
        await self.allow()
        socket = await self.typing(DRAFT)
        self.assertTrue(self.welcome["ahead"])
        *_, read = self.generator.prompts
        await socket.say(type="message", id="m1", text=QUESTION)
        await socket.until(type="reply", state="done")
        self.assertTrue(content(self.generator.prompts[-1]).startswith(content(read)))

    async def test_what_was_typed_is_in_no_table_no_log_and_no_news(self) -> None:
        await self.allow()
        secret = "zanzibar is my secret, when was order 50001 shipped and by whom"
        with (
            self.assertLogs(level=logging.DEBUG) as logs,
            mock.patch.object(hints, "send", wraps=hints.send) as news,
        ):
            logging.getLogger("attune").debug("so that there is one")
            await self.typing(secret)
        self.assertIn("zanzibar", str(self.generator.prompts))
        self.assertNotIn("zanzibar", str(logs.output))
        news.assert_not_called()
        self.assertNotIn("zanzibar", await database_sync_to_async(everything)())

    async def test_too_many_drafts_are_skipped_and_the_chat_goes_on(self) -> None:
        await self.allow()
        socket = await self.join()
        with mock.patch("chatbot.widget.consumer.ahead.typed") as typed:
            for _ in range(80):
                await socket.say(type="ahead", text="when")
            await socket.say(type="ping", n=1)
            heard = await socket.until(type="pong")
        self.assertLess(typed.call_count, 80)
        self.assertEqual([frame for frame in heard if frame["type"] == "error"], [])

    async def test_a_socket_that_joins_another_conversation_leaves_nothing_behind(self) -> None:
        socket = await self.join()
        before = await Conversation.objects.aget()
        await socket.say(type="close")
        await socket.until(type="state", state="closed")
        await socket.say(type="hello", token=self.token, after=0)
        await socket.until(type="welcome")
        await until(idle)
        self.assertNotIn(before.id, ahead._ahead)

    async def test_an_agents_conversation_is_not_read_for(self) -> None:
        await self.allow()
        socket = await self.join()
        await self.until_state(socket)
        self.generator.prompts.clear()
        await socket.say(type="ahead", text=DRAFT)
        await socket.say(type="ping", n=1)
        await socket.until(type="pong")
        await until(idle)
        self.assertEqual(self.generator.prompts, [])
        self.assertFalse(await Reply.objects.aexists())

    async def until_state(self, socket: Socket) -> None:
        await until(idle)
        await Conversation.objects.aupdate(state=Conversation.State.AGENT)


def line(number: int, record: str = "a") -> Line:
    hit = Hit(record, "note", f"Note {record}", "", shared=True, score=0.0, meaning=0.0)
    return Line(hit, number, f"Line {number} of {record}.", 0.5, -float(number))


LINES = [line(number) for number in range(6)]


def test_what_was_read_stays_in_front_and_what_is_new_follows() -> None:
    read = prompt.records(LINES[:4])
    assert prompt.records(LINES[1:5], read) == [*read, "[Note a]\nLine 4 of a."]
    assert prompt.records(LINES[1:4], read) == read


def test_what_is_of_no_use_any_more_is_left_out() -> None:
    other = [line(number, "b") for number in range(3)]
    assert prompt.records(other, prompt.records(LINES)) == prompt.records(other)
    read = prompt.records([*LINES[:2], *other])
    assert prompt.records(LINES[:2], read) == read[:1]


def test_a_prompt_is_read_in_pieces_that_begin_alike() -> None:
    whole = prompt.messages("when does it arrive?", ["[Order 1]\n" + "Status: sent\n" * 60], [])
    pieces = list(prompt.pieces(whole, prompt.BEGINNING))
    assert len(content(whole)) - len(content(pieces[-1])) < prompt.LEAST_PIECE
    lengths = [len(content(piece)) for piece in pieces]
    assert lengths == sorted(lengths)
    assert all(b - a < 2 * prompt.PIECE for a, b in pairwise(lengths))
    assert all(content(whole).startswith(content(piece)) for piece in pieces)
    rules = list(prompt.pieces(whole, []))[: -len(pieces)]
    assert all(piece[-1]["role"] == "user" for piece in rules)
    more = prompt.messages("when does it arrive, and who brings it to me?", ["[Order 1]"], [])
    assert list(prompt.pieces(whole, whole)) == []
    assert list(prompt.pieces(more, [*more[:-1], {**more[-1], "content": "RECORDS"}])) == [more]
