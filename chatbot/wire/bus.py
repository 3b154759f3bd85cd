"""Carries events between processes through Redis' publish and subscribe.

Redis keeps none of them: what is published while it or a process is away is lost. A process needs
two connections, one to publish and one to listen. They are redis-py's, used without its client: an
event took 240 µs of CPU with the client and Channels' layer, and takes 145 µs with these
(2026-11-29, two shared AVX2 cores, others at work).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from uuid import uuid4

import redis
from django.conf import settings
from redis.asyncio import ConnectionPool
from redis.asyncio import retry as async_retry
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger("attune.hints")
# Seconds to wait for an answer from Redis; until it is tried again; and of silence before a ping
# asks whether it is still there.
PATIENCE, REST, SILENCE = 2.0, 5.0, 15.0
# Begins the events of a process that has no sockets, and so no events of its own to skip.
NOBODY = bytes(16)
FAILURES = (redis.RedisError, OSError)
# Called with the channel, the event, and whether it came by a pattern of channels.
Hear = Callable[[str, bytes, bool], None]
Counted = Callable[[int], None]


class Bus:
    """The bus in one event loop. Events that this process publishes do not come back to it.

    wanted: returns the channels to listen to, and patterns of channels, which end with "*".
    """

    def __init__(self, wanted: Callable[[], list[str]], hear: Hear) -> None:
        # Timeouts are set here, around whole exchanges: redis-py's would make a task for each.
        once = {"retry": async_retry.Retry(NoBackoff(), 0), "socket_timeout": None}
        pool = ConnectionPool.from_url(address(), protocol=2, **once)
        self.publisher, self.subscriber = pool.make_connection(), pool.make_connection()
        self.wanted, self.hear, self.own = wanted, hear, uuid4().bytes
        self.away_until, self.hears = 0.0, False
        self.waiting: list[tuple[tuple[str, str, bytes], Counted | None]] = []
        self.sending: asyncio.Task[None] | None = None
        self.hearing: asyncio.Task[None] | None = None
        # Set once the first attempt to connect to Redis has succeeded or failed.
        self.tried = asyncio.Event()

    def publish(self, channel: str, event: bytes, counted: Counted | None = None) -> None:
        """Publish an event without waiting. Events keep their order.

        counted: called with the number of subscriptions that it went to, this process's own
        included.
        """
        if time.monotonic() < self.away_until:
            return
        self.waiting.append((("PUBLISH", channel, self.own + event), counted))
        if self.sending is None or self.sending.done():
            self.sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        try:
            while batch := self.waiting:
                self.waiting = []
                async with asyncio.timeout(PATIENCE):
                    commands = [command for command, _ in batch]
                    await self.publisher.send_packed_command(self.publisher.pack_commands(commands))
                    for _, counted in batch:
                        heard = await self.publisher.read_response()
                        if counted:
                            counted(heard)
        except FAILURES as error:
            self.waiting.clear()
            # Answers that were not read would be taken for those to later commands.
            await self.publisher.disconnect(nowait=True)
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.away_until = time.monotonic() + REST
        logger.warning("Redis is away, hints reach only the sockets of this process: %r", error)

    async def subscribe(self, channels: Iterable[str]) -> None:
        """Listen to these channels, which are among the wanted ones, from now on; or, if Redis is
        away, once it is back."""
        if self.hearing is None:
            self.hearing = asyncio.create_task(self._hear_for_ever())
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self.tried.wait()
        await self._tell("SUBSCRIBE", channels)

    async def unsubscribe(self, channels: Iterable[str]) -> None:
        await self._tell("UNSUBSCRIBE", channels)

    async def _tell(self, command: str, channels: Iterable[str]) -> None:
        if not self.hears:
            return
        by_command: dict[str, list[str]] = {}
        for channel in channels:
            name = f"P{command}" if channel.endswith("*") else command
            by_command.setdefault(name, []).append(channel)
        with suppress(*FAILURES):  # The listening task meets the same failure.
            for name, some in by_command.items():
                await self.subscriber.send_command(name, *some)

    async def _hear_for_ever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self.subscriber.connect()
                    self.hears = True
                    await self._tell("SUBSCRIBE", self.wanted())
                self.tried.set()
                await self._listen()
            except Exception as error:  # Any: nobody begins to listen again if this ends.
                self.hears = False
                await self.subscriber.disconnect(nowait=True)
                self._failed(error)
                self.tried.set()
                await asyncio.sleep(REST)
                logger.warning("trying Redis again")

    async def _listen(self) -> None:
        silent = False
        while True:
            said = await self.subscriber.read_response(timeout=SILENCE)
            if said is None and silent:
                raise TimeoutError("it does not answer")
            if silent := said is None:
                await self.subscriber.send_command("PING")
            elif said == b"PONG":
                pass  # Without a subscription, Redis answers by this instead of a list.
            elif said[0].endswith(b"message") and not said[-1].startswith(self.own):
                channel, event = said[-2].decode(), said[-1][len(self.own) :]
                self.hear(channel, event, said[0] == b"pmessage")


def publish_at_once(channel: str, event: bytes) -> None:
    """Publish from a process that has no sockets, such as a worker."""
    try:
        _client().publish(channel, NOBODY + event)
    except redis.RedisError as error:
        logger.warning("Redis is away, nobody gets the hint: %r", error)


@cache
def _client() -> redis.Redis:
    wait = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    return redis.Redis.from_url(address(), retry=Retry(NoBackoff(), 0), **wait)


def address() -> str:
    return f"{settings.REDIS_URL}/0"
