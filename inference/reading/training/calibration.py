"""Fits the reranker's probabilities and thresholds, on companies and conversations that it was not
trained on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.evaluation import reading
from inference.reading.reader import Scores
from inference.reading.reranker import (
    Judgement,
    LargeReranker,
    Ranks,
    Reranker,
    Score,
    features,
    joined,
    lead,
    logistic,
)
from inference.reading.training.reranking import Case
from inference.reading.training.weights import note

Weights = NDArray[np.float64]

# What the thresholds let through on companies that are not trained on. ANSWERED: the share of the
# questions without an answer that reach the language model. TOLD: the share of the questions with
# no answer or a wrong best line whose line is shown although the language model found no answer. Of
# the first 150 messages in `messages.jsonl` (best line, no language model), 80 are answered right
# and 48 wrong with the threshold that 0.13 gives (0.29), and 75 and 47 with 0.36: the others are
# refused or passed to a person (2026-11-30).
ANSWERED, TOLD = 0.13, 0.05
# The share of the lines shown without the language model that answer. Of 100 questions about two
# companies that are not trained on, the best line alone answers 85 correctly; asking the 1.5B
# model, which takes seconds, gives 83 (2026-11-29).
AT_ONCE = 0.85

# From this certainty of its best line on, the small reranker ranks alone. With the weights of the
# fourth training, the large one then read 0.68 of the questions, hard ones among them, and 1,026 of
# 1,377 held-out questions had the right line first, as many as if it read them all. With `at_once`
# as the limit it was 1,019, and without the large one 978. Both scores count equally: with half the
# weight for each, 1,015 had the right line first (2026-11-30).
SURE = 0.8


@dataclass(frozen=True)
class Scored:
    """A case, and each model's scores of its lines: the reader's first."""

    case: Case
    scores: tuple[Scores, ...]


@dataclass(frozen=True)
class Best:
    """The probability that the best line of a case answers, its lead, and the truth."""

    answers: float
    lead: float
    is_right: bool
    has_answer: bool


def calibrate(
    folder: Path, tokenizer: Path, cases: Sequence[Case], large: LargeReranker | None = None
) -> None:
    """Fit the numbers in the manifest of `folder`: for the reranker alone, and for both models if
    there is a large one."""
    able = Reranker(folder, tokenizer)
    alone = [scored(able, case) for case in cases]
    score_weights = fitted_to(alone, able.count)
    best = [best_of(one, score_weights, able.weight) for one in alone]
    found = numbers(score_weights, best)
    both = with_large(able, large, alone, best, Judgement(found)) if large else {}
    note(folder, found | {"with_large": both})


def with_large(
    able: Reranker,
    large: LargeReranker,
    alone: Sequence[Scored],
    best: Sequence[Best],
    judgement: Judgement,
) -> dict[str, Any]:
    """Fit the numbers for both models: the large one reads where the other is unsure."""
    unsure = {
        at: Scored(one.case, (*one.scores, scores_of(able, one.case, large.scores)))
        for at, one in enumerate(alone)
        if judgement.sure(best[at].answers, best[at].lead) < SURE
    }
    if not unsure:
        return {}
    score_weights = fitted_to([*unsure.values()], able.count)
    again = {at: best_of(one, score_weights, able.weight) for at, one in unsure.items()}
    mixed = [again.get(at, one) for at, one in enumerate(best)]
    asked = {"name": large.name, "sure": SURE, "asked": round(len(unsure) / len(best), 3)}
    return asked | numbers(score_weights, mixed)


def scored(able: Reranker, case: Case) -> Scored:
    return Scored(case, (floats(case.first), scores_of(able, case, able.scores)))


def scores_of(able: Reranker, case: Case, score: Score) -> Scores:
    first, liked = floats(case.first), floats(case.liked)
    return able.again(score, case.question, case.lines, first, liked, case.before)


def floats(values: Sequence[float]) -> Scores:
    return np.array(values, np.float32)


def fitted_to(cases: Sequence[Scored], count: int) -> Weights:
    """Fit the weights of the scores in the probability that a line answers, on the best lines."""
    values = [np.stack(one.scores, axis=1)[:count] for one in cases]
    right = [one.case.right[:count] for one in cases]
    return fitted(np.concatenate(values), np.concatenate(right))


def best_of(one: Scored, score_weights: Weights, weight: float) -> Best:
    ranks = joined(weight, *one.scores) + floats(one.case.liked)
    at = int(ranks.argmax())
    answers = float(logistic(score_weights, np.stack(one.scores, axis=1))[at])
    return Best(answers, lead(ranks), one.case.right[at], one.case.answer is not None)


def numbers(score_weights: Weights, best: Sequence[Best]) -> dict[str, Any]:
    """Return what a manifest says about probabilities, and what they reach on these cases."""
    told = features([one.answers for one in best], [one.lead for one in best])
    hits = [one.is_right for one in best]
    sureness = fitted(told, np.array(hits))
    return {
        "calibration": [round(float(one), 4) for one in score_weights],
        "sureness": [round(float(one), 4) for one in sureness],
        "thresholds": {
            "answering": above([one.answers for one in best if not one.has_answer], ANSWERED),
            "at_once": precise(logistic(sureness, told).tolist(), hits, AT_ONCE),
            "telling": above([one.answers for one in best if not one.is_right], TOLD),
        },
        "figures": {
            "n": len(best),
            "hit1": float(np.mean([one.is_right for one in best if one.has_answer])),
            "auc": reading.auc([one.has_answer for one in best], [one.answers for one in best]),
        },
    }


def ranked(able: Reranker, case: Case) -> Ranks:
    first, liked = floats(case.first), floats(case.liked)
    return able.rank(case.question, case.lines, first, liked, case.before)


def hit1(able: Reranker, cases: Sequence[Case]) -> float:
    """Return the share of the questions with an answer whose right line comes first."""
    hits = []
    for case in cases:
        if case.answer is not None:
            ranks = ranked(able, case).ranks
            hits.append(case.right[int(ranks.argmax())])
    return float(np.mean(hits)) if hits else 0.0


def fitted(values: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Fit the probability as the logistic function of the values, (rows, columns), and one; by
    Newton's method on the negative log likelihood. Returns a weight for each."""
    design = np.concatenate([values, np.ones((len(values), 1))], axis=1).astype(np.float64)
    chosen = np.zeros(design.shape[1])
    for _ in range(50):
        predicted = logistic(chosen, values)
        slope = design.T @ (predicted - truth)
        curve = (design * (predicted * (1 - predicted))[:, None]).T @ design
        chosen -= np.linalg.solve(curve + 1e-6 * np.eye(len(chosen)), slope)
    return chosen


def precise(values: list[float], right: list[bool], share: float) -> float:
    """Return the least value from which on `share` are right; 1 if there is none."""
    order = np.argsort(values)[::-1]
    shares = np.cumsum(np.array(right)[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(shares >= share)
    return math.floor(1e4 * values[order[enough[-1]]]) / 1e4 if len(enough) else 1.0


def above(values: list[float], share: float) -> float:
    """Return the value that only `share` of the values exceed, rounded up; 1 without values."""
    falling = sorted(values, reverse=True)
    return math.ceil(1e4 * falling[int(share * len(falling))] + 1) / 1e4 if falling else 1.0
