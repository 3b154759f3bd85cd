"""The conversation that an agent has open."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from chatbot.console import frames, rows, view
from chatbot.console.session import AgentSocket
from chatbot.conversation import canned
from chatbot.models import Conversation, Note
from chatbot.people import audit
from chatbot.people.roles import MAY_ACT, MAY_SEE
from chatbot.teaching.cases import MAY_TEACH
from chatbot.wire import hints
from chatbot.wire.json_socket import handles
from crm.plumbing.threads import in_thread

MAY_CORRECT, MAY_SEE_RECORDS = "chatbot.add_correction", "crm.view_record"


class ConversationAtHand(AgentSocket):
    """The conversation that the agent has open, and its news."""

    at_hand: UUID | None = None
    # The seq of the last message that was sent to the page.
    sent = 0

    @handles(frames.Open)
    async def on_open(self, frame: frames.Open) -> None:
        await self.leave()
        self.at_hand, self.sent = UUID(frame.conversation), frame.after
        # Join first, then read: a message in between arrives both ways and is sent once.
        await hints.join(self.at_hand, self)
        await self.put("conversation", **await self.act(self.details, frame, needs=MAY_SEE))
        await self.catch_up()

    def details(self, conversation: Conversation, agent: User) -> dict[str, Any]:
        audit.read(conversation, agent)
        [row] = rows.rows_of([conversation.id])
        card = view.card(conversation, agent.has_perm(MAY_SEE_RECORDS))
        card["article"] = view.new_article(agent)
        may = {
            "act": agent.has_perm(MAY_ACT),
            "correct": agent.has_perm(MAY_CORRECT),
            "teach": agent.has_perm(MAY_TEACH),
        }
        answers = canned.answers(conversation, agent) if may["act"] else []
        read = conversation.read_seq
        return {"row": row, "card": card, "may": may, "answers": answers, "read": read}

    async def conversation_news(self, event: dict[str, Any]) -> None:
        if note := event.get("note"):
            await self.put("note", **await in_thread(self.note, note))
        if event.get("reply"):
            await self.put("reply", conversation=str(self.at_hand), state=event["reply"])
        if event.get("contact") and self.at_hand:
            await self.put("contact", **await in_thread(view.contact, self.at_hand))
        if (seq := event.get("taught")) and self.at_hand:
            taught = await in_thread(view.taught, self.at_hand, seq)
            await self.put("taught", conversation=str(self.at_hand), seq=seq, taught=taught)
        if event.get("summary"):
            summary = await in_thread(view.summary_of, Conversation(id=self.at_hand))
            await self.put("summary", conversation=str(self.at_hand), summary=summary)
        await self.catch_up()

    def note(self, id: int) -> dict[str, Any]:
        note = Note.objects.select_related("agent").get(id=id)
        return {"conversation": str(note.conversation_id), **view.note_row(note)}

    async def reply_progress(self, event: dict[str, Any]) -> None:
        await self.put("reply", conversation=str(self.at_hand), **event["frame"])

    async def visitor_typing(self, event: dict[str, Any]) -> None:
        await self.put("typing", conversation=str(self.at_hand))

    async def visitor_read(self, event: dict[str, Any]) -> None:
        await self.put("read", conversation=str(self.at_hand), seq=event["seq"])

    async def queue_place(self, event: dict[str, Any]) -> None:
        """Ignore: agents see the whole queue."""

    async def agent_typing(self, event: dict[str, Any]) -> None:
        """Ignore: agents see each other's messages when they are sent."""

    def concerns(self, message: dict[str, Any]) -> bool:
        about = message.get("conversation")
        return about is None or about == str(self.at_hand)

    async def catch_up(self) -> None:
        """Send every unsent message of the open conversation, in order."""
        if self.at_hand is None:
            return
        conversation = self.at_hand
        messages = await in_thread(self.unsent, conversation)
        if messages and conversation == self.at_hand:
            self.sent = messages[-1]["seq"]
            await self.put("messages", conversation=str(conversation), messages=messages)

    def unsent(self, conversation: UUID) -> list[dict[str, Any]]:
        link = self.agent.has_perm(MAY_SEE_RECORDS)
        return view.messages(Conversation(id=conversation), self.sent, link)

    async def leave(self) -> None:
        if left := self.at_hand:
            self.at_hand = None
            await hints.leave(left, self)
