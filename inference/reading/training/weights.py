"""Writes the weights of the reader and of the reranker: graphs in eight bits, with a manifest."""

import json
import math
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inference.evaluation import reading
from inference.evaluation.reading import Ranked
from inference.models import export
from inference.models.sources import digest
from inference.reading.reader import Reader
from inference.reading.reranker import FARTHEST, Reranker, features, logistic
from inference.reading.training.data import Lesson
from inference.reading.training.model import Matcher
from inference.reading.training.reranking import Case, Together

# What the thresholds let through on companies that are not trained on: the share of questions
# without an answer that reach the language model; and of these and of those with a wrong best line,
# the share whose line is told although the language model saw no answer. A refusal shows what comes
# nearest, so a strict threshold costs little.
ANSWERED, TOLD = 0.1, 0.05
# The share of the lines told without the language model that answer. Of 100 questions about two
# companies that are not trained on, 85 are answered right by the best line alone, 83 if the 1.5B
# model is asked (2026-11-29); it takes seconds.
AT_ONCE = 0.85
# A line that is further behind the reader's best one, in units of the reader's score, is not ranked
# again. Of 600 questions of twelve companies and 360 messages in conversations, none trained on,
# the right line comes first for 0.764 and 0.676, and the AUC is 0.914 and 0.855, with 2.5 as well
# as without a limit, but 2.8 lines are ranked instead of 5; with 1.5 it comes first for 0.754 and
# 0.674 (2026-11-29).
WITHIN = 2.5
# Lines that are ranked again (10 ms each on one core), and how much the reranker's score counts
# beside the reader's. Of 480 questions of the twelve companies that are not trained on, the right
# line comes first for 0.766; with 8 lines for 0.766, with weights of 0.5 and 2 for 0.758 and 0.768,
# without it for 0.716. Of the 340 messages in conversations that have an answer: 0.671; 0.674;
# 0.676 and 0.674; 0.632 (2026-11-29).
RANKED_AGAIN, OWN_WEIGHT = 5, 1.0


class Tokenwise(nn.Module):
    """The transformer as a graph: token ids to a vector for each token."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        # With four dimensions it is added to the scores unchanged: a simpler graph.
        penalty = (1.0 - attention_mask.to(torch.float32)[:, None, None, :]) * -1e4
        hidden: Tensor = self.body(input_ids, penalty, torch.zeros_like(input_ids))[0]
        return hidden


def write(model: Matcher, start: Path, folder: Path, about: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        model.body.cpu().eval().set_attn_implementation("eager")
        export.scale_rows(model.body)
        plain = Path(work) / "plain.onnx"
        export.to_onnx(Tokenwise(model.body), plain, ["input_ids", "attention_mask"], "tokens")
        export.quantise(plain, folder / "model.int8.onnx")
    shutil.copyfile(start / "tokenizer.json", folder / "tokenizer.json")
    sha = digest(folder / "model.int8.onnx")
    word_weights = [*model.weight.weight[0].tolist(), model.weight.bias.item()]
    about = {
        "name": f"reader@{sha[:12]}",
        "model_sha256": sha,
        "bytes": (folder / "model.int8.onnx").stat().st_size,
        "scales": [round(one, 4) for one in model.scales.tolist()],
        "word_weights": [round(one, 5) for one in word_weights],
        **about,
    }
    note(folder, about)


def export_pairs(model: Together, folder: Path) -> str:
    """Write the graph of a model that reads pairs, and its size and hash; return the hash."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        model.cpu().eval()
        model.body.set_attn_implementation("eager")
        export.scale_rows(model.body)
        plain = Path(work) / "plain.onnx"
        names = ["input_ids", "attention_mask", "token_type_ids", "questions", "lines"]
        export.to_onnx(model, plain, names, "scores")
        export.quantise(plain, folder / "model.int8.onnx")
    sha = digest(folder / "model.int8.onnx")
    note(folder, {"model_sha256": sha, "bytes": (folder / "model.int8.onnx").stat().st_size})
    return sha


