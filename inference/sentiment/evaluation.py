"""Measures a sentiment classifier on labelled texts, overall and by source."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from inference.evaluation.classification import (
    accuracy,
    confusion,
    expected_calibration_error,
    macro_f1,
    recall,
)
from inference.sentiment.classifier import LABELS, Sentiment

Score = Callable[[Sequence[str]], Sequence[Sentiment]]
CHUNK = 256


def scored(score: Score, texts: Sequence[str]) -> list[Sentiment]:
    chunks = (texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK))
    return [sentiment for chunk in chunks for sentiment in score(chunk)]


def figures(truth: Sequence[str], found: Sequence[Sentiment]) -> dict[str, Any]:
    """Compare with the truth, one of LABELS per text. "unknown" counts as neutral."""
    classes = np.array([LABELS.index(label) for label in truth])
    rows = np.array([[text.probabilities[label] for label in LABELS] for text in found])
    counts = confusion(classes, rows.argmax(axis=1), len(LABELS))
    return {
        "rows": len(classes),
        "accuracy": round(accuracy(counts), 4),
        "macro_f1": round(macro_f1(counts), 4),
        "recall": dict(zip(LABELS, (round(float(r), 4) for r in recall(counts)), strict=True)),
        "ece": round(expected_calibration_error(classes, rows), 4),
    }


def by_source(
    rows: Iterable[tuple[str, str]], found: Sequence[Sentiment]
) -> dict[str, dict[str, Any]]:
    """Measure each source. `rows` are (source, label), in the order of `found`."""
    groups: dict[str, list[tuple[str, Sentiment]]] = {}
    for (source, label), sentiment in zip(rows, found, strict=True):
        groups.setdefault(source, []).append((label, sentiment))
    return {
        source: figures([label for label, _ in group], [sentiment for _, sentiment in group])
        for source, group in sorted(groups.items())
    }


def share_negative(found: Sequence[Sentiment]) -> float:
    return round(sum(sentiment.label == "negative" for sentiment in found) / max(len(found), 1), 4)
