"""Hints to sockets that a conversation has news.

A socket of this process gets them directly, those of other processes through Redis. Hints may be
lost. Only the database counts: a socket that gets a hint fetches what it has missed from there.
Every few seconds, each process looks in the database for news whose hints were lost.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils import timezone

from chatbot.models import Conversation
from chatbot.wire.bus import Bus, publish_at_once
from crm.plumbing import threads
from crm.plumbing.tick import Job

# Seconds from one look for lost hints to the next, and how far each reaches back behind the last
# one: clocks differ, and commits take time.
LOOKS_EVERY, LOOKS_BACK = 2.0, timedelta(seconds=20)
# No conversation has this id. Listeners that join it hear which conversations have news.
EVERYTHING = UUID(int=0)
# Each conversation has two channels: agents' lists get all news, by a pattern, but no live events.
NEWS, LIVE = "attune:news:", "attune:live:"
# Tells the other processes with sockets in a conversation that this one now has some, too.
JOINED = b"joined"


class Listener(Protocol):
    """A socket's consumer."""

    # The last seq that its client has been sent.
    sent: int

    def take(self, event: dict[str, Any]) -> Coroutine[Any, Any, None]: ...


@dataclass
class Home:
    """The event loop of this process's sockets, and its bus, if there are other processes."""

    loop: asyncio.AbstractEventLoop
    bus: Bus | None
    # Conversations whose last news reached no other process, and which none has joined since: their
    # live events are not published.
    alone: set[UUID] = field(default_factory=set)

    def count(self, conversation: UUID, heard: int) -> None:
        """Note whether another process listens. heard: how many subscriptions the news went to,
        this process's own included."""
        own = (conversation in _here) + (EVERYTHING in _here)
        if self.bus and self.bus.hears and conversation in _here and heard <= own:
            self.alone.add(conversation)
        else:
            self.alone.discard(conversation)


_home: Home | None = None
# Each listener with its own context: the announcer's would tie it to the announcer's thread.
_here: dict[UUID, dict[Listener, Context]] = defaultdict(dict)
_under_way: set[asyncio.Task[None]] = set()


def home() -> Home:
    global _home
    loop = asyncio.get_running_loop()
    if _home is None or _home.loop is not loop:
        # The sockets of another loop have ended with it.
        _here.clear()
        _home = Home(loop, Bus(wanted, hear) if settings.REDIS_URL else None)
    return _home


def channels(conversation: UUID) -> list[str]:
    if conversation == EVERYTHING:
        return [f"{NEWS}*"]
    return [f"{NEWS}{conversation}", f"{LIVE}{conversation}"]


def wanted() -> list[str]:
    return [channel for conversation in _here for channel in channels(conversation)]


async def join(conversation: UUID, listener: Listener) -> None:
    bus, first = home().bus, conversation not in _here
    _here[conversation][listener] = copy_context()
    if bus and first:
        await bus.subscribe(channels(conversation))
        if conversation != EVERYTHING:
            bus.publish(f"{LIVE}{conversation}", JOINED)


async def leave(conversation: UUID, listener: Listener) -> None:
    bus, listeners = home().bus, _here.get(conversation, {})
    if listener not in listeners:
        return
    del listeners[listener]
    if not listeners:
        del _here[conversation]
        home().alone.discard(conversation)
        if bus:
            await bus.unsubscribe(channels(conversation))


def announce(conversation: UUID, event: dict[str, Any]) -> None:
    """Send an event from any thread. A process that has sockets does not wait for Redis."""
    if _home and not _home.loop.is_closed():
        _home.loop.call_soon_threadsafe(_spread, _home, conversation, event)
    elif settings.REDIS_URL:
        publish_at_once(channel_of(conversation, event), msgspec.json.encode(event))


async def send(conversation: UUID, event: dict[str, Any]) -> None:
    """Send an event to every socket of the conversation, and news also to those of EVERYTHING."""
    if _home and _home.loop is asyncio.get_running_loop():
        _spread(_home, conversation, event)
    else:
        announce(conversation, event)


def _spread(home: Home, conversation: UUID, event: dict[str, Any]) -> None:
    deliver_here(conversation, event)
    if event["type"] == "conversation.news":
        deliver_here(EVERYTHING, {"type": "console.news", "about": str(conversation)})
    if not home.bus:
        return
    channel = channel_of(conversation, event)
    if channel.startswith(NEWS):
        home.bus.publish(channel, msgspec.json.encode(event), partial(home.count, conversation))
    elif conversation not in home.alone:
        home.bus.publish(channel, msgspec.json.encode(event))


def channel_of(conversation: UUID, event: dict[str, Any]) -> str:
    return f"{NEWS if event['type'] == 'conversation.news' else LIVE}{conversation}"


def hear(channel: str, event: bytes, by_pattern: bool) -> None:
    """Take an event from another process."""
    conversation = UUID(channel.rpartition(":")[2])
    if event == JOINED:
        home().alone.discard(conversation)
    elif by_pattern:
        deliver_here(EVERYTHING, {"type": "console.news", "about": str(conversation)})
    else:
        deliver_here(conversation, msgspec.json.decode(event))


def deliver(conversation: UUID, listener: Listener, event: dict[str, Any]) -> None:
    """Pass an event to a socket of this process. Not awaited: a client that reads slowly must not
    delay the others."""
    context = _here[conversation][listener].copy()
    call = listener.take({**event, "conversation": str(conversation)})
    task = asyncio.create_task(call, context=context)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def delivered() -> None:
    """Wait, before a loop ends, until everything that was announced has been sent."""
    await asyncio.gather(*_under_way, return_exceptions=True)
    if _home and _home.bus and _home.bus.sending:
        await _home.bus.sending


def here() -> dict[UUID, set[int]]:
    """Map each conversation to the ids of its sockets in this process; a page that was reloaded has
    a new socket."""
    conversations = {conversation: set(map(id, sockets)) for conversation, sockets in _here.items()}
    conversations.pop(EVERYTHING, None)
    return conversations


def deliver_here(conversation: UUID, event: dict[str, Any]) -> None:
    for listener in list(_here.get(conversation, ())):
        deliver(conversation, listener, event)


class Looks:
    """Looks for lost hints. Each look reaches back to the last one that succeeded, so that no
    message is missed while the database is away."""

    def __init__(self) -> None:
        self.looked = timezone.now()

    async def look(self) -> None:
        now = timezone.now()
        await look(self.looked)
        self.looked = now


def job() -> Job:
    return Job(LOOKS_EVERY, Looks().look, "could not look for lost hints")


async def look(looked: datetime) -> None:
    """Send hints to the sockets whose conversations have messages that they have not sent.

    looked: the time of the last look.
    """
    for conversation, last_seq, state in await threads.in_thread(continued, looked - LOOKS_BACK):
        for listener in list(_here.get(conversation, ())):
            if listener.sent < last_seq:
                deliver(conversation, listener, {"type": "conversation.news", "state": state})
        for listener in list(_here.get(EVERYTHING, ())):
            about = {"about": str(conversation), "seq": last_seq}
            deliver(EVERYTHING, listener, {"type": "console.news", **about})


def continued(since: datetime) -> list[tuple[UUID, int, str]]:
    """List the conversations with new messages as (id, last seq, state). The state is included
    because a message announces when an agent takes a conversation over or closes it."""
    rows = Conversation.objects.filter(last_message_at__gt=since)
    return list(rows.values_list("id", "last_seq", "state"))
