"""Trains the matcher on the wishes in `companies`, which several writers wrote by hand.

It goes on from the reranker's weights. Needs torch; not used in service.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.json_lines import rows
from inference.reading.reader import Reader
from inference.reading.reranker import Pairs, logistic
from inference.reading.training import reranking, weights
from inference.reading.training.calibration import fitted
from inference.reading.training.reranking import Case, Together
from inference.sentiment.classifier import Classifier
from inference.training import body
from inference.training.fitting import Recipe, Say, fit
from inference.wishes.matcher import Action, titled

COMPANIES = Path(__file__).parent / "companies"
# The file of a writer that is not trained on: calibration and thresholds come from it.
DEV = {"willow"}
RECIPE = Recipe(rate=8e-5, size=16, epochs=3)
# The share of the wishes that come a second time, without the action that they wish for.
WITHOUT = 0.3
# The share of messages without a wish for which an action may be offered. Of the 222 wishes of the
# writer that is not trained on, 0.83 are fulfilled with 0.03, 0.78 with 0.02 and 0.69 with 0.01
# (2026-11-30). Half of those messages speak of an action without wanting it, as few do in service.
FALSE = 0.02
# The share of the wishes that the gate may hold back. It spares 0.42 of 200 questions about
# companies the reading of each action, 10 ms on one core. With 0.02, a plain wish is nearly held
# back ("How do I open a return?") (2026-11-30).
HELD_BACK = 0.015


@dataclass(frozen=True)
class Asked:
    """A message, its company's actions, and the place of the one that it wishes for, if any."""

    text: str
    actions: tuple[Action, ...]
    wished: int | None


def asked(dev: bool) -> Iterator[Asked]:
    for path in sorted(COMPANIES.glob("*.jsonl")):
        if (path.stem in DEV) == dev:
            for company in rows(path):
                actions = {one["key"]: (one["title"], *one["words"]) for one in company["actions"]}
                keys, offered = [*actions], tuple(actions.values())
                for text, key in company["messages"]:
                    yield Asked(text, offered, keys.index(key) if key else None)


@dataclass(frozen=True)
class By:
    """What the training uses: the reader's weights, and the classifier of the wishes."""

    reader: Path
    classifier: Classifier

    @property
    def tokenizer(self) -> Path:
        return self.reader / "tokenizer.json"


def make(model: Together, by: By, work: Path, target: Path, say: Say) -> dict[str, Any]:
    """Train a model that starts from the reranker's weights, and write its own into `target`.

    work: keeps an unfinished training.
    """
    taught = [*asked(dev=False)]
    taught += without(taught)
    say(f"{len(taught)} messages")
    body.without_dropout(model)
    model.body.embeddings.word_embeddings.requires_grad_(False)
    reader = Reader(by.reader)
    cases = reranking.Cases(by.tokenizer, [case(reader, one) for one in taught])
    fit(model, cases, reranking.loss, RECIPE, work / "wishes.ckpt", say)
    name = weights.export_pairs(model, target)
    about = {"name": f"wishes@{name[:12]}", "seed": RECIPE.seed, "rate": RECIPE.rate}
    weights.note(target, about | {"epochs": RECIPE.epochs, "messages": len(taught)})
    return calibrate(target, by)


def without(taught: Sequence[Asked]) -> list[Asked]:
    """Return some of the wishes as messages to companies that do not offer the action."""
    chance = random.Random(RECIPE.seed)
    chosen = [one for one in taught if one.wished is not None and chance.random() < WITHOUT]
    return [
        Asked(one.text, tuple(a for at, a in enumerate(one.actions) if at != one.wished), None)
        for one in chosen
    ]


def case(reader: Reader, one: Asked) -> Case:
    """Lay out a message beside its actions, those first that the reader finds nearest."""
    lines = [titled(action) for action in one.actions]
    scores = reader.scores(one.text, [f"{title}\n{words}" for title, words in lines])
    first = np.array([row.max(initial=0.0) for row in scores])
    order = np.argsort(-first).tolist()
    return Case(
        question=one.text,
        before="",
        lines=tuple(lines[at] for at in order),
        first=tuple(first[order].tolist()),
        liked=(0.0,) * len(order),
        right=tuple(at == one.wished for at in order),
        answer=None if one.wished is None else lines[one.wished],
    )


def calibrate(folder: Path, by: By) -> dict[str, Any]:
    """Fit the probability, choose gate and threshold, and measure, on a writer's messages that were
    not trained on."""
    dev = [*asked(dev=True)]
    wishes = np.array([one.wished is not None for one in dev])
    best, right = judged(Pairs(folder / "model.int8.onnx", by.tokenizer), dev)
    felt = np.array([by.classifier.strength(one.text, "wish") for one in dev])
    values = np.stack([best, felt], axis=1)
    calibration, gate = fitted(values, right), float(np.quantile(felt[wishes], HELD_BACK))
    sure = np.where(felt < gate, 0.0, logistic(calibration, values))
    threshold = float(np.quantile(sure[~wishes], 1 - FALSE))
    offered = sure >= threshold
    found = {
        "student": by.classifier.student.name,
        "gate": round(gate, 4),
        "calibration": [round(float(one), 4) for one in calibration],
        "threshold": round(threshold, 4),
        "figures": {
            "found": round(float((offered & right)[wishes].mean()), 3),
            "another action": round(float((offered & ~right)[wishes].mean()), 3),
            "false": round(float(offered[~wishes].mean()), 3),
        },
    }
    weights.note(folder, found)
    known: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return known


def judged(pairs: Pairs, dev: Sequence[Asked]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return, for each message, the score of its best action, and whether it wishes for that."""
    scores = [pairs.scores(one.text, [titled(action) for action in one.actions]) for one in dev]
    right = [int(row.argmax()) == one.wished for row, one in zip(scores, dev, strict=True)]
    return np.array([row.max() for row in scores]), np.array(right)
