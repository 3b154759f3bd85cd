"""The visitor's socket: it authenticates, joins the conversation, calls actions and forwards news.

A handler never awaits the language model: Channels runs the handlers of a socket one at a time.
"""

import asyncio
from functools import partial
from typing import Any

from django.conf import settings
from structlog.contextvars import bind_contextvars

from chatbot.conversation import changes, crm_requests, customers, mail_links
from chatbot.models import Conversation, Inbox, Message, Reply, Visitor
from chatbot.people import away, identity
from chatbot.privacy.known import known_of
from chatbot.reply import ahead, runner
from chatbot.telemetry import logs, metrics
from chatbot.wire import hints, limits, protocol
from chatbot.wire.errors import Refused
from chatbot.wire.json_socket import RETRY_AFTER, UNAUTHORIZED, JsonSocket, handles
from crm.plumbing.threads import in_thread

HELLO_WITHIN = 15
PAGE = 200
CONTACTS_PER_MINUTE = 5
# The widget sends at most one draft a second.
DRAFTS_PER_MINUTE = 60


class VisitorConsumer(JsonSocket):
    visitor: Visitor | None = None
    conversation: Conversation | None = None
    # The last seq that this socket has sent to its client.
    sent = 0

    async def connect(self) -> None:
        await super().connect()
        self.inbox = self.scope["url_route"]["kwargs"]["inbox"]
        # The places that this socket takes within the limits on sockets.
        self.held: list[tuple[str, str]] = []
        self.drafts = limits.TokenBucket(DRAFTS_PER_MINUTE)
        if not await in_thread(self.origin_allowed):
            await self.close()  # before accept: the handshake answers 403
            return
        await self.accept()
        try:
            self.hold("address", self.address(), settings.SOCKETS_PER_ADDRESS)
        except Refused as refused:
            await self.refuse(refused)
            return
        metrics.SOCKETS.inc()
        self.timer = asyncio.get_running_loop().call_later(HELLO_WITHIN, self.hello_overdue)

    def address(self) -> str:
        return str((self.scope.get("client") or ("",))[0])

    def hold(self, what: str, who: str, most: int) -> None:
        if not limits.hold_socket(what, who, most):
            text = "There are too many connections from here. Please close other tabs."
            raise Refused("too_many", text, RETRY_AFTER)
        self.held.append((what, who))

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
        # Called twice if a client was dropped.
        if timer := self.__dict__.pop("timer", None):
            timer.cancel()
            metrics.SOCKETS.dec()
        while self.held:
            limits.let_socket_go(*self.held.pop())
        await self.leave()

    async def leave(self) -> None:
        if left := self.conversation:
            self.conversation = None
            ahead.left(left.id)
            await hints.leave(left.id, self)

    async def carry_out(self, frame: protocol.Frame) -> None:
        if self.conversation is None and not isinstance(frame, protocol.Hello):
            text = 'The first frame must be "hello" with the session\'s token.'
            raise Refused("unauthorized", text)
        await super().carry_out(frame)

    @property
    def joined(self) -> Conversation:
        """Return the conversation; before `hello`, `carry_out` refuses all other frames."""
        assert self.conversation
        return self.conversation

    # --- frames of the client

    @handles(protocol.Hello)
    async def on_hello(self, frame: protocol.Hello) -> None:
        visitor = await in_thread(identity.visitor_of, frame.token, self.inbox)
        if ("visitor", str(visitor.id)) not in self.held:
            self.hold("visitor", str(visitor.id), settings.SOCKETS_PER_VISITOR)
        await self.leave()
        self.visitor = visitor
        self.conversation = await in_thread(customers.conversation_of, visitor)
        bind_contextvars(conversation=str(self.joined.id))
        logs.about(await in_thread(known_of, visitor.customer))
        # Join first, then read: a message in between arrives both ways and is sent once.
        await hints.join(self.joined.id, self)
        await self.forward(await in_thread(self.welcome))
        self.sent = min(frame.after, self.joined.last_seq)
        self.sent_actions: dict[str, protocol.ActionFrame] = {}
        await self.catch_up()
        await self.show_actions()
        if self.joined.state == Conversation.State.WAITING:
            await self.forward_away()
        ahead.typed(self.joined.id, partial(runner.turn_of_draft, self.joined.id, ""))

    def welcome(self) -> protocol.Welcome:
        assert self.visitor
        self.joined.refresh_from_db()
        replying = self.joined.replies.filter(status__in=changes.OPEN_REPLIES).exists()
        return protocol.Welcome(
            conversation=str(self.joined.id),
            state=self.joined.state,
            last_seq=self.joined.last_seq,
            replying=replying,
            agent=changes.answering(self.joined),
            ahead=self.visitor.inbox.read_ahead,
        )

    async def forward_away(self) -> None:
        if frame := await in_thread(self.away):
            await self.forward(frame)

    def away(self) -> protocol.Away | None:
        self.joined.refresh_from_db()
        return away.frame(self.joined)

    @handles(protocol.SendMessage)
    async def on_message(self, frame: protocol.SendMessage) -> None:
        """Take the first step of a message's way; `reply/runner.py` describes all of them."""
        ahead.sent(self.joined.id)
        message, reply = await in_thread(self.receive_message, frame)
        await self.forward(protocol.Ack(frame.id, message.seq))
        if reply:
            runner.start(reply)

    def receive_message(self, frame: protocol.SendMessage) -> tuple[Message, Reply | None]:
        assert self.visitor
        rate = settings.MESSAGES_PER_MINUTE
        if wait := limits.take("message", str(self.visitor.id), rate):
            text = "You are writing very fast. Please wait a moment."
            raise Refused("rate_limited", text, wait, frame.id)
        return customers.receive(
            self.joined, frame.id, frame.text, runner.WORKER, frame.attachments
        )

    @handles(protocol.Typing)
    async def on_typing(self, frame: protocol.Typing) -> None:
        """Tell the agents' pages."""
        await hints.send(self.joined.id, {"type": "visitor.typing"})

    @handles(protocol.Ahead)
    async def on_ahead(self, frame: protocol.Ahead) -> None:
        """Read ahead, and tell nobody. Drafts that come too fast are skipped, not refused."""
        if frame.text and self.drafts.take() is None:
            turn_of = partial(runner.turn_of_draft, self.joined.id, frame.text)
            ahead.typed(self.joined.id, turn_of)

    @handles(protocol.Read)
    async def on_read(self, frame: protocol.Read) -> None:
        """Note the position, and tell the agents' pages."""
        if await in_thread(customers.mark_read, self.joined, frame.seq):
            await hints.send(self.joined.id, {"type": "visitor.read", "seq": frame.seq})

    @handles(protocol.Feedback)
    async def on_feedback(self, frame: protocol.Feedback) -> None:
        await in_thread(customers.give_feedback, self.joined, frame.seq, frame.value)

    @handles(protocol.Csat)
    async def on_csat(self, frame: protocol.Csat) -> None:
        await in_thread(customers.rate, self.joined, frame.score, frame.comment)

    @handles(protocol.Handoff)
    async def on_handoff(self, frame: protocol.Handoff) -> None:
        await in_thread(customers.hand_off, self.joined, "The customer asked for a person.")

    @handles(protocol.Contact)
    async def on_contact(self, frame: protocol.Contact) -> None:
        await in_thread(self.leave_contact, frame)
        # Even if the address was known before: the first answer to the client may be lost.
        await self.forward_away()

    def leave_contact(self, frame: protocol.Contact) -> None:
        assert self.visitor
        if wait := limits.take("contact", str(self.visitor.id), CONTACTS_PER_MINUTE):
            text = "Please wait a moment before you change the address again."
            raise Refused("rate_limited", text, wait)
        mail_links.leave_contact(self.joined, frame.email, self.address())

    @handles(protocol.Confirm)
    async def on_confirm(self, frame: protocol.Confirm) -> None:
        try:
            await in_thread(crm_requests.confirm, self.joined, frame.id, frame.values)
        finally:
            # Even if it was refused because it is no longer open: the client must see that.
            await self.show_actions()

    @handles(protocol.Dismiss)
    async def on_dismiss(self, frame: protocol.Dismiss) -> None:
        await in_thread(crm_requests.dismiss, self.joined, frame.id)

    @handles(protocol.Close)
    async def on_close(self, frame: protocol.Close) -> None:
        await in_thread(customers.close, self.joined)
        runner.cancel(self.joined.id)

    # --- news of the conversation, from hints

    async def conversation_news(self, event: dict[str, Any]) -> None:
        await self.forward_message(event.get("seq"), event.get("message"))
        if "state" in event:
            await self.forward(protocol.StateFrame(event["state"], event.get("agent", "")))
        if "away" in event:
            await self.forward_away()
        if "reply" in event:
            await self.forward(protocol.ReplyFrame(event["reply"]))
        closed = event.get("state") == changes.State.CLOSED
        if "action" in event or closed or "seq" not in event:
            await self.show_actions()

    async def reply_progress(self, event: dict[str, Any]) -> None:
        await self.forward(protocol.ReplyFrame(**event["frame"]))

    async def visitor_typing(self, event: dict[str, Any]) -> None:
        """Ignore: the visitor knows that they are typing."""

    async def visitor_read(self, event: dict[str, Any]) -> None:
        """Ignore: the visitor knows what they have read."""

    async def agent_typing(self, event: dict[str, Any]) -> None:
        await self.forward(protocol.TypingFrame("agent"))

    async def queue_place(self, event: dict[str, Any]) -> None:
        await self.forward(protocol.QueueFrame(event["position"]))

    def concerns(self, message: dict[str, Any]) -> bool:
        own = str(self.conversation.id) if self.conversation else None
        return message.get("conversation", own) == own

    async def forward_message(self, seq: int | None, message: str | None) -> None:
        """Send the next message from the hint itself; read missing ones from the database."""
        if message and seq == self.sent + 1:
            await self.write(message)
            self.sent = seq
        if seq is None or seq > self.sent:
            await self.catch_up()

    async def catch_up(self) -> None:
        """Send every message that this socket has not sent, from the database, in order."""
        page = None
        while page is None or len(page) == PAGE:
            page = await in_thread(self.unsent)
            for frame in page:
                await self.forward(frame)
                self.sent = frame.seq

    async def show_actions(self) -> None:
        """Send offered actions that are new or have changed since they were last sent."""
        for frame in await in_thread(crm_requests.frames, self.joined):
            if self.sent_actions.get(frame.id) != frame:
                await self.forward(frame)
                self.sent_actions[frame.id] = frame

    def unsent(self) -> list[protocol.MessageFrame]:
        messages = Message.objects.filter(conversation=self.joined, seq__gt=self.sent)
        page = messages.order_by("seq").select_related("agent")[:PAGE]
        return [changes.frame_of(message) for message in page]
