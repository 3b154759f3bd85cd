"""Hints that there is news: through the channel layer to every process, and never relied on.

What counts is in the database; a socket that gets a hint fetches what it misses. While the layer
is away, the sockets of this process are told directly, and once it is back all of them look.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Coroutine
from contextvars import Context, copy_context
from typing import Any, Protocol
from uuid import UUID

from channels.layers import get_channel_layer

logger = logging.getLogger("attune.hints")
# Seconds. A layer that hangs must not hold up an acknowledgement.
PATIENCE, REST, WATCHED_EVERY = 1.0, 5.0, 2.0
_away_until = 0.0


class Listener(Protocol):
    """A socket's consumer."""

    channel_name: str

    async def take(self, event: dict[str, Any]) -> None: ...


# Each with the context it runs in: the announcer's own would tie it to the announcer's thread.
_here: dict[UUID, dict[Listener, Context]] = defaultdict(dict)
_told: set[asyncio.Task[None]] = set()


def group(conversation: UUID) -> str:
    return f"conversation.{conversation}"


async def join(conversation: UUID, listener: Listener) -> None:
    _here[conversation][listener] = copy_context()
    await carried(get_channel_layer().group_add(group(conversation), listener.channel_name))


async def leave(conversation: UUID, listener: Listener) -> None:
    _here[conversation].pop(listener, None)
    if not _here[conversation]:
        del _here[conversation]
    await carried(get_channel_layer().group_discard(group(conversation), listener.channel_name))


async def send(conversation: UUID, event: dict[str, Any]) -> None:
    """To every socket of the conversation; where the layer fails, to those of this process."""
    if not await carried(get_channel_layer().group_send(group(conversation), event)):
        for listener, context in _here.get(conversation, {}).items():
            # Not awaited: whoever announces holds a database thread, and a listener needs one.
            task = asyncio.create_task(listener.take(event), context=context.copy())
            _told.add(task)
            task.add_done_callback(_told.discard)


async def carried(call: Coroutine[Any, Any, Any]) -> bool:
    """Whether the layer took it. After a failure it is left alone for a while."""
    global _away_until
    if time.monotonic() < _away_until:
        call.close()
        return False
    try:
        async with asyncio.timeout(PATIENCE):
            await call
    except Exception as error:
        _away_until = time.monotonic() + REST
        logger.warning("the channel layer is away: %r", error)
        return False
    return True


async def watch_for_ever() -> None:
    """What the layer carried while it was away is lost: afterwards every socket looks."""
    away = False
    while True:
        await asyncio.sleep(WATCHED_EVERY)
        event = {"type": "conversation.news"}
        was_away, away = away, not await carried(get_channel_layer().group_send("nobody", event))
        if was_away and not away:
            logger.warning("the channel layer is back")
            await look_again()


async def look_again() -> None:
    for conversation, listeners in list(_here.items()):
        for listener in list(listeners):
            await join(conversation, listener)
            await listener.take({"type": "conversation.news"})
