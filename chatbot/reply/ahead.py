"""Reads ahead: what a reply will need is read while the customer is still typing.

Reading the prompt takes most of the time to the first sentence on a CPU. When the chat opens, the
reader reads the customer's newest records, and the engine reads the rules and what was said before.
If the inbox allows it, the search, the reader and the engine then each read what they would read if
the text typed so far were sent now: the engine's prefix cache then holds the prompt up to the part
that still changes, the end of the question.

The engine reads in small pieces, and only while no reply needs it: a reply waits for one piece at
most. None of this is stored, and a failure costs only time. The text is kept in memory until the
message comes or the customer leaves.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import ref

from chatbot.engines import admission, tiers
from chatbot.engines.admission import Notify
from chatbot.reply import prompt
from chatbot.reply.answer import split_questions
from chatbot.reply.found import Found
from chatbot.reply.from_records import for_model
from chatbot.reply.lookup import look_up
from chatbot.reply.retrieve import read_newest, retrieve
from chatbot.reply.route import Target, decide
from chatbot.reply.tier import Policy, choose
from chatbot.reply.turn import Turn
from crm.plumbing.threads import in_thread
from inference.generation.client import ChatMessages
from inference.generation.tier import Tier

logger = logging.getLogger("attune.reply")
# With fewer words, the search finds other records than with the whole question.
FEWEST_WORDS = 3
# Seconds that a reply waits for the piece that the engine is reading for it. If it did not wait, a
# slow engine would have to read the whole prompt again.
LONGEST_PIECE = 10.0

# Returns the turn as it would be if the customer sent what they have typed; None if the bot would
# not answer it.
TurnOf = Callable[[], Turn | None]


@dataclass(frozen=True)
class Prompt:
    """The prompt for the language model, and the tier that would get it."""

    tier: Tier
    messages: ChatMessages
    records: tuple[str, ...] = ()


@dataclass(eq=False)
class Ahead:
    """Reads ahead for one conversation until its next message."""

    # The blocks of the prompt that the engine reads or has read.
    records: tuple[str, ...] = ()
    # The last piece that it has read.
    read: ChatMessages = field(default_factory=list)
    latest: TurnOf | None = None
    task: asyncio.Task[None] | None = None
    over: bool = False

    def follow(self, turn_of: TurnOf) -> None:
        """Read for this turn in place of the one before."""
        self.latest = turn_of
        self.task = admission.queue().while_idle(self.catch_up) or self.task

    async def catch_up(self) -> None:
        try:
            while turn_of := self.latest:
                self.latest = None
                if upcoming := await in_thread(prompt_of, turn_of, self.records):
                    self.records = upcoming.records
                    await self.let_read(upcoming)
        except Exception as error:
            # Without the error's text, which may quote what was typed.
            logger.info("nothing was read ahead: %s", type(error).__name__)

    async def let_read(self, upcoming: Prompt) -> None:
        """Let the engine read on, piece by piece, until something newer has been typed."""
        tier, this = upcoming.tier.name, ref(self)
        if (_engine.tier, _engine.reads_for) != (tier, this):
            # The engine may have forgotten all but the rules, and would read the rest in one go.
            self.read = prompt.BEGINNING if tier in _engine.ruled else []
            _engine.tier, _engine.reads_for = tier, this
        for piece in prompt.pieces(upcoming.messages, self.read):
            if self.over or self.latest:
                return
            async for _ in upcoming.tier.stream(piece, max_tokens=1):
                pass
            self.read = piece
            if len(piece) > len(prompt.BEGINNING):
                _engine.ruled.add(tier)

    def end(self) -> None:
        """Begin no further piece, because the message has come."""
        self.over, self.latest = True, None
        if admission.queue().spare is self.task:
            # The reply waits for this piece instead of ending it.
            admission.queue().spare = None

    @asynccontextmanager
    async def place(self, notify: Notify | None = None) -> AsyncIterator[None]:
        """Wait until the engine has read the piece at hand, then for a place at the language model:
        the engine can reuse what it has read only where no other request is using it."""
        if self.task:
            await asyncio.wait([self.task], timeout=LONGEST_PIECE)
            self.task.cancel()
        _engine.reads_for = None
        async with admission.queue().place(notify):
            yield


def prompt_of(turn_of: TurnOf, ahead: tuple[str, ...]) -> Prompt | None:
    """Return what the language model would be asked; None if it would not be asked.

    The reader's opinion of half a question decides nothing: of 29 questions to the model, 10 had no
    answer one word earlier, and for 5 the reader was sure of the line (2026-11-29).
    ahead: the records that the engine has read for what was typed before.
    """
    turn = turn_of()
    if turn is None:
        return None
    if len(turn.text.split()) < FEWEST_WORDS:
        read_newest(turn)
        known = prompt.messages(*for_model(replace(turn, text=""), Found(history=[*turn.history])))
        return Prompt(tiers.tiers()[0], prompt.beginning(known))
    if decide(turn).target is not Target.BOT:
        return None
    turn = replace(turn, text=split_questions(turn.text)[0], ahead=ahead)
    if look_up(turn):
        return None
    found = retrieve(turn, quickly=True)
    tier = choose(tiers.tiers(), turn, found, Policy()).tiers[0]
    return Prompt(tier, prompt.messages(*for_model(turn, found)), tuple(found.records))


@dataclass
class Engine:
    """Keeps track of what this process lets the language model's engines read."""

    # The tier and the conversation that the engine reads for, of which nothing is kept here.
    tier: str = ""
    reads_for: ref[Ahead] | None = None
    # The tiers that have read the rules.
    ruled: set[str] = field(default_factory=set)


_engine = Engine()
_ahead: dict[Any, Ahead] = {}


def typed(conversation: Any, turn_of: TurnOf) -> None:
    """Read ahead for what was typed, or for "" when the chat opens."""
    known = _ahead.get(conversation)
    if known is None or known.over:
        known = _ahead[conversation] = Ahead()
    known.follow(turn_of)


def sent(conversation: Any) -> None:
    if known := _ahead.get(conversation):
        known.end()


def taken(conversation: Any) -> Ahead:
    """Return what was read for the message that has come, and forget it."""
    known = _ahead.pop(conversation, None) or Ahead()
    known.end()
    return known


def left(conversation: Any) -> None:
    if task := taken(conversation).task:
        task.cancel()
