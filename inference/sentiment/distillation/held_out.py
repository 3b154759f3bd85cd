"""Measures how much each source depends on its own labels: the gap if it is held out of training.

MiniLM is fine-tuned plainly (labels only, no teacher) on the same number of texts for one epoch:
once on all sources, then with each labelled source held out in turn. The result is macro-F1 on the
whole dev file, by source. A gap far above the others' shows that a source labels in its own way.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from inference.evaluation.classification import confusion, macro_f1
from inference.evaluation.markdown import table
from inference.sentiment.distillation import data, teacher
from inference.sentiment.distillation.data import Example
from inference.sentiment.distillation.model import Scorer, scores
from inference.training.body import without_dropout
from inference.training.fitting import Recipe, Say, fit
from inference.training.tokens import Tokens

TEXTS = 16_000
HELD_OUT = ("semeval", "goemotions", "sst5")
RECIPE = Recipe(rate=5e-5)


def compare(folder: Path, start: Path, work: Path, say: Say) -> str:
    """Return a Markdown table. `folder` is laid out like ../shared/data, `start` is the encoder."""
    dev = data.labelled(folder / "sentiment-dev.jsonl.gz")
    reached = {}
    for held_out in ("", *HELD_OUT):
        say(f"without {held_out or 'none'}")
        model = tuned(chosen(folder, held_out), start, work, say)
        reached[held_out or "none"] = by_source(model, dev, start, say)
    sources = [*HELD_OUT, "all"]
    rows = [[name, *(f"{row[source]:.3f}" for source in sources)] for name, row in reached.items()]
    return table(["held out", *(f"macro-F1 on {source}" for source in sources)], rows)


def chosen(folder: Path, held_out: str) -> list[Example]:
    """Sample TEXTS texts, from however many sources."""
    shares = {name: count for name, count in teacher.LAST.items() if name != held_out}
    factor = TEXTS / sum(shares.values())
    scaled = {name: round(factor * count) for name, count in shares.items()}
    return teacher.sample(folder, scaled, random.Random(RECIPE.seed))


def tuned(examples: list[Example], start: Path, work: Path, say: Say) -> Scorer:
    model = Scorer.from_folder(start)
    without_dropout(model)
    tokens = Tokens(start / "tokenizer.json", [example.text for example in examples])
    fit(model, tokens, teacher.hard_loss(examples), RECIPE, work / "held-out.ckpt", say)
    return model


def by_source(model: Scorer, dev: list[Example], start: Path, say: Say) -> dict[str, float]:
    tokens = Tokens(start / "tokenizer.json", [example.text for example in dev])
    predicted = scores(model, tokens, say).logits.argmax(1).numpy()
    truth = np.array([example.label for example in dev])
    return dict(measured(truth, predicted, [example.source for example in dev]))


def measured(
    truth: np.ndarray, predicted: np.ndarray, sources: list[str]
) -> Iterator[tuple[str, float]]:
    for source in (*HELD_OUT, "all"):
        rows = np.array([source in {"all", own} for own in sources])
        yield source, macro_f1(confusion(truth[rows], predicted[rows], 3))
