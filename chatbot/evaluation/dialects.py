"""Measures whether the same question in a dialect finds the same line: companies as for `reading`.

The words of the dialects are those of `inference/sentiment/distillation/dialects.json`.
"""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from chatbot.engines import reader
from chatbot.evaluation import companies
from inference.evaluation.markdown import table
from inference.lines import titled
from inference.sentiment.distillation.data import dialects, spoken

Rows = list[dict[str, Any]]
SEED = 7


def run(rows: Rows, options: dict[str, Any]) -> dict[str, Any]:
    asked = [row for row in companies.rows_of(rows) if "question" in row]
    plain = [first(row["question"], row["passages"]) for row in asked]
    pairs = {name: list(told_alike(asked, plain, rules)) for name, rules in dialects().items()}
    return {
        "figures": {name: figures(found) for name, found in pairs.items() if found},
        "wrong": "",
    }


def told_alike(
    asked: Rows, plain: list[tuple[int, bool]], rules: dict[str, list[str]]
) -> Iterator[tuple[bool, ...]]:
    """Yield for each question that the dialect changes: whether the first line is the same, whether
    both are answered or both refused, and whether the line is right, as asked and in the dialect.
    """
    rng = random.Random(SEED)
    for row, (line, answered) in zip(asked, plain, strict=True):
        other = spoken(row["question"], rules, rng)
        if other != row["question"]:
            same, also = first(other, row["passages"])
            yield line == same, answered == also, line in row["answers"], same in row["answers"]


def first(question: str, passages: list[str]) -> tuple[int, bool]:
    """Return the place of the line that is ranked first, and whether it may answer."""
    able = reader.reranker()
    scores = np.concatenate(reader.line_reader().scores(question, passages))
    found = able.rank(question, titled(passages), scores)
    return int(found.ranks.argmax()), bool(found.probabilities.max() >= able.answering)


def figures(found: list[tuple[bool, ...]]) -> dict[str, Any]:
    same, alike, plain, other = (
        round(float(np.mean(column)), 3) for column in zip(*found, strict=True)
    )
    return {
        "questions": len(found), "same line first": same, "answered or refused alike": alike,
        "right line as asked": plain, "right line in the dialect": other,
    }  # fmt: skip


def as_text(result: dict[str, Any]) -> str:
    figures = result["figures"]
    head = ["dialect", *next(iter(figures.values()), {})]
    return table(head, [[name, *map(str, row.values())] for name, row in figures.items()])
