"""Measures what routing saves and costs, on the same file as `answers`.

Each question is asked of each tier alone. Sampling is greedy, so these answers show what any
threshold would have answered, and the frontier of right answers against token time needs no third
run.
"""

import asyncio
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tqdm import tqdm

from chatbot.engines.tiers import tiers
from chatbot.reply.ask import ask
from chatbot.reply.tier import Policy
from crm.plumbing.threads import in_thread
from inference.evaluation.answers import judge
from inference.evaluation.markdown import table
from inference.generation.client import GenerationError

Rows = list[dict[str, Any]]
STEP = 0.05
SHARES = ("kept", "token_time", "to_large", "escalated")


@dataclass(frozen=True)
class Answered:
    """One question, answered by one tier alone."""

    right: bool
    # Spent on its requests to the model.
    seconds: float
    tokens: int
    # None of it was shown, and a larger tier would try.
    escalates: bool


@dataclass(frozen=True)
class Question:
    difficulty: float
    small: Answered
    large: Answered


def run(questions: Rows, options: dict[str, Any]) -> dict[str, Any]:
    asked = asyncio.run(compared(questions, options.get("today")))
    used = [question for question in asked if question.large.seconds or question.small.seconds]
    rows = [frontier(asked, step * STEP) for step in range(int(1 / STEP) + 1)]
    return {"figures": thinned(rows), "asked": len(used), "wrong": ""}


async def compared(questions: Rows, today: date | None) -> list[Question]:
    known = await in_thread(tiers)
    if len(known) < 2:
        raise ValueError("routing needs two tiers: add one in the admin or by `manage.py tier add`")
    small, large = known[0].name, known[-1].name
    return [
        await both(question, small, large, today)
        for question in tqdm(questions, unit=" questions", disable=None, leave=False)
    ]


async def both(question: dict[str, Any], small: str, large: str, today: date | None) -> Question:
    # The large tier first: a later escalation finds the prompt in its prefix cache, and is counted
    # with the time of this first request.
    alone = Policy(thresholds={small: 0, large: 0}, escalates=False)
    asked = question["question"], question.get("customer")
    second = await ask(*asked, alone, today=today)
    # No question reaches this threshold, but an escalation may still reach the large tier.
    out_of_reach = Policy(thresholds={small: 0, large: 1.01})
    first = await ask(*asked, out_of_reach, today=today)
    if error := first.get("error") or second.get("error"):
        # A question that the server did not answer says nothing about its model.
        raise GenerationError(error)
    difficulty = first["routing"].get("difficulty", 0.0)
    return Question(difficulty, answered(question, first, small), answered(question, second, large))


def answered(question: dict[str, Any], answer: dict[str, Any], tier: str) -> Answered:
    requests = [request for request in answer["generations"] if request["tier"] == tier]
    return Answered(
        right=judge(question, answer).right,
        seconds=sum(request["seconds"] for request in requests),
        tokens=sum(request["prompt_tokens"] + request["completion_tokens"] for request in requests),
        escalates="escalated" in answer["routing"],
    )


def frontier(asked: list[Question], threshold: float) -> dict[str, float]:
    """Compute the shares of the large tier's right answers and of its token time."""
    routed = [question.difficulty >= threshold for question in asked]
    escalated = [
        not large and question.small.escalates
        for question, large in zip(asked, routed, strict=True)
    ]
    kept = seconds = 0.0
    for question, large, second in zip(asked, routed, escalated, strict=True):
        # After an escalation `small` holds the large tier's answer, which the customer saw.
        final = question.large if large else question.small
        kept += final.right and question.large.right
        seconds += question.large.seconds if large or second else 0
        seconds += 0 if large else question.small.seconds
    return {
        "threshold": round(threshold, 2),
        "kept": kept / max(1, sum(question.large.right for question in asked)),
        "token_time": seconds / max(1e-9, sum(question.large.seconds for question in asked)),
        "to_large": sum(routed) / len(asked),
        "escalated": sum(escalated) / len(asked),
    }


def thinned(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    """Drop the thresholds that change nothing."""
    return [
        row
        for before, row in zip([None, *rows], rows, strict=False)
        if not before or row["token_time"] != before["token_time"]
    ]


def as_text(result: dict[str, Any]) -> str:
    head = ["threshold", "right answers kept", "token time", "at once to large", "escalated"]
    rows = [
        [f"{row['threshold']:.2f}", *(f"{row[name]:.1%}" for name in SHARES)]
        for row in result["figures"]
    ]
    return table(head, rows) + (
        f"\n\n{result['asked']} questions reached a model. Right answers and token time are shares "
        "of what the large tier alone has. Questions at or above the threshold go to the large "
        "tier at once; at 0 all do."
    )


def draw(result: dict[str, Any], folder: Path) -> list[str]:
    from inference.evaluation import plots

    plots.frontier(result["figures"], folder / "frontier.png")
    return ["frontier.png"]
