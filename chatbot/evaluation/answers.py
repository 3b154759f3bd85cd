"""Judges answers to a file of {"id", "kind", "customer", "question", "expect", "forbid"}, or to
those questions of company files that have an expected answer."""

import asyncio
import json
from datetime import date
from pathlib import Path
from typing import Any

from tqdm import tqdm

from chatbot.console.traces import why_withheld
from chatbot.evaluation import companies
from chatbot.evaluation.apart import apart
from chatbot.reply.ask import ask
from inference.energy import counters
from inference.evaluation.answers import OUTCOMES, Judged, judge, table
from inference.evaluation.markdown import table as markdown

Rows = list[dict[str, Any]]
Pair = tuple[dict[str, Any], dict[str, Any], Judged]


def run(rows: Rows, options: dict[str, Any]) -> dict[str, Any]:
    before = counters.joules()
    of_companies = bool(rows) and "company" in rows[0]
    pairs = (
        answered_by_companies(rows)
        if of_companies
        else asyncio.run(answered(rows, options.get("today")))
    )
    judged = [verdict for _, _, verdict in pairs]
    wrong = "".join(explained(*pair) for pair in pairs if not pair[2].right)
    return {
        "figures": table(judged),
        "wrong": wrong,
        "judged": judged,
        "joules": counters.used(before, counters.joules()),
    }


def answered_by_companies(rows: Rows) -> list[Pair]:
    """Ask each company's questions on a database that holds its records alone."""
    pairs: list[Pair] = []
    with apart() as empty:
        for own in tqdm(list(companies.each(rows)), unit=" companies", disable=None, leave=False):
            questions = list(companies.asked(own))
            company = empty.holding(companies.records(own))
            given = "".join(json.dumps(question) + "\n" for question in questions)
            answers = map(json.loads, company.manage(["ask", "--jsonl"], given).splitlines())
            pairs += [(q, a, judge(q, a)) for q, a in zip(questions, answers, strict=True)]
    return pairs


async def answered(questions: Rows, today: date | None) -> list[Pair]:
    pairs = []
    for question in tqdm(questions, unit=" questions", disable=None, leave=False):
        day = date.fromisoformat(question["today"]) if "today" in question else today
        answer = await ask(question["question"], question.get("customer"), today=day)
        pairs.append((question, answer, judge(question, answer)))
    return pairs


HEAD = ("kind", "questions", *OUTCOMES, "right, %", "withheld sentences", "tokens read / written")
SECONDS = ("first sentence, s", "whole answer, s")


def as_text(result: dict[str, Any]) -> str:
    joules, rows = result["joules"], result["figures"]
    used = (
        "not measured" if joules is None else f"{joules / rows[-1]['questions']:.1f} J a question"
    )
    return (
        markdown([*HEAD, *SECONDS], [cells(row) for row in rows])
        + "\n\nSeconds: median / 95th percentile. Withheld: written by the model, never shown. "
        f"Energy: {used}."
    )


def cells(row: dict[str, Any]) -> list[str]:
    return [
        row["kind"],
        str(row["questions"]),
        *(str(row[name]) for name in OUTCOMES),
        f"{row['right'] / row['questions']:.0%}",
        str(row["withheld"]),
        f"{row['prompt_tokens']:,} / {row['completion_tokens']:,}",
        pair(row["first_sentence"]),
        pair(row["total"]),
    ]


def pair(spread: dict[str, float] | None) -> str:
    return f"{spread['median']:.2f} / {spread['p95']:.2f}" if spread else "-"


def draw(result: dict[str, Any], folder: Path) -> list[str]:
    from inference.evaluation import plots

    plots.outcomes(result["figures"], folder / "outcomes.png")
    judged = result["judged"]
    seconds = {
        "first sentence": [
            answer.first_sentence for answer in judged if answer.first_sentence is not None
        ],
        "whole answer": [answer.total for answer in judged if answer.total is not None],
    }
    plots.waiting(seconds, folder / "waiting.png")
    return ["outcomes.png", "waiting.png"]


def explained(question: dict[str, Any], answer: dict[str, Any], judged: Judged) -> str:
    held = "".join(
        f"\n    withheld: {one['sentence']} [{why_withheld(one)}]" for one in answer["withheld"]
    )
    expected = json.dumps(question["expect"], ensure_ascii=False)
    forbidden = f"\n    forbidden: {', '.join(judged.forbidden)}" if judged.forbidden else ""
    return (
        f"\n{question['id']} ({question['kind']}) {question['question']}\n"
        f"    {answer['state']}: {answer['answer']}\n"
        f"    expected: {expected[:120]}{held}{forbidden}\n"
    )
