"""Limits the concurrent generations of one process; further replies wait in a queue.

A conversation has one open reply, so first come, first served is fair between conversations.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from chatbot.models import Reply
from inference.generation.client import ServerBusy

# Seconds between two looks at a reply's place in the queue.
LOOKED_AT_EVERY = 2.0
# Waiting replies for each place. A longer wait helps nobody: a person is asked instead.
LONGEST_QUEUE = 20

Notify = Callable[[int], Awaitable[None]]


class QueueFull(ServerBusy):
    """The queue is full, and retrying would make it longer."""


class Queue:
    def __init__(self, places: int) -> None:
        self.places = places
        self.inside = 0
        self.waiting: deque[asyncio.Future[None]] = deque()
        # Work that no customer waits for.
        self.spare: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        return not self.inside and not self.waiting

    def while_idle(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start work that the next reply to ask for a place ends."""
        task = asyncio.create_task(work)
        self.spare.add(task)
        task.add_done_callback(self.spare.discard)
        return task

    @asynccontextmanager
    async def place(self, notify: Notify | None = None) -> AsyncIterator[None]:
        """Wait for a place and hold it. Raises QueueFull if too many are waiting.

        notify: awaited with the number in the queue each time it changes.
        """
        for task in self.spare:
            task.cancel()
        if self.inside < self.places and not self.waiting:
            self.inside += 1
        else:
            await self._wait(notify)
        try:
            yield
        finally:
            self._leave()

    async def _wait(self, notify: Notify | None) -> None:
        if len(self.waiting) >= LONGEST_QUEUE * self.places:
            raise QueueFull("Too many customers are waiting for an answer.", None)
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(called)
        last = 0
        try:
            while not called.done():
                number = self.waiting.index(called) + 1
                if notify and number != last:
                    last = number
                    await notify(number)
                await asyncio.wait([called], timeout=LOOKED_AT_EVERY)
        except BaseException:
            self._give_up(called)
            raise

    def _give_up(self, called: asyncio.Future[None]) -> None:
        if called.done():
            self._leave()
        else:
            self.waiting.remove(called)

    def _leave(self) -> None:
        """Pass the place on to the next in the queue, if there is one."""
        if self.waiting:
            self.waiting.popleft().set_result(None)
        else:
            self.inside -= 1


@cache
def queue() -> Queue:
    """Return the queue in which this process's replies wait for the language model."""
    return Queue(settings.GENERATIONS)


def idle_places() -> int:
    """Return how many questions may be asked now that no customer waits for: customers' replies
    come first, and where there are several places, one stays free for the next customer."""
    open_replies = Reply.objects.filter(status__in=[Reply.Status.PENDING, Reply.Status.RUNNING])
    return max(0, max(1, settings.GENERATIONS - 1) - open_replies.count())


@receiver(setting_changed)
def forget(*, setting: str, **_: Any) -> None:
    if setting == "GENERATIONS":
        queue.cache_clear()
