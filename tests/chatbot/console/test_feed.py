"""News for all pages of a process: heard and read once, however many watch."""

import asyncio
from typing import Any
from unittest import mock

import pytest
from channels.db import database_sync_to_async

from chatbot.console import rows
from chatbot.console.feed import Feed, News
from chatbot.conversation import agents, customers
from chatbot.wire import hints
from tests.chatbot.console.test_socket import ConsoleTestCase

pytestmark = pytest.mark.services


class FeedTests(ConsoleTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.feed, self.told = Feed(), list[str]()

    async def hear(self, news: list[News]) -> None:
        self.told += [one.row["id"] for one in news]

    async def look(self, **more: Any) -> None:
        await self.feed.take({"about": self.id, **more})
        await self.brought()

    async def brought(self) -> None:
        if self.feed._task:
            await self.feed._task
        await asyncio.gather(*self.feed._bringing.values())

    async def test_a_change_is_read_once_and_told_to_every_page(self) -> None:
        other: list[str] = []

        async def second(news: list[News]) -> None:
            other.extend(one.row["id"] for one in news)

        await self.feed.join(self.hear)
        await self.feed.join(second)
        with mock.patch.object(rows, "rows_of", wraps=rows.rows_of) as read:
            await self.look()
        self.assertEqual((self.told, other, read.call_count), ([self.id], [self.id], 1))

    async def test_a_hint_through_the_layer_is_heard(self) -> None:
        await self.feed.join(self.hear)
        await database_sync_to_async(agents.acknowledge)(self.conversation, self.dora)
        await hints.delivered()
        while not self.feed._task:
            await asyncio.sleep(0.01)
        await self.brought()
        self.assertEqual(self.told, [self.id])

    async def test_what_pages_know_is_not_read_again_when_lost_hints_are_looked_for(self) -> None:
        await self.feed.join(self.hear)
        await self.look(seq=1)
        with mock.patch.object(rows, "rows_of", wraps=rows.rows_of) as read:
            await self.look(seq=1)
            self.assertEqual(read.call_count, 0)
            await self.look(seq=2)
            self.assertEqual(read.call_count, 1)

    async def test_only_so_many_rows_are_remembered(self) -> None:
        with mock.patch("chatbot.console.feed.REMEMBERED", 2):
            self.feed._remember([{"id": name} for name in "abc"])
            self.feed._remember([{"id": "b"}, {"id": "d"}])
        self.assertEqual(list(self.feed._latest), ["b", "d"])

    async def test_a_page_that_reads_slowly_holds_up_nobody(self) -> None:
        reads, read = asyncio.Event(), list[int]()

        async def slow(news: list[News]) -> None:
            await reads.wait()
            read.extend(one.row["seq"] for one in news)

        await self.feed.join(slow)
        await self.feed.join(self.hear)
        for number in range(3):
            say = database_sync_to_async(customers.receive)
            await say(self.conversation, f"s{number}", "still terrible")
            await self.feed.take({"about": self.id})
            assert self.feed._task
            await self.feed._task
            await asyncio.sleep(0)
        self.assertEqual(len(self.told), 3)
        reads.set()
        await self.brought()
        self.assertEqual(read, [2, 4], "what changed in between came once, as it is now")

    async def test_without_a_page_nothing_is_read(self) -> None:
        await self.feed.join(self.hear)
        await self.feed.leave(self.hear)
        await self.look()
        self.assertEqual(self.told, [])
