"""What has changed, to every agent's page of this process: the rows are read once for all of them.

Hints come one by one and in bursts; those of a short moment share one look into the database.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from chatbot.console import rows
from chatbot.models import Conversation
from crm.orm import in_thread

# Seconds. Less than anybody sees.
GATHERED = 0.05
WAKES_EVERY = 10.0
Row = dict[str, Any]


@dataclass(frozen=True)
class News:
    """A row that has changed, and as JSON: written once for all pages."""

    row: Row
    text: str


Listener = Callable[[list[News]], Awaitable[None]]


class Feed:
    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self._changed: set[UUID] = set()
        self._task: asyncio.Task[None] | None = None
        self._waking: asyncio.Task[None] | None = None
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
            found = await in_thread(rows.rows_of)(ids)
            fresh = [row for row in found if self._told.get(row["id"]) != row]
            self._told |= {row["id"]: row for row in fresh}
            news = [News(row, json.dumps(row, ensure_ascii=False)) for row in fresh]
            if news:
                await asyncio.gather(*(tell(news) for tell in list(self.listeners)))

    def join(self, listener: Listener) -> None:
        self.listeners.add(listener)
        if self._waking is None or self._waking.done():
            self._waking = asyncio.create_task(self._wake())

    async def _wake(self) -> None:
        """A snooze that ends is no change in the database: it is looked for."""
        since = timezone.now()
        while self.listeners:
            await asyncio.sleep(WAKES_EVERY)
            now = timezone.now()
            for conversation in await in_thread(woken)(since, now):
                self.changed(conversation)
            since = now

    def leave(self, listener: Listener) -> None:
        self.listeners.discard(listener)
        if not self.listeners:
            self._told.clear()


def woken(since: datetime, until: datetime) -> list[UUID]:
    found = Conversation.objects.filter(snoozed_until__gt=since, snoozed_until__lte=until)
    return list(found.values_list("id", flat=True))


feed = Feed()
