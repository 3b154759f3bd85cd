"""The input and the result of one answer: a Turn and its Outcome."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from django.utils import timezone

from chatbot.conversation.crm_requests import Offer
from chatbot.conversation.wording import ACCEPT, PLAIN, Wording
from chatbot.models.replies import Ending
from crm.knowledge import search
from inference.generation.client import (
    Usage,
)

# Waits for a place at the language model and holds it.
Admitted = Callable[[], AbstractAsyncContextManager[None]]


@dataclass(frozen=True)
class Instead:
    """What is said to a message that has the words of a subject the inbox never talks about."""

    words: str
    sentence: str


@dataclass(frozen=True)
class Turn:
    """What the customer said since the last answer, and what came before."""

    text: str
    customer: str | None
    # (author, text), oldest first.
    history: tuple[tuple[str, str], ...] = ()
    # The records that each of the bot's answers rests on, the last answer first.
    cited: tuple[tuple[str, ...], ...] = ()
    # Why the customer's mood asks for a person, as a sentence; "" if it does not.
    alert: str = ""
    # The customer's words that raised the alert.
    alert_quote: str = ""
    # How many questions in a row had no answer on record, and whether the last reply offered to
    # pass the customer to a colleague.
    unanswered: int = 0
    offered: bool = False
    # The conversation's mood, -1 to 1.
    mood: float = 0.0
    # The conversation is already waiting for a person.
    waiting: bool = False
    # What was heard in the text besides its question: names of sentiment.classifier.INTENTS.
    intents: frozenset[str] = frozenset()
    # Words of the text on which the inbox always hands off.
    hand_off_on: str = ""
    # What the inbox says to the text in place of an answer; see guidance.py.
    instead: Instead | None = None
    # The bot's own sentences in the inbox's tone.
    words: Wording = PLAIN
    # The CRM actions that the inbox offers to this customer.
    offers: tuple[Offer, ...] = ()
    # The day that the turn is answered on; None: today.
    today: date | None = None
    # The answers by a click that the last reply offered.
    choices: tuple[str, ...] = ()
    # The customer's personal data from the CRM, to mask it in what the model reads. Empty unless
    # MASK_FOR_MODEL is set.
    known: tuple[str, ...] = ()
    # The inbox's key: what is for other inboxes only is not told. "": none.
    inbox: str = ""
    # The records that the engine has read ahead, as blocks of the prompt; see ahead.py.
    ahead: tuple[str, ...] = ()
    # Answer as if all drafts of articles were published.
    drafts: bool = False
    # The text is one of several questions in a message, but not the first.
    is_further: bool = False
    # The records that the question before, of the same message, was answered with a count or a
    # list of.
    counted: tuple[str, ...] = ()

    @cached_property
    def names(self) -> search.Names:
        """Return the records that the text names, and numbers that no record has, looked up
        once."""
        return search.names_in(self.text, self.customer)

    @property
    def day(self) -> date:
        return self.today or timezone.localdate()


def offers_colleague(ending: str, choices: Sequence[str]) -> bool:
    """Tell whether a reply offers a colleague: a refusal, or an answer to some of several questions
    only."""
    return ending == Ending.REFUSED or ACCEPT in choices


@dataclass
class Outcome:
    """The answer, how it ended, and the trace that staff can read."""

    answer: str = ""
    state: Ending = Ending.ANSWERED
    reason: str = ""
    quote: str = ""
    citations: list[dict[str, str]] = field(default_factory=list)
    # Answers that the customer may give by a click: "Order 10436", "Yes, please".
    choices: list[str] = field(default_factory=list)
    withheld: list[dict[str, Any]] = field(default_factory=list)
    passages: list[dict[str, Any]] = field(default_factory=list)
    # Seconds since the start of the turn.
    timings: dict[str, float] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    # The model that answered last; how its tier was chosen; the cost of each generation.
    model: str = ""
    routing: dict[str, Any] = field(default_factory=dict)
    generations: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""
    # The CRM action that the customer asked for in their own words, and the ids of the records
    # that it may concern.
    action: int | None = None
    named: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def mark(self, name: str) -> None:
        """Note when something happened for the first time."""
        self.timings.setdefault(name, round(time.monotonic() - self.started, 4))

    def cite(
        self, id: str, title: str, quote: str = "", at: date | None = None, address: str = ""
    ) -> None:
        """Name a record as a source. quote: the line of it that was told; at: the day of its last
        change; address: the page where customers can read it."""
        known = next((row for row in self.citations if row["id"] == id), None)
        if known is None:
            day = {"at": at.isoformat()} if at else {}
            page = {"address": address} if address else {}
            self.citations.append({"id": id, "title": title, "quote": quote, **day, **page})
        elif quote and quote not in known["quote"].split("\n"):
            known["quote"] = f"{known['quote']}\n{quote}".strip()

    @property
    def route(self) -> str:
        """Say who answers from here on: "bot" or "human"."""
        return "human" if self.state is Ending.HANDED_OFF else "bot"
