"""Summaries of conversations, for the agent who takes one over and for the archive.

The language model writes three lines from the messages. Each line is checked against them, and one
that says more than they do is replaced by the customer's own words. The mood is computed from the
scores.
"""

import asyncio
import logging
from contextlib import aclosing
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from celery import shared_task
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chatbot.engines import admission, tiers
from chatbot.models import Conversation, Message, Summary
from chatbot.wire import hints
from crm.plumbing import background, threads
from crm.plumbing.threads import in_thread
from inference.generation.client import ChatMessages, GenerationError, Usage
from inference.grounding import holds, stems, vocabulary
from inference.grounding.facts import Fact, facts
from inference.grounding.injection import plain
from inference.length import cut
from inference.sentiment import UNKNOWN
from inference.text import blank

logger = logging.getLogger("attune.summary")
Author = Message.Author
RULES = """You read a conversation between a customer and a company, and sum it up for a colleague.
Write exactly three lines, each one short sentence, with facts of the conversation only:
Problem: what the customer wants
Tried: what was answered or done so far
Open: what is still to be answered, or nothing"""
LABELS = {"problem": "problem", "tried": "tried", "question": "open"}
MAX_TOKENS = 120
MESSAGES = 24
CHARACTERS = 240
# Upper bound for the messages. With the rules and the answer, they stay below the 4,096 tokens that
# the model's servers are started with.
PROMPT_TOKENS = 3_500
# With fewer messages of the customer, reading them is faster than reading a summary.
WORTH_IT = 2
# Messages that make up the mood at the start, and at the end.
MOOD_MESSAGES = 2
# Share of a line's words that may be missing from the conversation.
FOREIGN = 0.5
NEWS = {"type": "conversation.news", "summary": True}
# Words in which a summary is told; they claim nothing.
TELLING = stems(
    "customer client wants wanted asks asked asking wonders needs complains reports reported "
    "company colleague assistant bot agent answered answer told informed offered explained "
    "question issue problem nothing open still conversation person human team speak"
)
_under_way: set[asyncio.Task[None]] = set()


@dataclass(frozen=True)
class Transcript:
    """The conversation as the model reads it."""

    lines: list[tuple[str, str]]
    scores: list[float]
    seq: int

    @property
    def customers(self) -> list[str]:
        return [text for author, text in self.lines if author == Author.CUSTOMER]

    @property
    def text(self) -> str:
        return "\n".join(f"{author.capitalize()}: {text}" for author, text in self.lines)


def schedule(conversation: Conversation) -> None:
    """Summarise the conversation once this transaction is committed: in this process if it has an
    event loop, else as a background task."""
    id = conversation.id
    if (loop := threads.loop.get()) is None:
        background.later(sum_up, str(id))
        return
    # In a context of its own: in this thread's, asgiref would take the next database query for one
    # that the thread itself waits for, and refuse it.
    transaction.on_commit(lambda: loop.call_soon_threadsafe(start, id, context=Context()))


@shared_task(name="chatbot.tasks.sum_up")
def sum_up(conversation: str) -> None:
    async_to_sync(summarise_and_deliver)(UUID(conversation))


async def summarise_and_deliver(conversation: UUID) -> None:
    await summarise(conversation)
    await hints.delivered()


def start(conversation: UUID) -> None:
    task = asyncio.create_task(summarise(conversation))
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def summarise(conversation: UUID) -> None:
    try:
        transcript = await in_thread(read, conversation)
        if len(transcript.customers) >= WORTH_IT:
            lines = checked(parsed(await generated(transcript)), transcript)
            await in_thread(keep, conversation, transcript, lines)
    except GenerationError as error:
        logger.warning("no summary: %s", error)
        await hints.send(conversation, NEWS)  # The agent who asked for it stops waiting.


def read(conversation: UUID) -> Transcript:
    rows = Message.objects.filter(conversation=conversation).exclude(author=Author.SYSTEM)
    newest = list(rows.order_by("-seq")[:MESSAGES])[::-1]
    scored = rows.filter(author=Author.CUSTOMER, score__isnull=False).exclude(label=UNKNOWN)
    scores = scored.order_by("seq").values_list("score", flat=True)
    return Transcript(
        [(one.author, plain(one.text)[:CHARACTERS]) for one in newest if one.text],
        [score for score in scores if score is not None],
        newest[-1].seq if newest else 0,
    )


async def generated(transcript: Transcript) -> str:
    messages: ChatMessages = [
        {"role": "system", "content": RULES},
        {"role": "user", "content": cut(transcript.text, PROMPT_TOKENS)},
    ]
    # The largest tier: no customer waits for it, and its reader may have nothing else.
    tier = (await in_thread(tiers.tiers))[-1]
    async with admission.queue().place():
        pieces = tier.stream(messages, MAX_TOKENS, Usage())
        async with aclosing(pieces):
            return "".join([piece async for piece in pieces])


def parsed(text: str) -> dict[str, str]:
    """Return the model's lines by the names of the fields; a missing line is ""."""
    lines = {}
    for line in text.splitlines():
        label, colon, rest = line.strip().lstrip("-*1234567890. ").partition(":")
        lines[label.strip("* ").lower()] = rest.strip("* ") if colon else ""
    return {name: lines.get(label, "") for name, label in LABELS.items()}


def checked(lines: dict[str, str], transcript: Transcript) -> dict[str, str]:
    """Keep the lines that the conversation supports, and replace others by the customer's words."""
    customers = transcript.customers
    own = {"problem": customers[0], "tried": "", "question": customers[-1]}
    supports = partial(supported, text=transcript.text)
    return {
        name: line if line and supports(line) else quoted(own[name]) for name, line in lines.items()
    }


def supported(line: str, text: str) -> bool:
    known = vocabulary(text)
    claims = [fact for fact in facts(line) if not telling(fact)]
    words = stems(line) - TELLING
    foreign = words - stems(text)
    return all(holds(known, fact) for fact in claims) and len(foreign) <= FOREIGN * len(words)


def telling(fact: Fact) -> bool:
    return fact.kind == "name" and bool(stems(fact.value) & TELLING)


def quoted(text: str) -> str:
    return f"“{text}”" if text else ""


def keep(conversation: UUID, transcript: Transcript, lines: dict[str, str]) -> None:
    """Store a summary, unless an agent has corrected it."""
    scores = transcript.scores
    values: dict[str, Any] = lines | {
        "mood_start": mean(scores[:MOOD_MESSAGES]),
        "mood_end": mean(scores[-MOOD_MESSAGES:]),
        "seq": transcript.seq,
        "at": timezone.now(),
    }
    with transaction.atomic():
        Conversation.objects.select_for_update().get(id=conversation)
        known = Summary.objects.filter(conversation=conversation).first()
        if known and known.corrected_by_id:
            return
        Summary.objects.update_or_create(conversation_id=conversation, defaults=values)
        announce(conversation)


def correct(conversation: Conversation, agent: User, lines: dict[str, str]) -> None:
    values = {name: "" if blank(lines[name]) else lines[name].strip() for name in LABELS}
    with transaction.atomic():
        Summary.objects.update_or_create(
            conversation=conversation, defaults=values | {"corrected_by": agent}
        )
        announce(conversation.id)


def announce(conversation: UUID) -> None:
    transaction.on_commit(lambda: hints.announce(conversation, NEWS))


def mean(scores: list[float]) -> float | None:
    return sum(scores) / len(scores) if scores else None
