"""The same questions asked of a model server by a plain client, without Attune.

Needs Django set up on the site's data: the prompts are those that Attune would send.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field

from chatbot.reply import prompt
from chatbot.reply.found import Found
from chatbot.reply.from_records import FromRecords
from chatbot.reply.retrieve import retrieve
from chatbot.reply.tier import Policy
from chatbot.reply.turn import Outcome, Turn
from crm.plumbing.threads import in_thread
from inference import sentences
from inference.energy import counters
from inference.generation.client import ChatMessages, Generator, Usage


@dataclass
class Asked:
    """A question with what Attune would ask the model, and what its check would say."""

    messages: ChatMessages
    answering: FromRecords
    found: Found

    async def shown(self, sentence: str) -> bool:
        return bool(await self.answering.checked(sentence, self.found))


async def asked(text: str) -> Asked:
    """In this process, on the site's data."""
    turn = Turn(text, None)
    found = await in_thread(retrieve, turn)
    messages = prompt.messages(text, found.records, found.history)
    answering = FromRecords(turn, Outcome(), set(), nullcontext, Policy())
    return Asked(messages, answering, found)


@dataclass
class Direct:
    """A plain client of the model server."""

    generator: Generator
    # Of each question: its sentences, and seconds until each had come.
    heard: list[tuple[Asked, list[tuple[str, float]]]] = field(default_factory=list)
    tokens: int = 0

    async def talk(self, questions: Sequence[Asked]) -> None:
        for one in questions:
            began, usage, sentences_at = time.monotonic(), Usage(), []
            stream = self.generator.stream(one.messages, prompt.MAX_TOKENS, usage)
            async with aclosing(stream):
                async for sentence in sentences.stream(stream):
                    sentences_at.append((sentence, time.monotonic() - began))
            sentences_at.append(("", time.monotonic() - began))
            self.heard.append((one, sentences_at))
            self.tokens += usage.completion_tokens

    async def first(self) -> list[float]:
        """Judged afterwards, so that a plain client's time holds no check."""
        return [await until_shown(one, sentences_at) for one, sentences_at in self.heard]


async def until_shown(one: Asked, sentences_at: Sequence[tuple[str, float]]) -> float:
    for sentence, at in sentences_at:
        refused = prompt.NOT_ON_RECORD in sentence.upper()
        if not sentence or refused or await one.shown(sentence):
            return at
    raise AssertionError("an answer has an end")


async def directly(
    generator: Generator, customers: Sequence[Sequence[str]]
) -> tuple[list[float], int, float, float | None]:
    """Each customer's questions, one after another. Seconds until each would have been shown
    something; tokens written, seconds for all, and joules where something counts them."""
    clients = [Direct(generator) for _ in customers]
    questions = [[await asked(text) for text in texts] for texts in customers]
    before, began = counters.joules(), time.monotonic()
    await asyncio.gather(*map(Direct.talk, clients, questions))
    seconds, joules = time.monotonic() - began, counters.used(before, counters.joules())
    first = [second for client in clients for second in await client.first()]
    return first, sum(client.tokens for client in clients), seconds, joules
