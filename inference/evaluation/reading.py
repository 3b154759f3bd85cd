"""Figures of reading: which line answers a question, and whether a record supports a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Shares of unsupported sentences shown, at which the supported ones withheld are reported.
SHOWN = (0.01, 0.05)


@dataclass(frozen=True)
class Ranked:
    """A question: the score of each line, the lines that answer it (none: nothing does), and how
    certain it is that the best one does."""

    source: str
    scores: Sequence[float]
    answers: frozenset[int]
    certainty: float


@dataclass(frozen=True)
class Judged:
    """A sentence: whether its premise supports it, its score, whether it would be shown, and
    whether the premise's own words would be told in its place."""

    source: str
    supported: bool
    score: float
    shown: bool
    told: bool = False


def reader(rows: Sequence[Ranked]) -> dict[str, Any]:
    """hit1 and hit3 over the questions that have an answer; auc over all, by the certainty."""
    answerable = [row for row in rows if row.answers]
    return {
        "n": len(rows),
        "hit1": mean([hit(row, 1) for row in answerable]),
        "hit3": mean([hit(row, 3) for row in answerable]),
        "auc": auc([bool(row.answers) for row in rows], [row.certainty for row in rows]),
    }


def hit(row: Ranked, count: int) -> bool:
    best = np.argsort(-np.asarray(row.scores), kind="stable")[:count]
    return any(int(line) in row.answers for line in best)


def check(rows: Sequence[Judged]) -> dict[str, Any]:
    """shown: of the unsupported sentences; withheld: of the supported ones, told among them: those
    in whose place the premise's own words are told."""
    good, bad = [r for r in rows if r.supported], [r for r in rows if not r.supported]
    return {
        "n": len(rows),
        "auc": auc([row.supported for row in rows], [row.score for row in rows]),
        "shown": mean([row.shown for row in bad]),
        "withheld": mean([not row.shown for row in good]),
        "told": mean([row.told for row in good]),
        **{f"withheld_at_{share * 100:.0f}": withheld_at(good, bad, share) for share in SHOWN},
    }


def withheld_at(good: Sequence[Judged], bad: Sequence[Judged], share: float) -> float | None:
    """The share of the supported sentences that score no higher than the unsupported one below
    which only `share` of the unsupported lie above."""
    if not good or not bad:
        return None
    falling = sorted((row.score for row in bad), reverse=True)
    floor = falling[int(share * len(falling))]
    return mean([row.score <= floor for row in good])


def auc(labels: Sequence[bool], scores: Sequence[float]) -> float | None:
    """The chance that a true one scores higher than a false one; ties count half."""
    true, false = np.asarray(labels, bool), ~np.asarray(labels, bool)
    if not true.any() or not false.any():
        return None
    _, place, count = np.unique(np.asarray(scores, float), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    above = ranks[true].sum() - true.sum() * (true.sum() + 1) / 2
    return round(float(above / (true.sum() * false.sum())), 4)


def mean(values: Sequence[bool]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
