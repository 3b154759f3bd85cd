"""The socket of an agent's page: lists that update by themselves, and one conversation at hand."""

import asyncio
import json
import logging
import random
from contextlib import suppress
from typing import Any
from uuid import UUID

from auditlog.context import set_actor
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from chatbot.console import frames, rows, saved_views, view
from chatbot.console.feed import News, feed
from chatbot.conversation import agents, canned, changes, summary
from chatbot.models import Conversation, Message, Note, Team
from chatbot.people import audit, presence, two_factor
from chatbot.reply import runner
from chatbot.reply.turn import Turn
from chatbot.wire import hints, protocol
from chatbot.wire.errors import Refused
from chatbot.wire.json_socket import FORBIDDEN, JsonSocket
from crm.plumbing.threads import in_thread

logger = logging.getLogger("attune.console")
MAY_SEE, MAY_ACT = "chatbot.view_conversation", "chatbot.change_conversation"
MAY_CORRECT, MAY_SEE_RECORDS = "chatbot.add_correction", "crm.view_record"


class AgentConsumer(JsonSocket):
    kinds = frames.KINDS
    # The conversation at hand, and the last seq that was sent of it.
    at_hand: UUID | None = None
    sent = 0

    async def connect(self) -> None:
        await super().connect()
        self.wanted, self.shown = frames.List(), set[str]()
        # Alerts that the page knows of, whatever its list shows.
        self.alerts = set[str]()
        self.catching_up = asyncio.Lock()
        self.agent: User = self.scope["user"]
        try:
            await in_thread(self.permitted, MAY_SEE)
        except PermissionDenied:
            await self.close(FORBIDDEN)
            return
        await self.accept()
        await feed.join(self.changed)
        self.closed = asyncio.Event()
        self.beating = asyncio.create_task(self.beat())
        here = await in_thread(presence.seen, self.agent)
        people = await in_thread(view.people, self.agent)
        self.alerts = await in_thread(rows.alerts)
        saved = await in_thread(saved_views.of, self.agent)
        about = {"people": people, "away": here.away, "alerts": sorted(self.alerts)}
        await self.put("hello", me=self.agent.id, views=saved, **about)

    async def beat(self) -> None:
        """Says that the agent is here while the page is open, and at last that it is closed: after
        what was under way by then, or the agent would seem to be here for another minute."""
        # Not all pages at the same moment, after a restart of the server.
        while not await self.closed_within(presence.BEATS_EVERY * random.uniform(0.5, 1.0)):
            try:
                await self.look_again()
            except Exception as error:
                # The database may be away for a moment; the next sign is soon.
                logger.warning("no sign of life of an agent's page: %s", error)
        await in_thread(presence.left, self.agent)

    async def closed_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closed.wait(), seconds)
        return self.closed.is_set()

    async def look_again(self) -> None:
        """Who has logged out, or may no longer see conversations, is told nothing more."""
        try:
            await in_thread(self.still_permitted)
        except PermissionDenied:
            await self.close(FORBIDDEN)
        else:
            await in_thread(presence.seen, self.agent)

    def still_permitted(self) -> None:
        session = self.scope["session"]
        if not session.exists(session.session_key):
            raise PermissionDenied
        self.permitted(MAY_SEE)

    async def with_right(self, permission: str) -> None:
        try:
            await in_thread(self.permitted, permission)
        except PermissionDenied:
            raise Refused("forbidden", "You may not do that; ask an administrator.") from None

    async def disconnect(self, code: int) -> None:
        feed.leave(self.changed)
        await self.leave()
        if beating := self.__dict__.pop("beating", None):
            self.closed.set()
            await beating

    async def put(self, kind: str, **values: Any) -> None:
        await self.write(json.dumps({"type": kind, **values}, ensure_ascii=False))

    def permitted(self, permission: str) -> User:
        """The agent as they are now: a right that was taken away ends at once."""
        agent = User.objects.filter(id=self.agent.id or 0, is_active=True, is_staff=True).first()
        if agent is None or not agent.has_perm(permission):
            raise PermissionDenied
        if permission == MAY_SEE and two_factor.lacks(agent, self.scope["session"]):
            raise PermissionDenied
        return agent

    async def act(self, action: Any, frame: Any, *arguments: Any, needs: str = MAY_ACT) -> Any:
        """Carry an action out on the conversation that the frame names."""

        def carry_out() -> Any:
            agent = self.permitted(needs)
            conversation = Conversation.objects.filter(id=frame.conversation).first()
            if conversation is None:
                raise Refused("not_found", "This conversation is no longer there.")
            with set_actor(agent, (self.scope.get("client") or [None])[0]):
                return action(conversation, agent, *arguments)

        try:
            return await in_thread(carry_out)
        except PermissionDenied:
            raise Refused("forbidden", "You may not do that; ask an administrator.") from None

    # --- frames of the page

    async def on_list(self, frame: frames.List) -> None:
        self.wanted = frame
        found = await in_thread(lambda: rows.page(frame, self.permitted(MAY_SEE)))
        self.shown = {row["id"] for row in found["rows"]}
        await self.put("rows", **found)

    async def on_save_view(self, frame: frames.SaveView) -> None:
        await self.with_right(MAY_SEE)
        await self.put("views", views=await in_thread(saved_views.save, self.agent, frame))

    async def on_drop_view(self, frame: frames.DropView) -> None:
        await self.with_right(MAY_SEE)
        await self.put("views", views=await in_thread(saved_views.drop, self.agent, frame.name))

    async def on_open(self, frame: frames.Open) -> None:
        await self.leave()
        self.at_hand, self.sent = UUID(frame.conversation), frame.after
        # Join first, read then: what is said in between comes by both ways and is sent once.
        await hints.join(self.at_hand, self)
        found = await self.act(self.shown_whole, frame, needs=MAY_SEE)
        await self.put("conversation", **found)
        await self.catch_up()

    def shown_whole(self, conversation: Conversation, agent: User) -> dict[str, Any]:
        audit.read(conversation, agent)
        [row] = rows.rows_of([conversation.id])
        card = view.card(conversation, agent.has_perm(MAY_SEE_RECORDS))
        may = {
            "act": agent.has_perm(MAY_ACT),
            "correct": agent.has_perm(MAY_CORRECT),
        }
        found = canned.answers(conversation, agent) if may["act"] else []
        read = conversation.read_seq
        return {"row": row, "card": card, "may": may, "answers": found, "read": read}

    async def on_take(self, frame: frames.Take) -> None:
        """What the bot was about to answer is there as a suggestion."""
        turn = await self.act(self.taken, frame)
        runner.cancel(UUID(frame.conversation))
        if turn:
            self.drafting = asyncio.create_task(self.draft(frame.conversation, turn, asked=False))

    def taken(self, conversation: Conversation, agent: User) -> Turn | None:
        begun = conversation.replies.filter(status__in=changes.OPEN_REPLIES).exists()
        agents.take_over(conversation, agent)
        return runner.next_turn(conversation, agent) if begun else None

    async def on_hand_back(self, frame: frames.HandBack) -> None:
        if reply := await self.act(agents.hand_back, frame, runner.WORKER):
            runner.start(reply)

    async def on_resolve(self, frame: frames.Resolve) -> None:
        await self.act(agents.resolve, frame)
        runner.cancel(UUID(frame.conversation))

    async def on_acknowledge(self, frame: frames.Acknowledge) -> None:
        await self.act(agents.acknowledge, frame)

    async def on_snooze(self, frame: frames.Snooze) -> None:
        await self.act(agents.snooze, frame, frame.minutes)

    async def on_pass_on(self, frame: frames.PassOn) -> None:
        await self.act(self.passed_on, frame, frame.to)

    def passed_on(self, conversation: Conversation, agent: User, to: str) -> None:
        if to.startswith(view.TEAM):
            team = Team.objects.filter(name=to.removeprefix(view.TEAM)).first()
            if team is None:
                raise Refused("not_found", "This team is no longer there.")
            agents.pass_to_team(conversation, agent, team)
            return
        colleague = User.objects.filter(username=to, is_active=True, is_staff=True).first()
        if colleague is None or not colleague.has_perm(MAY_ACT):
            raise Refused("not_found", f"{to} is not somebody who can answer customers.")
        agents.pass_on(conversation, agent, colleague)

    async def on_message(self, frame: frames.Say) -> None:
        message = await self.act(agents.say, frame, frame.id, frame.text, frame.attachments)
        await self.put("ack", id=frame.id, seq=message.seq)

    async def on_away(self, frame: frames.Away) -> None:
        await self.with_right(MAY_ACT)
        await in_thread(presence.set_away, self.agent, bool(frame.value))

    async def on_note(self, frame: frames.Note) -> None:
        await self.act(agents.note, frame, frame.text)

    async def on_typing(self, frame: frames.Typing) -> None:
        """The customer sees that a person types, where the conversation is this agent's."""
        if self.at_hand == UUID(frame.conversation) and await self.act(self.has_it, frame):
            await hints.send(self.at_hand, {"type": "agent.typing"})

    def has_it(self, conversation: Conversation, agent: User) -> bool:
        return (conversation.state, conversation.agent_id) == (changes.State.AGENT, agent.id)

    async def on_correct(self, frame: frames.Correct) -> None:
        await self.act(self.corrected, frame, frame.seq, frame.label, needs=MAY_CORRECT)
        await self.put("corrected", **vars(frame))

    def corrected(self, conversation: Conversation, agent: User, seq: int, label: str) -> None:
        message = conversation.messages.filter(seq=seq).first()
        if message is None:
            raise Refused("not_found", "There is no such message.")
        agents.correct(message, label, agent)

    async def on_summarise(self, frame: frames.Summarise) -> None:
        await self.act(self.has_messages, frame)
        summary.start(UUID(frame.conversation))

    def has_messages(self, conversation: Conversation, agent: User) -> None:
        asked = conversation.messages.filter(author=Message.Author.CUSTOMER).count()
        if asked < summary.WORTH_IT:
            raise Refused("not_found", "There is too little to sum up yet.")

    async def on_summary(self, frame: frames.CorrectSummary) -> None:
        lines = {"problem": frame.problem, "tried": frame.tried, "question": frame.question}
        await self.act(summary.correct, frame, lines)

    async def on_suggest(self, frame: frames.Suggest) -> None:
        turn = await self.act(runner.next_turn, frame)
        # Not awaited: a socket's handlers run one at a time, and a model takes its time.
        self.drafting = asyncio.create_task(self.draft(frame.conversation, turn))

    async def draft(self, conversation: str, turn: Turn, asked: bool = True) -> None:
        """asked: else only an answer from the records is worth showing."""
        draft = await runner.drafted(turn)
        if not asked and draft.state != "answered":
            return
        sources = [row.get("title") or row["id"] for row in draft.citations]
        await self.put("draft", conversation=conversation, text=draft.answer, sources=sources)

    # --- news

    async def changed(self, found: list[News]) -> None:
        """Rows that came into the list, changed in it, or left it."""
        for news in found:
            row = news.row
            if row["alerted"] != (row["id"] in self.alerts):
                self.alerts ^= {row["id"]}
                await self.write(f'{{"type": "alert", "row": {news.text}}}')
            if rows.belongs(row, self.wanted, self.agent) or self.searched(row):
                self.shown.add(row["id"])
                await self.write(f'{{"type": "row", "row": {news.text}}}')
            elif row["id"] in self.shown or row["id"] == str(self.at_hand):
                self.shown.discard(row["id"])
                await self.write(f'{{"type": "gone", "row": {news.text}}}')

    def searched(self, row: dict[str, Any]) -> bool:
        return bool(self.wanted.search) and row["id"] in self.shown

    async def conversation_news(self, event: dict[str, Any]) -> None:
        if note := event.get("note"):
            await self.put("note", **await in_thread(self.note, note))
        if event.get("reply"):
            await self.put("reply", conversation=str(self.at_hand), state=event["reply"])
        if event.get("contact") and self.at_hand:
            await self.put("contact", **await in_thread(view.contact, self.at_hand))
        if event.get("summary"):
            found = await in_thread(view.summed_up, Conversation(id=self.at_hand))
            await self.put("summary", conversation=str(self.at_hand), summary=found)
        await self.catch_up()

    def note(self, id: int) -> dict[str, Any]:
        found = Note.objects.select_related("agent").get(id=id)
        return {"conversation": str(found.conversation_id), **view.noted(found)}

    async def reply_progress(self, event: dict[str, Any]) -> None:
        await self.put("reply", conversation=str(self.at_hand), **event["frame"])

    async def visitor_typing(self, event: dict[str, Any]) -> None:
        await self.put("typing", conversation=str(self.at_hand))

    async def visitor_read(self, event: dict[str, Any]) -> None:
        await self.put("read", conversation=str(self.at_hand), seq=event["seq"])

    async def queue_place(self, event: dict[str, Any]) -> None:
        """Agents see the whole line."""

    async def agent_typing(self, event: dict[str, Any]) -> None:
        """Agents see each other's messages when they are sent."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        """What was under way of a conversation that this page has left is not for it."""
        about = message.get("conversation")
        if about is None or about == str(self.at_hand):
            await super().dispatch(message)

    async def catch_up(self) -> None:
        """Send every message of the conversation at hand that was not sent, in order."""
        async with self.catching_up:
            if self.at_hand is None:
                return
            of = self.at_hand
            found = await in_thread(self.unsent, of)
            if found and of == self.at_hand:
                self.sent = found[-1]["seq"]
                await self.put("messages", conversation=str(of), messages=found)

    def unsent(self, conversation: UUID) -> list[dict[str, Any]]:
        link = self.agent.has_perm(MAY_SEE_RECORDS)
        return view.messages(Conversation(id=conversation), self.sent, link)

    async def leave(self) -> None:
        if left := self.at_hand:
            self.at_hand = None
            await hints.leave(left, self)


AgentConsumer.handlers = {
    frames.List: AgentConsumer.on_list,
    frames.SaveView: AgentConsumer.on_save_view,
    frames.DropView: AgentConsumer.on_drop_view,
    frames.Open: AgentConsumer.on_open,
    frames.Take: AgentConsumer.on_take,
    frames.HandBack: AgentConsumer.on_hand_back,
    frames.Resolve: AgentConsumer.on_resolve,
    frames.Acknowledge: AgentConsumer.on_acknowledge,
    frames.Snooze: AgentConsumer.on_snooze,
    frames.PassOn: AgentConsumer.on_pass_on,
    frames.Say: AgentConsumer.on_message,
    frames.Away: AgentConsumer.on_away,
    frames.Note: AgentConsumer.on_note,
    frames.Typing: AgentConsumer.on_typing,
    frames.Suggest: AgentConsumer.on_suggest,
    frames.Correct: AgentConsumer.on_correct,
    frames.Summarise: AgentConsumer.on_summarise,
    frames.CorrectSummary: AgentConsumer.on_summary,
    protocol.Ping: AgentConsumer.on_ping,
}
