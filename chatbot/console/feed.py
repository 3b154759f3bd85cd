"""What has changed, to every agent's page of this process: hints are heard, and rows are read, once
for all of them.

Hints come one by one and in bursts; those of a short moment share one look into the database.
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
from channels.layers import get_channel_layer
from django.utils import timezone

from chatbot.console import rows
from chatbot.models import Conversation
from chatbot.wire import hints
from crm.plumbing.threads import in_thread

logger = logging.getLogger("attune.console")
# Seconds. Less than anybody sees.
GATHERED = 0.02
WAKES_EVERY = 10.0
# Rows that are remembered: pages stay open for days.
REMEMBERED = 5_000
Row = dict[str, Any]


@dataclass(frozen=True)
class News:
    """A row that has changed, and as JSON: written once for all pages."""

    row: Row
    text: str


Listener = Callable[[list[News]], Awaitable[None]]


class Feed:
    """A listener to news of every conversation, for as long as the process lives."""

    channel_name = ""
    sent = 0

    def __init__(self) -> None:
        # Each with the news that it has not been told yet, by row.
        self.listeners: dict[Listener, dict[str, News]] = {}
        self._bringing: dict[Listener, asyncio.Task[None]] = {}
        self._changed: set[UUID] = set()
        self._task: asyncio.Task[None] | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        # As the pages here were last told: the look for lost hints finds what they know.
        self._told: dict[str, Row] = {}

    def changed(self, conversation: UUID) -> None:
        self._changed.add(conversation)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self._changed:
            await asyncio.sleep(GATHERED)
            ids, self._changed = self._changed, set()
            found = await in_thread(rows.rows_of, ids)
            fresh = [row for row in found if self._told.get(row["id"]) != row]
            self._remember(fresh)
            news = {row["id"]: News(row, json.dumps(row, ensure_ascii=False)) for row in fresh}
            for listener, untold in self.listeners.items():
                untold |= news
                if untold and listener not in self._bringing:
                    self._bringing[listener] = asyncio.create_task(self._bring(listener))

    async def _bring(self, listener: Listener) -> None:
        """Each page at its own pace: one that reads slowly holds up nobody, and is spared what has
        changed again meanwhile."""
        try:
            while untold := self.listeners.get(listener):
                self.listeners[listener] = {}
                await listener(list(untold.values()))
        except (StopConsumer, OSError):
            pass  # It has gone, or read nothing for too long and was closed.
        finally:
            del self._bringing[listener]

    def _remember(self, fresh: list[Row]) -> None:
        for row in fresh:
            self._told.pop(row["id"], None)
            self._told[row["id"]] = row
        for oldest in list(self._told)[:-REMEMBERED]:
            del self._told[oldest]

    async def join(self, listener: Listener) -> None:
        self.listeners[listener] = {}
        if self._hearing is None or self._hearing.done():
            self._ready = asyncio.Event()
            self._hearing = asyncio.create_task(self._hear())
            self._waking = asyncio.create_task(self._wake())
        await self._ready.wait()

    async def _hear(self) -> None:
        layer = get_channel_layer()
        self.channel_name = await layer.new_channel()
        await hints.join(hints.EVERYTHING, self)
        self._ready.set()
        while True:
            await self.take(await layer.receive(self.channel_name))

    async def take(self, event: dict[str, Any]) -> None:
        """A hint with a seq is a look for those that were lost: most of them were not."""
        told = self._told.get(event["about"], {"seq": -1})
        if self.listeners and ("seq" not in event or event["seq"] > told["seq"]):
            self.changed(UUID(event["about"]))

    async def _wake(self) -> None:
        """A snooze that ends is no change in the database: it is looked for."""
        since = timezone.now()
        while True:
            await asyncio.sleep(WAKES_EVERY)
            now = timezone.now()
            try:
                for conversation in await in_thread(woken, since, now):
                    self.changed(conversation)
                since = now
            except Exception as error:
                # The database may be away for a moment; the next look goes back as far.
                logger.warning("no look for snoozes that end: %s", error)

    def leave(self, listener: Listener) -> None:
        self.listeners.pop(listener, None)
        if not self.listeners:
            self._told.clear()


def woken(since: datetime, until: datetime) -> list[UUID]:
    found = Conversation.objects.filter(snoozed_until__gt=since, snoozed_until__lte=until)
    return list(found.values_list("id", flat=True))


feed = Feed()
