"""Hints to sockets that a conversation has news, sent to every process through the channel layer.

Hints may be lost. What counts is in the database: a socket that gets a hint fetches what it has
missed. While the layer is away, hints reach the sockets of this process only. Every few seconds
each process looks into the database for news whose hints were lost.
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
# How far each look reaches back behind the last one: clocks differ, and commits take time.
LOOKS_BACK = timedelta(seconds=20)
_away_until = 0.0
# No conversation has this id. Listeners that join it hear which conversations have news.
EVERYTHING = UUID(int=0)


class Listener(Protocol):
    """A socket's consumer."""

    channel_name: str
    # The last seq that its client has been sent.
    sent: int

    async def take(self, event: dict[str, Any]) -> None: ...


# Each listener with its own context: the announcer's would tie it to the announcer's thread.
_here: dict[UUID, dict[Listener, Context]] = defaultdict(dict)
_under_way: set[asyncio.Task[None]] = set()


def group(conversation: UUID) -> str:
    return f"conversation.{conversation}"


async def join(conversation: UUID, listener: Listener) -> None:
    _here[conversation][listener] = copy_context()
    await accepted(get_channel_layer().group_add(group(conversation), listener.channel_name))


async def leave(conversation: UUID, listener: Listener) -> None:
    _here[conversation].pop(listener, None)
    if not _here[conversation]:
        del _here[conversation]
    await accepted(get_channel_layer().group_discard(group(conversation), listener.channel_name))


def announce(conversation: UUID, event: dict[str, Any]) -> None:
    """Send an event from a thread of the ORM without waiting: Redis must not delay a commit."""
    if (loop := threads.loop.get()) is None:
        async_to_sync(send)(conversation, event)
    else:
        loop.call_soon_threadsafe(lambda: _start(send(conversation, event)))


async def send(conversation: UUID, event: dict[str, Any]) -> None:
    """Send an event to every socket of the conversation, and news also to those of EVERYTHING."""
    await send_to_group(conversation, event)
    if event["type"] == "conversation.news":
        await send_to_group(EVERYTHING, {"type": "console.news", "about": str(conversation)})


async def send_to_group(conversation: UUID, event: dict[str, Any]) -> None:
    """Send an event through the layer; if that fails, to the sockets of this process."""
    event = {**event, "conversation": str(conversation)}
    if not await accepted(get_channel_layer().group_send(group(conversation), event)):
        deliver_here(conversation, event)


def deliver(conversation: UUID, listener: Listener, event: dict[str, Any]) -> None:
    """Pass an event to a socket of this process. Not awaited: a client that reads slowly must not
    delay the others."""
    context = _here[conversation][listener].copy()
    _start(listener.take(event), context)


def _start(call: Coroutine[Any, Any, None], context: Context | None = None) -> None:
    task = asyncio.create_task(call, context=context)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def delivered() -> None:
    """Wait, before a loop ends, until everything that was announced has been sent."""
    await asyncio.gather(*_under_way, return_exceptions=True)


async def accepted(call: Coroutine[Any, Any, Any]) -> bool:
    """Say whether the layer accepted the call. After a failure the layer is not called for a
    while."""
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
        if await accepted(probe) and _away_until != mended:
            mended = _away_until
            await join_again()
            logger.warning("the channel layer is back")
        try:
            looked = await look(looked)
        except Exception as error:
            # The database may be away for a moment, and the next look is soon.
            logger.warning("could not look for lost hints: %s", error)


def here() -> dict[UUID, set[int]]:
    """Map each conversation to the ids of its sockets in this process; a page that was reloaded has
    a new socket."""
    conversations = {conversation: set(map(id, sockets)) for conversation, sockets in _here.items()}
    conversations.pop(EVERYTHING, None)
    return conversations


def deliver_here(conversation: UUID, event: dict[str, Any]) -> None:
    for listener in list(_here.get(conversation, ())):
        deliver(conversation, listener, {**event, "conversation": str(conversation)})


async def join_again() -> None:
    """Join all groups again: those joined while the layer was away receive nothing."""
    for conversation, listeners in list(_here.items()):
        for listener in list(listeners):
            await join(conversation, listener)


async def look(looked: datetime) -> datetime:
    """Send hints to the sockets whose conversations have messages that they have not sent.

    looked: the time of the last look that succeeded, so that no message is missed while the
    database is away. Returns the time of this one.
    """
    now = timezone.now()
    for conversation, last_seq, state in await threads.in_thread(continued, looked - LOOKS_BACK):
        for listener in list(_here.get(conversation, ())):
            if listener.sent < last_seq:
                deliver(conversation, listener, {"type": "conversation.news", "state": state})
        for listener in list(_here.get(EVERYTHING, ())):
            about = {"about": str(conversation), "seq": last_seq}
            deliver(EVERYTHING, listener, {"type": "console.news", **about})
    return now


def continued(since: datetime) -> list[tuple[UUID, int, str]]:
    """List the conversations with new messages as (id, last seq, state). The state is included
    because a message announces when an agent takes a conversation over or closes it."""
    rows = Conversation.objects.filter(last_message_at__gt=since)
    return list(rows.values_list("id", "last_seq", "state"))
