"""Limits the concurrent generations of one process; further replies wait in a queue.

A conversation has one open reply, so first come, first served is fair between conversations.
"""

import asyncio
import statistics
import time
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
# The longest wait for a place, in seconds, judged by the pace of the last replies; and the most
# replies that may wait for each place. A longer wait helps nobody: a person is asked instead.
LONGEST_WAIT, LONGEST_QUEUE = 180.0, 20
# How many of the last replies set the pace.
REMEMBERED = 8

Notify = Callable[[int], Awaitable[None]]


class QueueFull(ServerBusy):
    """The queue is full, and retrying would make it longer."""


class Queue:
    def __init__(self, places: int) -> None:
        self.places = places
        self.inside = 0
        self.waiting: deque[asyncio.Future[None]] = deque()
        # Work that no customer waits for.
        self.spare: asyncio.Task[None] | None = None
        # Seconds that the last replies held their places.
        self.held: deque[float] = deque(maxlen=REMEMBERED)

    def while_idle(
        self, work: Callable[[], Coroutine[Any, Any, None]]
    ) -> asyncio.Task[None] | None:
        """Start work that is cancelled as soon as a reply asks for a place. Returns None if there
        are replies, or if such work is under way."""
        if self.inside or self.waiting or (self.spare and not self.spare.done()):
            return None
        self.spare = asyncio.create_task(work())
        return self.spare

    @asynccontextmanager
    async def place(self, notify: Notify | None = None) -> AsyncIterator[None]:
        """Wait for a place and hold it. Raises QueueFull if too many are waiting.

        notify: awaited with the number in the queue each time it changes.
        """
        if self.spare:
            self.spare.cancel()
        if self.inside < self.places and not self.waiting:
            self.inside += 1
        else:
            await self._wait(notify)
        began = time.monotonic()
        try:
            yield
        finally:
            self.held.append(time.monotonic() - began)
            self._leave()

    @property
    def longest(self) -> int:
        """Return how many may wait: as many as get a place in time at the pace of the last
        replies."""
        pace = statistics.median(self.held) if self.held else 0.0
        in_time = int(LONGEST_WAIT / pace) if pace else LONGEST_QUEUE
        return self.places * min(LONGEST_QUEUE, max(1, in_time))

    async def _wait(self, notify: Notify | None) -> None:
        if len(self.waiting) >= self.longest:
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
