"""The base of both consumers: parses JSON frames, refuses bad ones, and drops slow clients."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from chatbot.wire import protocol
from chatbot.wire.errors import Refused
from chatbot.wire.limits import TokenBucket
from chatbot.wire.protocol import Error, Frame, Frames
from crm.plumbing import troubles

logger = logging.getLogger("attune.socket")
MAX_REFUSALS = 20
RETRY_AFTER = 5
# Seconds within which a client must read a frame.
READ_WITHIN = 15
GONE, BROKEN, UNAUTHORIZED, FORBIDDEN, TOO_SLOW, TOO_MANY = 1006, 1011, 4401, 4403, 4408, 4429


def handles(kind: type[Frame]) -> Callable[[Any], Any]:
    """Mark the method that carries out frames of this kind."""

    def mark(method: Any) -> Any:
        method.handles = kind
        return method

    return mark


class JsonSocket(AsyncWebsocketConsumer):
    """A subclass accepts exactly the frames that its methods handle."""

    handlers: dict[type[Frame], Any]
    accepted: Frames
    refusals = 0

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        methods = [getattr(cls, name) for name in dir(cls)]
        cls.handlers = {method.handles: method for method in methods if hasattr(method, "handles")}
        cls.accepted = Frames(cls.handlers)

    async def __call__(self, *arguments: Any) -> None:
        """Call `disconnect` even if the socket ends without its event: a handler failed, or the
        client left during a send. So `disconnect` may be called twice."""
        # Frames and hints are handled one at a time, in the order in which they come.
        self.handling = asyncio.Lock()
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
            await self.carry_out(self.accepted.parse(text_data))
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
        """Call the handler directly. Channels would first close old database connections in a
        thread; `in_thread` does that where it uses them."""
        async with self.handling:
            if self.concerns(message):
                await getattr(self, get_handler_name(message))(message)

    def concerns(self, message: dict[str, Any]) -> bool:
        """Say whether to handle an event: not if this socket has left the conversation since."""
        return True

    async def carry_out(self, frame: Frame) -> None:
        """Carry out a frame. An error of ours becomes a refusal and the socket stays open, so that
        the client can send the frame again."""
        try:
            await self.handlers[type(frame)](self, frame)
        except (Refused, StopConsumer):
            raise
        except Exception as error:
            name = frame.__struct_config__.tag
            if trouble := troubles.trouble(error):
                logger.error("the frame %s was not carried out: %s", name, trouble.text)
            else:
                logger.exception("the frame %s failed", name)
            text = "Something went wrong on our side. Please try again in a moment."
            raise Refused("internal", text, RETRY_AFTER, getattr(frame, "id", None)) from None

    @handles(protocol.Ping)
    async def on_ping(self, frame: protocol.Ping) -> None:
        await self.forward(protocol.Pong(frame.n))

    async def forward(self, frame: Frame) -> None:
        await self.write(protocol.encode(frame))

    async def write(self, text: str) -> None:
        """Send text. A client that does not read in time is dropped; it resumes from the database
        when it connects again."""
        try:
            async with asyncio.timeout(READ_WITHIN):
                await self.send(text_data=text)
        except TimeoutError:
            logger.info("a client read nothing for %s s", READ_WITHIN)
            await self.drop()
            raise StopConsumer from None

    async def drop(self) -> None:
        await self.disconnect(TOO_SLOW)
        # The client's buffer is full, so the closing frame may not get through either.
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self.close(TOO_SLOW)

    async def take(self, event: dict[str, Any]) -> None:
        """Handle a hint. If that fails, close the socket: the client connects again and catches
        up."""
        try:
            await self.dispatch(event)
        except StopConsumer:
            pass
        except OSError:
            await self.disconnect(GONE)
        except Exception:
            logger.exception("a hint of type %s was not handled", event["type"])
            with suppress(OSError):
                await self.close(BROKEN)
