"""What has changed, to every agent's page of this process: the rows are read once for all of them.

Hints come one by one and in bursts; those of a short moment share one look into the database.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from chatbot.console import rows
from chatbot.orm import in_thread

# Seconds. Less than anybody sees.
GATHERED = 0.05
Row = dict[str, Any]
Listener = Callable[[list[Row]], Awaitable[None]]


class Feed:
    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self._changed: set[UUID] = set()
        self._task: asyncio.Task[None] | None = None
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
            news = [row for row in found if self._told.get(row["id"]) != row]
            self._told |= {row["id"]: row for row in news}
            if news:
                await asyncio.gather(*(tell(news) for tell in list(self.listeners)))

    def leave(self, listener: Listener) -> None:
        self.listeners.discard(listener)
        if not self.listeners:
            self._told.clear()


feed = Feed()
