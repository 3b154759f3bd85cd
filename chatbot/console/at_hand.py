"""The conversation that an agent has open."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from chatbot.console import frames, rows, view
from chatbot.console.session import MAY_ACT, MAY_SEE, AgentSocket
from chatbot.conversation import canned
from chatbot.models import Conversation, Note
from chatbot.people import audit
from chatbot.wire import hints
from chatbot.wire.json_socket import handles
from crm.plumbing.threads import in_thread

MAY_CORRECT, MAY_SEE_RECORDS = "chatbot.add_correction", "crm.view_record"


class ConversationAtHand(AgentSocket):
    """The conversation that the agent looks at, and its news."""

    at_hand: UUID | None = None
    # The last seq that was sent of it.
    sent = 0

    @handles(frames.Open)
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
