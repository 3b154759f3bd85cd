"""What the customer said, and what became of it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from chatbot.conversation.crm_requests import Offer
from chatbot.models.replies import Ending
from inference.generation.client import (
    Usage,
)

# Holds a place at the language model, after waiting for one.
Admitted = Callable[[], AbstractAsyncContextManager[None]]


@dataclass(frozen=True)
class Turn:
    """What the customer said since the last answer, and what came before."""

    text: str
    customer: str | None
    # (author, text), oldest first.
    history: tuple[tuple[str, str], ...] = ()
    # Why the customer's mood asks for a person, in words; "" when it does not.
    alert: str = ""
    # What that quotes of the customer.
    alert_quote: str = ""
    # How many questions in a row had no answer on record, and whether the last reply offered to
    # pass the customer to a colleague.
    unanswered: int = 0
    offered: bool = False
    # Of the conversation, -1 to 1.
    mood: float = 0.0
    # A person has been asked for already.
    waiting: bool = False
    # What the inbox may have the CRM do for this customer.
    offers: tuple[Offer, ...] = ()
    # What the CRM knows of the customer, where the model is not to see it in what they typed.
    known: tuple[str, ...] = ()


@dataclass
class Outcome:
    answer: str = ""
    state: Ending = Ending.ANSWERED
    reason: str = ""
    quote: str = ""
    citations: list[dict[str, str]] = field(default_factory=list)
    withheld: list[dict[str, Any]] = field(default_factory=list)
    passages: list[dict[str, Any]] = field(default_factory=list)
    # Seconds since the start of the turn.
    timings: dict[str, float] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    # The one that answered last; how it was chosen; what each request to a model took.
    model: str = ""
    routing: dict[str, Any] = field(default_factory=dict)
    generations: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""
    # What the customer has asked to have done, by their words alone, and ids of records that they
    # named with it.
    action: int | None = None
    named: list[str] = field(default_factory=list)

    @property
    def route(self) -> str:
        """Who answers from here on: the bot, or a human."""
        return "human" if self.state is Ending.HANDED_OFF else "bot"
