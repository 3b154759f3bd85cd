"""The compression report: every variant on the same test set in one run, as table and plots."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from inference.evaluation.classification import binary_f1
from inference.evaluation.markdown import table
from inference.sentiment import evaluation, plots
from inference.sentiment.classifier import EMOTIONS, LABELS, Classifier, Sentiment
from inference.sentiment.distillation import data
from inference.sentiment.distillation.data import Example
from inference.sentiment.speed import measured
from inference.sentiment.training import DELIVERED
from inference.training.fitting import Say

SPEED_TEXTS = 300
CALM_TEXTS = 1_500
FILES = ("student.onnx", "tokenizer.json", "heads.npz")
COLUMNS = (
    "variant",
    "accuracy",
    "macro-F1",
    "recall of negative",
    "calibration error",
    "calm called negative",
    "MB on disk",
    "ms, one at a time",
    "messages/s, batches",
    "MB resident",
    "J per 1,000",
)


def report(variants: Path, folder: Path, target: Path, say: Say) -> list[dict[str, Any]]:
    """Measure every variant; write `report.md` and plots to `target`.

    `folder` is laid out like ../shared/data. The figures are from the odd rows of dev, since the
    even ones have set the temperature.
    """
    dev = data.labelled(folder / "sentiment-dev.jsonl.gz")[1::2]
    calm = _calm(folder)
    texts = random.Random(7).sample([example.text for example in dev], SPEED_TEXTS)
    rows = []
    for path in sorted(variants.iterdir(), key=lambda path: (path / "heads.npz").stat().st_mtime):
        say(f"measuring: {path.name}")
        row, answers = _row(path, dev, calm)
        rows.append(row | measured(path, texts))
        if path.name == DELIVERED:
            _reliability(dev, answers, row["ece"], target)
    hints = _hints(variants / DELIVERED, folder)
    (target / "report.md").write_text(markdown(rows, hints, len(dev)))
    plots.compression(rows, target / "compression.png")
    return rows


def _row(path: Path, dev: list[Example], calm: list[str]) -> tuple[dict[str, Any], list[Sentiment]]:
    classifier = Classifier.load(path, threads=2)
    answers = evaluation.scored(classifier.score, [example.text for example in dev])
    labels = [LABELS[example.label] for example in dev]
    sources = [(example.source, label) for example, label in zip(dev, labels, strict=True)]
    calm_answers = evaluation.scored(classifier.score, calm)
    return {
        "variant": path.name,
        **evaluation.figures(labels, answers),
        "by source": evaluation.by_source(sources, answers),
        "calm called negative": evaluation.share_negative(calm_answers),
        "mb": round(sum((path / name).stat().st_size for name in FILES) / 1e6, 1),
    }, answers


def _reliability(dev: list[Example], answers: list[Sentiment], ece: float, target: Path) -> None:
    right = [
        answer.label == LABELS[example.label] for answer, example in zip(answers, dev, strict=True)
    ]
    path = target / "reliability.png"
    plots.reliability([answer.confidence for answer in answers], right, ece, path)


def _hints(path: Path, folder: Path) -> dict[str, float]:
    """Return the F1 of each emotion that is ever hinted at, on the odd rows of GoEmotions' dev."""
    rows = data.with_emotions_only(folder / "emotion-goemotions-dev.jsonl.gz")[1::2]
    classifier = Classifier.load(path, threads=2)
    answers = evaluation.scored(classifier.score, [example.text for example in rows])
    hinted = np.array([[name in answer.emotions for name in EMOTIONS] for answer in answers])
    truth = np.array([example.emotions for example in rows]) > 0
    reached = [binary_f1(*columns) for columns in zip(truth.T, hinted.T, strict=True)]
    return {
        name: round(value, 3)
        for name, value, limit in zip(EMOTIONS, reached, classifier.heads.thresholds, strict=True)
        if np.isfinite(limit)
    }


def _calm(folder: Path) -> list[str]:
    """Sample calm requests whose intents or sources no training has seen."""
    groups = data.unseen_calm(folder / "customer-messages.jsonl.gz")
    texts = [text for _, group in sorted(groups.items()) for text in group]
    return random.Random(7).sample(texts, min(CALM_TEXTS, len(texts)))


def markdown(rows: list[dict[str, Any]], hints: dict[str, float], texts: int) -> str:
    return (
        f"{texts:,} labelled texts, {SPEED_TEXTS} of them for speed; one thread.\n\n"
        + table(COLUMNS, [list(_cells(row)) for row in rows])
        + "\n\nEmotion hints of the delivered variant, F1 on GoEmotions: "
        + (
            ", ".join(f"{name} {value:.2f}" for name, value in hints.items())
            or "none is good enough"
        )
        + ".\n\n![Macro-F1 against milliseconds and size](compression.png)\n"
        + "![Reliability of the delivered variant](reliability.png)\n"
    )


def _cells(row: dict[str, Any]) -> Iterator[str]:
    yield row["variant"]
    for name in ("accuracy", "macro_f1"):
        yield f"{row[name]:.3f}"
    yield f"{row['recall']['negative']:.3f}"
    yield f"{row['ece']:.3f}"
    yield f"{row['calm called negative']:.1%}"
    yield f"{row['mb']:.1f}"
    yield f"{row['ms']:.2f}"
    yield f"{row['per_second']:,}"
    yield f"{row['resident_mb']:.0f}"
    joules = row["joules_per_1000"]
    yield "not measured" if joules is None else f"{joules:.2f}"
