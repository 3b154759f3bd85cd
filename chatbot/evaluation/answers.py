"""Answers on a file of questions: {"id", "kind", "customer", "question", "expect", "forbid"}."""

import asyncio
import json
from typing import Any

from tqdm import tqdm

from chatbot.reply.ask import ask
from inference.evaluation.answers import Judged, judge, table

Rows = list[dict[str, Any]]
Pair = tuple[dict[str, Any], dict[str, Any], Judged]


def run(questions: Rows, options: dict[str, Any]) -> dict[str, Any]:
    pairs = asyncio.run(answered(questions))
    wrong = "".join(explained(*pair) for pair in pairs if not pair[2].right)
    return {"figures": table(judged for _, _, judged in pairs), "wrong": wrong}


async def answered(questions: Rows) -> list[Pair]:
    pairs = []
    for question in tqdm(questions, unit=" questions", disable=None, leave=False):
        answer = await ask(question["question"], question.get("customer"))
        pairs.append((question, answer, judge(question, answer)))
    return pairs


def in_words(result: dict[str, Any]) -> str:
    lines = [
        f"{'kind':16}{'right':>12}{'share':>8}{'forbidden':>11}"
        f"{'first sentence':>18}{'end':>16}   (median / p95, s)"
    ]
    for row in result["figures"]:
        share = row["right"] / row["questions"]
        lines.append(
            f"{row['kind']:16}{row['right']:>6} of {row['questions']:<3}{share:>7.0%}"
            f"{row['forbidden']:>11}{pair(row['first_sentence']):>18}{pair(row['total']):>16}"
        )
    return "\n".join(lines)


def pair(spread: dict[str, float] | None) -> str:
    return f"{spread['median']:.2f} / {spread['p95']:.2f}" if spread else "-"


def explained(question: dict[str, Any], answer: dict[str, Any], judged: Judged) -> str:
    held = "".join(f"\n    withheld: {h['sentence']} {h['missing']}" for h in answer["withheld"])
    expected = json.dumps(question["expect"], ensure_ascii=False)
    forbidden = f"\n    forbidden: {', '.join(judged.forbidden)}" if judged.forbidden else ""
    return (
        f"\n{question['id']} ({question['kind']}) {question['question']}\n"
        f"    {answer['state']}: {answer['answer']}\n"
        f"    expected: {expected[:120]}{held}{forbidden}\n"
    )
