"""Measures when the customer can read something: Attune's first sentence and the raw model's.

Each line is {"question", "customer"}, as for answers. Each question with records is asked twice:
through the pipeline, and as a plain request with the same prompt. The two take turns in such an
order that no prompt follows itself: for both, the server's prefix cache holds the constant
beginning of the prompt and nothing else.
"""

import asyncio
import statistics
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from chatbot.engines import tiers
from chatbot.reply import prompt
from chatbot.reply.ask import ask
from chatbot.reply.retrieve import retrieve
from chatbot.reply.turn import Turn
from crm.plumbing.threads import in_thread
from inference import sentences
from inference.evaluation.answers import spread
from inference.evaluation.markdown import table
from inference.generation.client import ChatMessages

Rows = list[dict[str, Any]]
ATTUNE, RAW = "Attune, first shown sentence", "raw model, first sentence"


@dataclass
class Asked:
    turn: Turn
    messages: ChatMessages
    seconds: dict[str, float]


def run(questions: Rows, options: dict[str, Any]) -> dict[str, Any]:
    asked = [question for question in asyncio.run(timed(questions)) if len(question.seconds) == 2]
    differences = [question.seconds[ATTUNE] - question.seconds[RAW] for question in asked]
    medians = {
        name: spread([question.seconds[name] for question in asked]) or {"median": 0.0, "p95": 0.0}
        for name in (ATTUNE, RAW)
    }
    ratio = medians[ATTUNE]["median"] / max(medians[RAW]["median"], 1e-9)
    figures = {
        "questions": len(asked),
        **medians,
        "ratio of medians": round(ratio, 3),
        "median difference": round(statistics.median(differences), 3) if asked else 0.0,
    }
    return {"figures": figures, "wrong": ""}


async def timed(questions: Rows) -> list[Asked]:
    asked = [question for row in questions if (question := await prepared(row))]
    if asked:
        await raw(asked[0].messages)
    for first in (0, 1):
        for number, question in enumerate(tqdm(asked, disable=None, leave=False)):
            if number % 2 == first:
                seconds, name = await raw(question.messages), RAW
            else:
                seconds, name = await ours(question.turn), ATTUNE
            if seconds is not None:
                question.seconds[name] = seconds
    return asked


async def prepared(row: dict[str, Any]) -> Asked | None:
    turn = Turn(text=row["question"], customer=row.get("customer"))
    retrieved = await in_thread(retrieve, turn)
    if not retrieved.answerable:
        return None
    messages = prompt.messages(turn.text, retrieved.records, retrieved.history)
    return Asked(turn, messages, {})


async def ours(turn: Turn) -> float | None:
    """Return the seconds to the first sentence; None if the model wrote none of the answer."""
    answer = await ask(turn.text, turn.customer)
    timings = answer["timings"]
    return timings["first_sentence"] if "first_generated" in timings else None


async def raw(messages: ChatMessages) -> float | None:
    began = time.monotonic()
    smallest, *_ = await in_thread(tiers.tiers)
    pieces = smallest.stream(messages, prompt.MAX_TOKENS)
    async with aclosing(pieces):
        async for _ in sentences.stream(pieces):
            return time.monotonic() - began
    return None


def as_text(result: dict[str, Any]) -> str:
    figures = result["figures"]
    rows = [
        [name, f"{figures[name]['median']:.2f}", f"{figures[name]['p95']:.2f}"]
        for name in (ATTUNE, RAW)
    ]
    return table(["seconds", "median", "95th percentile"], rows) + (
        f"\n\n{figures['questions']} questions, each asked both ways. Ratio of the medians "
        f"{figures['ratio of medians']:.2f}; median difference of a question "
        f"{1000 * figures['median difference']:.0f} ms."
    )
