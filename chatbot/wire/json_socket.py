"""A socket that speaks JSON frames: parse or refuse, never fail, never wait for a slow reader."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from chatbot.wire import protocol
from chatbot.wire.errors import Refused
from chatbot.wire.limits import TokenBucket
from chatbot.wire.protocol import Error
from crm.plumbing import troubles

logger = logging.getLogger("attune.socket")
MAX_REFUSALS = 20
RETRY_AFTER = 5
# Seconds in which a client must read what it is sent.
READ_WITHIN = 15
GONE, UNAUTHORIZED, FORBIDDEN, TOO_SLOW, TOO_MANY = 1006, 4401, 4403, 4408, 4429


class JsonSocket(AsyncWebsocketConsumer):
    """Its subclass says which frames there are, and what each does."""

    kinds: dict[str, Any]
    handlers: dict[type, Any]
    refusals = 0

    async def __call__(self, *arguments: Any) -> None:
        """What the socket holds is let go also where it ends without a word: a handler has failed,
        or the client went while it was told something. `disconnect` may come twice."""
        try:
            await super().__call__(*arguments)
        finally:
            await self.disconnect(GONE)

    async def connect(self) -> None:
        self.frames = TokenBucket(settings.FRAMES_PER_MINUTE)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            if wait := self.frames.take():
                raise Refused("rate_limited", "Too many frames at once. Please slow down.", wait)
            await self.carry_out(protocol.parse(text_data, self.kinds))
        except Refused as refused:
            await self.refuse(refused)

    async def refuse(self, refused: Refused) -> None:
        await self.forward(Error(refused.code, refused.text, refused.retry_after, refused.id))
        self.refusals += 1
        if refused.code in {"unauthorized", "expired"}:
            await self.close(UNAUTHORIZED)
        elif self.refusals > MAX_REFUSALS or refused.code == "too_many":
            await self.close(TOO_MANY)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Without Channels' way round by a thread, which looks before each for old connections to
        the database: `in_thread` does that where there are some."""
        await getattr(self, get_handler_name(message))(message)

    async def carry_out(self, frame: Any) -> None:
        """A fault on our side is told, and the socket goes on: the client sends it again."""
        try:
            await self.handlers[type(frame)](self, frame)
        except (Refused, StopConsumer):
            raise
        except Exception as error:
            if found := troubles.trouble(error):
                logger.error("the frame %s was not carried out: %s", frame.type, found.text)
            else:
                logger.exception("the frame %s failed", frame.type)
            text = "Something went wrong on our side. Please try again in a moment."
            raise Refused("internal", text, RETRY_AFTER, getattr(frame, "id", None)) from None

    async def on_ping(self, frame: protocol.Ping) -> None:
        await self.forward(protocol.Pong(frame.n))

    async def forward(self, frame: protocol.ServerFrame) -> None:
        await self.write(protocol.encode(frame))

    async def write(self, text: str) -> None:
        """A client that does not read is closed, and resumes from the database when it can."""
        try:
            async with asyncio.timeout(READ_WITHIN):
                await self.send(text_data=text)
        except TimeoutError:
            logger.info("a client read nothing for %s s", READ_WITHIN)
            await self.drop()
            raise StopConsumer from None

    async def drop(self) -> None:
        await self.disconnect(TOO_SLOW)
        # Its buffer is full: the closing frame may not get through either.
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self.close(TOO_SLOW)

    async def take(self, event: dict[str, Any]) -> None:
        """Told directly, while the channel layer is away."""
        with suppress(StopConsumer):
            await self.dispatch(event)
