"""The socket of an agent's page, with the agent's actions on conversations."""

import asyncio
from uuid import UUID

import msgspec
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from chatbot.console import frames, rows, saved_views, view
from chatbot.console.at_hand import MAY_CORRECT, ConversationAtHand
from chatbot.console.feed import feed
from chatbot.console.lists import Lists
from chatbot.conversation import agents, changes, summary
from chatbot.models import Conversation, Message, Team
from chatbot.models.conversations import CORRECTED
from chatbot.models.replies import Ending
from chatbot.people import presence
from chatbot.people.roles import MAY_ACT, MAY_SEE
from chatbot.reply import runner
from chatbot.reply.turn import Turn
from chatbot.teaching import cases
from chatbot.wire import hints
from chatbot.wire.errors import Refused
from chatbot.wire.json_socket import FORBIDDEN, handles
from crm.plumbing.threads import in_thread


class AgentConsumer(Lists, ConversationAtHand):
    """The whole socket of an agent's page; this class adds the actions on conversations."""

    async def connect(self) -> None:
        await super().connect()
        self.wanted, self.shown = frames.List(), set[str]()
        # The alerts that the page knows, whatever its list shows.
        self.alerts = set[str]()
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

    async def disconnect(self, code: int) -> None:
        await feed.leave(self.changed)
        await self.leave()
        if beating := self.__dict__.pop("beating", None):
            self.closed.set()
            await beating

    @handles(frames.Take)
    async def on_take(self, frame: frames.Take) -> None:
        """Take a conversation over; an answer that the bot had begun becomes a suggestion."""
        turn = await self.act(self.taken, frame)
        runner.cancel(UUID(frame.conversation))
        if turn:
            self.drafting = asyncio.create_task(self.draft(frame.conversation, turn, asked=False))

    def taken(self, conversation: Conversation, agent: User) -> Turn | None:
        begun = conversation.replies.filter(status__in=changes.OPEN_REPLIES).exists()
        agents.take_over(conversation, agent)
        return runner.next_turn(conversation, agent) if begun else None

    @handles(frames.HandBack)
    async def on_hand_back(self, frame: frames.HandBack) -> None:
        if reply := await self.act(agents.hand_back, frame, runner.WORKER):
            runner.start(reply)

    @handles(frames.Resolve)
    async def on_resolve(self, frame: frames.Resolve) -> None:
        await self.act(agents.resolve, frame)
        runner.cancel(UUID(frame.conversation))

    @handles(frames.Acknowledge)
    async def on_acknowledge(self, frame: frames.Acknowledge) -> None:
        await self.act(agents.acknowledge, frame)

    @handles(frames.Snooze)
    async def on_snooze(self, frame: frames.Snooze) -> None:
        await self.act(agents.snooze, frame, frame.minutes)

    @handles(frames.PassOn)
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
            raise Refused("not_found", f"{to} is not an agent who can answer customers.")
        agents.pass_on(conversation, agent, colleague)

    @handles(frames.Say)
    async def on_message(self, frame: frames.Say) -> None:
        message = await self.act(agents.say, frame, frame.id, frame.text, frame.attachments)
        await self.put("ack", id=frame.id, seq=message.seq)

    @handles(frames.Away)
    async def on_away(self, frame: frames.Away) -> None:
        await self.with_right(MAY_ACT)
        await in_thread(presence.set_away, self.agent, bool(frame.value))

    @handles(frames.Note)
    async def on_note(self, frame: frames.Note) -> None:
        await self.act(agents.note, frame, frame.text)

    @handles(frames.Typing)
    async def on_typing(self, frame: frames.Typing) -> None:
        """Show the customer that the agent is typing, if the conversation is this agent's."""
        if self.at_hand == UUID(frame.conversation) and await self.act(self.has_it, frame):
            await hints.send(self.at_hand, {"type": "agent.typing"})

    def has_it(self, conversation: Conversation, agent: User) -> bool:
        return (conversation.state, conversation.agent_id) == (changes.State.AGENT, agent.id)

    @handles(frames.Correct)
    async def on_correct(self, frame: frames.Correct) -> None:
        await self.act(self.corrected, frame, frame.seq, frame.label, needs=MAY_CORRECT)
        await self.put("corrected", **msgspec.structs.asdict(frame), felt=CORRECTED[frame.label])

    def corrected(self, conversation: Conversation, agent: User, seq: int, label: str) -> None:
        message = conversation.messages.filter(seq=seq).first()
        if message is None:
            raise Refused("not_found", "There is no such message.")
        agents.correct(message, label, agent)

    @handles(frames.Teach)
    async def on_teach(self, frame: frames.Teach) -> None:
        """Every page that shows the conversation hears of it, this one too."""
        await self.act(self.taught, frame, frame, needs=cases.MAY_TEACH)

    def taught(self, conversation: Conversation, agent: User, frame: frames.Teach) -> None:
        message = conversation.messages.filter(seq=frame.seq).first()
        if message is None:
            raise Refused("not_found", "There is no such message.")
        if frame.verdict:
            cases.teach(message, frame.verdict, agent, frame.answer, frame.record)
        else:
            cases.take_back(message)

    @handles(frames.Summarise)
    async def on_summarise(self, frame: frames.Summarise) -> None:
        await self.act(self.has_messages, frame)
        summary.start(UUID(frame.conversation))

    def has_messages(self, conversation: Conversation, agent: User) -> None:
        count = conversation.messages.filter(author=Message.Author.CUSTOMER).count()
        if count < summary.WORTH_IT:
            raise Refused("not_found", "There is too little to summarise yet.")

    @handles(frames.CorrectSummary)
    async def on_summary(self, frame: frames.CorrectSummary) -> None:
        lines = {"problem": frame.problem, "tried": frame.tried, "question": frame.question}
        await self.act(summary.correct, frame, lines)

    @handles(frames.Suggest)
    async def on_suggest(self, frame: frames.Suggest) -> None:
        turn = await self.act(runner.next_turn, frame)
        # Not awaited: a socket's handlers run one at a time, and a model takes its time.
        self.drafting = asyncio.create_task(self.draft(frame.conversation, turn))

    async def draft(self, conversation: str, turn: Turn, asked: bool = True) -> None:
        """Show a suggestion. If the agent has not asked for one, show only answers from the
        records."""
        draft = await runner.drafted(turn)
        if not asked and draft.state is not Ending.ANSWERED:
            return
        sources = [row.get("title") or row["id"] for row in draft.citations]
        await self.put("draft", conversation=conversation, text=draft.answer, sources=sources)
