"""The feed of changed rows to all agents' pages of this process, which hears each hint and reads
each row only once.

Hints come one by one and in bursts; hints within a short time share one query.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from channels.exceptions import StopConsumer
from django.utils import timezone

from chatbot.console import rows
from chatbot.models import Conversation
from chatbot.wire import hints
from crm.plumbing.threads import in_thread

logger = logging.getLogger("attune.console")
# Seconds; too short for anybody to notice.
GATHERED = 0.02
WAKES_EVERY = 10.0
# The most rows to remember: pages stay open for days.
REMEMBERED = 5_000
Row = dict[str, Any]


@dataclass(frozen=True)
class News:
    """A changed row, and its JSON, which is written once for all pages."""

    row: Row
    text: str


Listener = Callable[[list[News]], Awaitable[None]]


class Feed:
    """The process's listener for news of all conversations."""

    sent = 0

    def __init__(self) -> None:
        # Each listener's pending news, by row id.
        self.listeners: dict[Listener, dict[str, News]] = {}
        self._bringing: dict[Listener, asyncio.Task[None]] = {}
        self._changed: set[UUID] = set()
        self._task: asyncio.Task[None] | None = None
        self._waking: asyncio.Task[None] | None = None
        # The rows as the pages last got them: a repeated hint then needs no query.
        self._latest: dict[str, Row] = {}

    def changed(self, conversation: UUID) -> None:
        self._changed.add(conversation)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._notify())

    async def _notify(self) -> None:
        while self._changed:
            await asyncio.sleep(GATHERED)
            ids, self._changed = self._changed, set()
            current = await in_thread(rows.rows_of, ids)
            fresh = [row for row in current if self._latest.get(row["id"]) != row]
            self._remember(fresh)
            news = {row["id"]: News(row, json.dumps(row, ensure_ascii=False)) for row in fresh}
            for listener, pending in self.listeners.items():
                pending |= news
                if pending and listener not in self._bringing:
                    self._bringing[listener] = asyncio.create_task(self._bring(listener))

    async def _bring(self, listener: Listener) -> None:
        """Send a page its pending news at its own pace. A slow page holds up nobody, and skips
        versions of a row that have changed again."""
        try:
            while pending := self.listeners.get(listener):
                self.listeners[listener] = {}
                await listener(list(pending.values()))
        except (StopConsumer, OSError):
            pass  # The page has gone, or was closed because it read nothing for too long.
        finally:
            del self._bringing[listener]

    def _remember(self, fresh: list[Row]) -> None:
        for row in fresh:
            self._latest.pop(row["id"], None)
            self._latest[row["id"]] = row
        for oldest in list(self._latest)[:-REMEMBERED]:
            del self._latest[oldest]

    async def join(self, listener: Listener) -> None:
        self.listeners[listener] = {}
        await hints.join(hints.EVERYTHING, self)
        if self._waking is None or self._waking.done():
            self._waking = asyncio.create_task(self._wake())

    async def take(self, event: dict[str, Any]) -> None:
        """Note what changed. A hint with a seq repeats an earlier one in case that was lost; most
        were not, so the query is skipped if the pages have that message."""
        latest = self._latest.get(event["about"], {"seq": -1})
        if self.listeners and ("seq" not in event or event["seq"] > latest["seq"]):
            self.changed(UUID(event["about"]))

    async def _wake(self) -> None:
        """Look for snoozes that have ended: nothing in the database changes when they end."""
        since = timezone.now()
        while True:
            await asyncio.sleep(WAKES_EVERY)
            now = timezone.now()
            try:
                for conversation in await in_thread(woken, since, now):
                    self.changed(conversation)
                since = now
            except Exception as error:
                # The database may be down for a moment; the next query covers this time too.
                logger.warning("could not look for snoozes that end: %s", error)

    async def leave(self, listener: Listener) -> None:
        self.listeners.pop(listener, None)
        if not self.listeners:
            self._latest.clear()
            await hints.leave(hints.EVERYTHING, self)


def woken(since: datetime, until: datetime) -> list[UUID]:
    conversations = Conversation.objects.filter(snoozed_until__gt=since, snoozed_until__lte=until)
    return list(conversations.values_list("id", flat=True))


feed = Feed()
