"""Hints that there is news: through the channel layer to every process, and never relied on.

What counts is in the database; a socket that gets a hint fetches what it misses. While the layer
is away, the sockets of this process are told directly. A hint that was lost is made good by a look
into the database that each process takes every few seconds.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Coroutine
from contextvars import Context, copy_context
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.utils import timezone

from chatbot.models import Conversation
from crm.plumbing import threads

logger = logging.getLogger("attune.hints")
# Seconds. A layer that hangs must not hold up an acknowledgement.
PATIENCE, REST, LOOKS_EVERY = 2.0, 5.0, 2.0
# How far a look goes back before the last one: clocks differ, and a commit takes its time.
LOOKS_BACK = timedelta(seconds=20)
_away_until = 0.0
# No conversation has this id: whoever joins it hears which ones have news.
EVERYTHING = UUID(int=0)


class Listener(Protocol):
    """A socket's consumer."""

    channel_name: str
    # The last seq that its client has been sent.
    sent: int

    async def take(self, event: dict[str, Any]) -> None: ...


# Each with the context it runs in: the announcer's own would tie it to the announcer's thread.
_here: dict[UUID, dict[Listener, Context]] = defaultdict(dict)
_under_way: set[asyncio.Task[None]] = set()


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


def announce(conversation: UUID, event: dict[str, Any]) -> None:
    """From a thread of the ORM, which does not wait for it: Redis must not hold up a commit."""
    if (loop := threads.loop.get()) is None:
        async_to_sync(send)(conversation, event)
    else:
        loop.call_soon_threadsafe(lambda: _start(send(conversation, event)))


async def send(conversation: UUID, event: dict[str, Any]) -> None:
    """To every socket of the conversation, and news of it to those that hear of everything."""
    await bring(conversation, event)
    if event["type"] == "conversation.news":
        await bring(EVERYTHING, {"type": "console.news", "about": str(conversation)})


async def bring(conversation: UUID, event: dict[str, Any]) -> None:
    """Where the layer fails, to the sockets of this process."""
    event = {**event, "conversation": str(conversation)}
    if not await carried(get_channel_layer().group_send(group(conversation), event)):
        for listener in list(_here.get(conversation, ())):
            tell(conversation, listener, event)


def tell(conversation: UUID, listener: Listener, event: dict[str, Any]) -> None:
    """Not awaited: one client that reads slowly must not hold up the others."""
    context = _here[conversation][listener].copy()
    _start(listener.take(event), context)


def _start(call: Coroutine[Any, Any, None], context: Context | None = None) -> None:
    task = asyncio.create_task(call, context=context)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def delivered() -> None:
    """Before a loop ends: what was announced has left."""
    await asyncio.gather(*_under_way, return_exceptions=True)


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


async def look_for_ever() -> None:
    mended, looked = _away_until, timezone.now()
    while True:
        await asyncio.sleep(LOOKS_EVERY)
        probe = get_channel_layer().group_send("nobody", {"type": "conversation.news"})
        if await carried(probe) and _away_until != mended:
            mended = _away_until
            await join_again()
            logger.warning("the channel layer is back")
        try:
            looked = await look(looked)
        except Exception as error:
            # The database may be away for a moment; the next look is soon.
            logger.warning("no look for lost hints: %s", error)


def here() -> dict[UUID, set[int]]:
    """Conversations with a socket in this process, and which ones: a page that was loaded anew is
    another."""
    found = {conversation: set(map(id, sockets)) for conversation, sockets in _here.items()}
    found.pop(EVERYTHING, None)
    return found


def tell_here(conversation: UUID, event: dict[str, Any]) -> None:
    for listener in list(_here.get(conversation, ())):
        tell(conversation, listener, {**event, "conversation": str(conversation)})


async def join_again() -> None:
    """A group that was joined while the layer was away does not hear."""
    for conversation, listeners in list(_here.items()):
        for listener in list(listeners):
            await join(conversation, listener)


async def look(looked: datetime) -> datetime:
    """Sockets whose conversation has gone on without them fetch what they miss. Takes when the
    look before was, so that none is left out while the database is away, and returns its own."""
    now = timezone.now()
    for conversation, last_seq, state in await threads.in_thread(gone_on, looked - LOOKS_BACK):
        for listener in list(_here.get(conversation, ())):
            if listener.sent < last_seq:
                tell(conversation, listener, {"type": "conversation.news", "state": state})
        for listener in list(_here.get(EVERYTHING, ())):
            about = {"about": str(conversation), "seq": last_seq}
            tell(EVERYTHING, listener, {"type": "console.news", **about})
    return now


def gone_on(since: datetime) -> list[tuple[UUID, int, str]]:
    """With the state: who has taken a conversation over, or closed it, said so in a message."""
    found = Conversation.objects.filter(last_message_at__gt=since)
    return list(found.values_list("id", "last_seq", "state"))
