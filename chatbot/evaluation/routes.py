"""What routing saves and costs: {"id", "kind", "customer", "question", "expect"} as for answers.

Each question is asked of each tier alone. Sampling is greedy, so what any threshold would have
answered follows from those answers, and the frontier of right answers against token time needs no
third run.
"""

import asyncio
from dataclasses import dataclass
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
    """One question by one tier alone."""

    right: bool
    # Of its requests to the model.
    seconds: float
    tokens: int
    # Nothing of it was shown, and a larger tier would try.
    escalates: bool


@dataclass(frozen=True)
class Question:
    difficulty: float
    small: Answered
    large: Answered


def run(questions: Rows, options: dict[str, Any]) -> dict[str, Any]:
    asked = asyncio.run(compared(questions))
    used = [one for one in asked if one.large.seconds or one.small.seconds]
    rows = [frontier(asked, step * STEP) for step in range(int(1 / STEP) + 1)]
    return {"figures": thinned(rows), "asked": len(used), "wrong": ""}


async def compared(questions: Rows) -> list[Question]:
    found = await in_thread(tiers)
    if len(found) < 2:
        raise ValueError("routing needs two tiers: add them in the admin, or `manage.py tier add`")
    small, large = found[0].name, found[-1].name
    return [
        await both(question, small, large)
        for question in tqdm(questions, unit=" questions", disable=None, leave=False)
    ]


async def both(question: dict[str, Any], small: str, large: str) -> Question:
    # The large one first: an escalation after it finds the prompt in its prefix cache, and is
    # counted with the time of the first.
    alone = Policy(thresholds={small: 0, large: 0}, escalates=False)
    second = await ask(question["question"], question.get("customer"), alone)
    # The large tier stands just out of reach, and may still be escalated to.
    out_of_reach = Policy(thresholds={small: 0, large: 1.01})
    first = await ask(question["question"], question.get("customer"), out_of_reach)
    if error := first.get("error") or second.get("error"):
        # What a server did not answer says nothing about its model.
        raise GenerationError(error)
    difficulty = first["routing"].get("difficulty", 0.0)
    return Question(difficulty, answered(question, first, small), answered(question, second, large))


def answered(question: dict[str, Any], answer: dict[str, Any], tier: str) -> Answered:
    requests = [one for one in answer["generations"] if one["tier"] == tier]
    return Answered(
        right=judge(question, answer).right,
        seconds=sum(one["seconds"] for one in requests),
        tokens=sum(one["prompt_tokens"] + one["completion_tokens"] for one in requests),
        escalates="escalated" in answer["routing"],
    )


def frontier(asked: list[Question], threshold: float) -> dict[str, float]:
    """Shares of the large tier's right answers and of its token time."""
    routed = [one.difficulty >= threshold for one in asked]
    escalated = [
        not large and one.small.escalates for one, large in zip(asked, routed, strict=True)
    ]
    kept = seconds = 0.0
    for one, large, second in zip(asked, routed, escalated, strict=True):
        # `small` holds what the customer saw in the end, the large tier's answer among it.
        final = one.large if large else one.small
        kept += final.right and one.large.right
        seconds += (one.large.seconds if large or second else 0) + (not large) * one.small.seconds
    return {
        "threshold": round(threshold, 2),
        "kept": kept / max(1, sum(one.large.right for one in asked)),
        "token_time": seconds / max(1e-9, sum(one.large.seconds for one in asked)),
        "to_large": sum(routed) / len(asked),
        "escalated": sum(escalated) / len(asked),
    }


def thinned(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    """Without thresholds that change nothing."""
    return [
        row
        for before, row in zip([None, *rows], rows, strict=False)
        if not before or row["token_time"] != before["token_time"]
    ]


def in_words(result: dict[str, Any]) -> str:
    head = ["threshold", "right answers kept", "token time", "at once to large", "escalated"]
    rows = [
        [f"{row['threshold']:.2f}", *(f"{row[name]:.1%}" for name in SHARES)]
        for row in result["figures"]
    ]
    return table(head, rows) + (
        f"\n\n{result['asked']} questions reached a model. Kept, and token time: of the large "
        "tier's alone. From the threshold on, a question goes to the large tier at once; 0 sends "
        "it all of them."
    )


def draw(result: dict[str, Any], folder: Path) -> list[str]:
    from inference.evaluation import plots

    plots.frontier(result["figures"], folder / "frontier.png")
    return ["frontier.png"]
