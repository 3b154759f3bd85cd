"""So many generations at a time in one process; whoever comes later waits in line.

A conversation has one open reply, so first come, first served is fair between conversations.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from inference.generation.client import ServerBusy

# Seconds between two looks at one's place in the line.
LOOKED_AT_EVERY = 2.0
# Longer waits help nobody: a person is asked instead.
LONGEST_LINE = 20

Tell = Callable[[int], Awaitable[None]]


class Line:
    def __init__(self, places: int) -> None:
        self.places = places
        self.inside = 0
        self.waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def place(self, tell: Tell) -> AsyncIterator[None]:
        """tell: is awaited with one's number in the line, as often as it changes.

        Raises ServerBusy where the line is too long.
        """
        if self.inside < self.places and not self.waiting:
            self.inside += 1
        else:
            await self._wait(tell)
        try:
            yield
        finally:
            self._leave()

    async def _wait(self, tell: Tell) -> None:
        if len(self.waiting) >= LONGEST_LINE * self.places:
            raise ServerBusy("Too many customers wait for an answer.", None)
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(called)
        told = 0
        try:
            while not called.done():
                if (number := self.waiting.index(called) + 1) != told:
                    told = number
                    await tell(number)
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
        """The place goes to the next in line, if there is one."""
        if self.waiting:
            self.waiting.popleft().set_result(None)
        else:
            self.inside -= 1


@cache
def line() -> Line:
    """Where replies of this process wait for the language model."""
    return Line(settings.GENERATIONS)


@receiver(setting_changed)
def forget(*, setting: str, **_: Any) -> None:
    if setting == "GENERATIONS":
        line.cache_clear()
