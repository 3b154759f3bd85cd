"""The visitor's socket: authenticate, join, call an action, forward.

A handler never awaits a model: Channels runs the handlers of one socket one at a time.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from chatbot import actions, identity, limits, protocol
from chatbot.limits import TokenBucket
from chatbot.models import Conversation, Inbox, Message, Visitor
from chatbot.protocol import Error, Refused
from chatbot.reply import runner

logger = logging.getLogger("attune.socket")
HELLO_WITHIN = 15
PAGE = 200
MAX_REFUSALS = 20
RETRY_AFTER = 5
UNAUTHORIZED, TOO_MANY = 4401, 4429


class VisitorConsumer(AsyncWebsocketConsumer):
    visitor: Visitor | None = None
    conversation: Conversation | None = None
    # The last seq that this socket has sent to its client.
    sent = 0
    refusals = 0

    async def connect(self) -> None:
        self.inbox = self.scope["url_route"]["kwargs"]["inbox"]
        self.frames = TokenBucket(settings.FRAMES_PER_MINUTE)
        if not await database_sync_to_async(self.origin_allowed)():
            await self.close()  # before accept: the handshake answers 403
            return
        await self.accept()
        self.timer = asyncio.get_running_loop().call_later(HELLO_WITHIN, self.hello_overdue)

    def origin_allowed(self) -> bool:
        headers = {name: value.decode("latin1") for name, value in self.scope["headers"]}
        inbox = Inbox.objects.filter(key=self.inbox).first()
        return inbox is not None and identity.origin_allowed(
            headers.get(b"origin", ""), headers.get(b"host", ""), inbox.origins
        )

    def hello_overdue(self) -> None:
        if self.conversation is None:
            self.overdue = asyncio.create_task(self.close(UNAUTHORIZED))

    async def disconnect(self, code: int) -> None:
        if hasattr(self, "timer"):
            self.timer.cancel()
        if self.conversation:
            await self.leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            if wait := self.frames.take():
                raise Refused("rate_limited", "Too many frames at once. Please slow down.", wait)
            await self.handle(protocol.parse(text_data))
        except Refused as refused:
            await self.refuse(refused)

    async def refuse(self, refused: Refused) -> None:
        await self.forward(Error(refused.code, refused.text, refused.retry_after, refused.id))
        self.refusals += 1
        if refused.code in {"unauthorized", "expired"}:
            await self.close(UNAUTHORIZED)
        elif self.refusals > MAX_REFUSALS and refused.code == "rate_limited":
            await self.close(TOO_MANY)

    async def handle(self, frame: protocol.ClientFrame) -> None:
        if isinstance(frame, protocol.Hello):
            await self.on_hello(frame)
        elif self.conversation is None:
            raise Refused("unauthorized", 'The first frame is "hello" with the session\'s token.')
        else:
            await self.carry_out(frame)

    async def carry_out(self, frame: protocol.ClientFrame) -> None:
        """A fault on our side is told, and the socket goes on: the client sends it again."""
        try:
            await HANDLERS[type(frame)](self, frame)
        except Refused:
            raise
        except Exception:
            logger.exception("the frame %s failed", frame.type)
            text = "Something went wrong on our side. Please try again in a moment."
            raise Refused("internal", text, RETRY_AFTER, getattr(frame, "id", None)) from None

    async def forward(self, frame: protocol.ServerFrame) -> None:
        await self.send(text_data=protocol.encode(frame))

    # --- frames of the client

    async def on_hello(self, frame: protocol.Hello) -> None:
        if self.conversation:
            await self.leave()
        self.visitor = await database_sync_to_async(identity.visitor_of)(frame.token, self.inbox)
        self.conversation = await database_sync_to_async(actions.conversation_of)(self.visitor)
        # Join first, read then: what is said in between comes by both ways and is sent once.
        await self.channel_layer.group_add(actions.group(self.conversation.id), self.channel_name)
        await self.forward(await database_sync_to_async(self.welcome)())
        self.sent = min(frame.after, self.conversation.last_seq)
        await self.catch_up()

    async def leave(self) -> None:
        assert self.conversation
        group = actions.group(self.conversation.id)
        await self.channel_layer.group_discard(group, self.channel_name)

    def welcome(self) -> protocol.Welcome:
        assert self.conversation
        self.conversation.refresh_from_db()
        replying = self.conversation.replies.filter(status__in=actions.OPEN_REPLIES).exists()
        return protocol.Welcome(
            conversation=str(self.conversation.id),
            state=self.conversation.state,
            last_seq=self.conversation.last_seq,
            replying=replying,
        )

    async def on_message(self, frame: protocol.SendMessage) -> None:
        assert self.conversation and self.visitor
        who, rate = str(self.visitor.id), settings.MESSAGES_PER_MINUTE
        if wait := limits.take("message", who, rate):
            text = "You are writing very fast. Please wait a moment."
            raise Refused("rate_limited", text, wait, frame.id)
        message, reply = await database_sync_to_async(actions.receive)(
            self.conversation, frame.id, frame.text
        )
        await self.forward(protocol.Ack(frame.id, message.seq))
        if reply:
            runner.start(reply)

    async def on_typing(self, frame: protocol.Typing) -> None:
        """Agents' sockets will show it; nobody else needs to know."""
        assert self.conversation
        event = {"type": "visitor.typing"}
        await self.channel_layer.group_send(actions.group(self.conversation.id), event)

    async def on_read(self, frame: protocol.Read) -> None:
        await database_sync_to_async(actions.mark_read)(self.conversation, frame.seq)

    async def on_feedback(self, frame: protocol.Feedback) -> None:
        await database_sync_to_async(actions.give_feedback)(
            self.conversation, frame.seq, frame.value
        )

    async def on_handoff(self, frame: protocol.Handoff) -> None:
        await database_sync_to_async(actions.hand_off)(
            self.conversation, "The customer asked for a person."
        )

    async def on_close(self, frame: protocol.Close) -> None:
        assert self.conversation
        await database_sync_to_async(actions.close)(self.conversation)
        runner.cancel(self.conversation.id)

    # --- news of the conversation, from the channel layer

    async def conversation_news(self, event: dict[str, Any]) -> None:
        await self.catch_up()
        if "state" in event:
            await self.forward(protocol.StateFrame(event["state"]))
        if "reply" in event:
            await self.forward(protocol.ReplyFrame(event["reply"]))

    async def reply_progress(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(event["frame"], ensure_ascii=False))

    async def visitor_typing(self, event: dict[str, Any]) -> None:
        """The visitor knows that they type."""

    async def catch_up(self) -> None:
        """Send every message that this socket has not sent, from the database, in order."""
        while page := await database_sync_to_async(self.unsent)():
            for frame in page:
                await self.forward(frame)
                self.sent = frame.seq

    def unsent(self) -> list[protocol.MessageFrame]:
        found = Message.objects.filter(conversation=self.conversation, seq__gt=self.sent)
        return [message_frame(message) for message in found.order_by("seq")[:PAGE]]


Handler = Callable[[VisitorConsumer, Any], Awaitable[None]]
HANDLERS: dict[type, Handler] = {
    protocol.SendMessage: VisitorConsumer.on_message,
    protocol.Typing: VisitorConsumer.on_typing,
    protocol.Read: VisitorConsumer.on_read,
    protocol.Feedback: VisitorConsumer.on_feedback,
    protocol.Handoff: VisitorConsumer.on_handoff,
    protocol.Close: VisitorConsumer.on_close,
}


def message_frame(message: Message) -> protocol.MessageFrame:
    return protocol.MessageFrame(
        seq=message.seq,
        author=message.author,
        text=message.text,
        at=message.at,
        id=message.client_id,
        citations=message.citations,
        feedback=message.feedback,
    )
