"""A linear head on the frozen encoder: text to calibrated probabilities.

The folder holds `head.npz` (weight (3, dimension), bias (3,), temperature) and `manifest.json`.
`training.py` writes both.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inference.catalogue import ModelError

LABELS = ("negative", "neutral", "positive")

Matrix = NDArray[np.floating[Any]]


class WrongEncoder(ModelError):
    """The head was trained on the vectors of another encoder."""


class TextEncoder(Protocol):
    name: str

    def encode(self, texts: Sequence[str], batch: int = 32) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Sentiment:
    """What the writer feels: `score` in [-1, 1], `confidence` in (0, 1]."""

    label: str
    score: float
    confidence: float
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Head:
    """`weight` is (3, dimension), `bias` is (3,); a higher temperature is less sure."""

    weight: Matrix
    bias: Matrix
    temperature: float

    def logits(self, vectors: Matrix) -> Matrix:
        return vectors @ self.weight.T + self.bias

    def probabilities(self, vectors: Matrix) -> Matrix:
        return softmax(self.logits(vectors) / self.temperature)


class Classifier:
    def __init__(self, head: Head, encoder: TextEncoder) -> None:
        self._head, self._encoder = head, encoder

    @classmethod
    def load(cls, folder: Path, encoder: TextEncoder) -> "Classifier":
        """Raises WrongEncoder when the head in `folder` belongs to another encoder."""
        trained_on = json.loads((folder / "manifest.json").read_text())["encoder"]
        if trained_on != encoder.name:
            raise WrongEncoder(
                f"The sentiment head in {folder} was trained on {trained_on}, the encoder is "
                f"{encoder.name}; type: python manage.py sentiment_train"
            )
        with np.load(folder / "head.npz", allow_pickle=False) as saved:
            head = Head(saved["weight"], saved["bias"], float(saved["temperature"]))
        return cls(head, encoder)

    def score(self, texts: Sequence[str]) -> list[Sentiment]:
        """One answer per text, in order. Text without a word is neutral, and not sure."""
        found = [UNSURE] * len(texts)
        wordy = [i for i, text in enumerate(texts) if _has_words(text)]
        if wordy:
            vectors = self._encoder.encode([texts[i] for i in wordy])
            for i, row in zip(wordy, self._head.probabilities(vectors), strict=True):
                found[i] = _sentiment(row)
        return found


def softmax(logits: Matrix) -> Matrix:
    powers: Matrix = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _has_words(text: object) -> bool:
    return isinstance(text, str) and any(character.isalpha() for character in text)


def _sentiment(row: Matrix) -> Sentiment:
    values = [round(float(value), 4) for value in row]
    probabilities = dict(zip(LABELS, values, strict=True))
    return Sentiment(
        label=LABELS[int(row.argmax())],
        score=round(float(row[2] - row[0]), 4),
        confidence=max(values),
        probabilities=probabilities,
    )


UNSURE = _sentiment(np.array([0.3, 0.4, 0.3]))