def write_reranker(model: Together, folder: Path, about: dict[str, Any]) -> None:
    sha = export_pairs(model, folder)
    about = {
        "name": f"reranker@{sha[:12]}",
        "count": RANKED_AGAIN,
        "within": WITHIN,
        "weight": OWN_WEIGHT,
        "calibration": [0.0, 1.0, 0.0],
        "sureness": [1.0, 0.0, 0.0],
        "thresholds": {"answering": 1.0, "at_once": 1.0, "telling": 1.0},
        **about,
    }
    note(folder, about)


def note(folder: Path, more: dict[str, Any]) -> None:
    """Write into the manifest, beside what is there."""
    file = folder / "manifest.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(known | more, indent=1) + "\n")


def calibrate_reranker(folder: Path, tokenizer: Path, cases: Sequence[Case]) -> None:
    """Fit the probabilities, choose the thresholds, and measure, on companies and conversations
    that were not trained on."""
    able = Reranker(folder, tokenizer)
    first = [np.array(case.first, np.float32) for case in cases]
    own = [
        able.again(case.question, case.lines, seen, np.zeros_like(seen), case.before)
        for case, seen in zip(cases, first, strict=True)
    ]
    right = [np.array(case.right) for case in cases]
    count = able.count
    both = [np.concatenate([row[:count] for row in part]) for part in (first, own)]
    truth = np.concatenate([row[:count] for row in right])
    calibration = fitted(np.stack(both, axis=1), truth)
    ranks = [a + able.weight * b for a, b in zip(first, own, strict=True)]
    chosen = [int(rank.argmax()) for rank in ranks]
    seen = [(a[at], b[at]) for a, b, at in zip(first, own, chosen, strict=True)]
    best = logistic(calibration, np.array(seen))
    hits = [bool(row[at]) for row, at in zip(right, chosen, strict=True)]
    leads = np.array([lead(rank) for rank in ranks], np.float64)
    sure = fitted(features(best, leads), np.array(hits))
    answered = [case.answer is not None for case in cases]
    nothing = [float(p) for p, has in zip(best, answered, strict=True) if not has]
    wrong = [float(p) for p, hit in zip(best, hits, strict=True) if not hit]
    found = {
        "calibration": [round(float(one), 4) for one in calibration],
        "sureness": [round(float(one), 4) for one in sure],
        "thresholds": {
            "answering": above(nothing, ANSWERED),
            "at_once": precise(logistic(sure, features(best, leads)).tolist(), hits, AT_ONCE),
            "telling": above(wrong, TOLD),
        },
        "figures": {
            "n": len(cases),
            "hit1": float(np.mean([hit for hit, has in zip(hits, answered, strict=True) if has])),
            "auc": reading.auc(answered, best.tolist()),
        },
    }
    note(folder, found)


def lead(ranks: NDArray[np.float32]) -> float:
    """Return how far the second best is behind the best."""
    if len(ranks) == 1:
        return FARTHEST
    second, first = np.partition(ranks, -2)[-2:]
    return float(first - second)


def hit1(able: Reranker, cases: Sequence[Case]) -> float:
    """Return the share of the questions with an answer whose right line comes first."""
    hits = []
    for case in cases:
        if case.answer is not None:
            first = np.array(case.first, np.float32)
            ranks = able.rank(case.question, case.lines, first, before=case.before).ranks
            hits.append(case.right[int(ranks.argmax())])
    return float(np.mean(hits)) if hits else 0.0


def measure(folder: Path, companies: Sequence[Lesson]) -> None:
    """Note in the manifest what the reader reaches on companies that were not trained on."""
    reader = Reader(folder)
    ranked = [
        Ranked("", scores(reader, lesson, one.question).tolist(), one.right)
        for lesson in companies
        for one in lesson.asked
    ]
    note(folder, {"figures": reading.reader(ranked)})


def scores(reader: Reader, lesson: Lesson, question: str) -> NDArray[np.float32]:
    """Return the score of each line of the lesson."""
    return np.concatenate(reader.scores(question, lesson.texts))


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
