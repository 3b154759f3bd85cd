"""The sentiment of a message: text to calibrated probabilities, on ONNX Runtime, one thread.

The folder of weights holds `student.onnx` (token ids to features), `tokenizer.json`, `heads.npz`
(features to logits) and `manifest.json`; `distillation` and `compression` make it. A site that
has learned from its agents' corrections has heads of its own, for the same student.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from inference.models.catalogue import ModelError
from inference.runtime import padded, session
from inference.sentiment.language import is_foreign
from inference.sentiment.text import readable, says_something

LABELS = ("negative", "neutral", "positive")
UNKNOWN = "unknown"
EMOTIONS = ("anger", "disappointment", "gratitude", "confusion")
# Below it nothing acts on a label: no alert, no route.
CONFIDENCE_FLOOR = 0.6

WINDOW = 126
STRIDE = 96
MAX_WINDOWS = 24
BATCH = 32

Matrix = NDArray[np.floating[Any]]


class WrongStudent(ModelError):
    """These heads were trained on the features of another student."""


@dataclass(frozen=True)
class Sentiment:
    """What the writer feels: `score` in [-1, 1], `confidence` in (0, 1].

    `label` is "unknown" for a language that the classifier has not learned. `emotions` are hints:
    those of EMOTIONS that are heard beside the label.
    """

    label: str
    score: float
    confidence: float
    probabilities: dict[str, float]
    emotions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heads:
    """`weight` (3, width) and `bias` (3,) give logits; a higher `temperature` is less sure.

    An emotion is heard where its logit is above its `threshold`; infinite: never.
    """

    weight: Matrix
    bias: Matrix
    temperature: float
    emotion_weight: Matrix
    emotion_bias: Matrix
    thresholds: Matrix
    student: str = field(default="", compare=False)

    def probabilities(self, features: Matrix) -> Matrix:
        return softmax((features @ self.weight.T + self.bias) / self.temperature)

    def emotions(self, features: Matrix) -> NDArray[np.bool_]:
        return features @ self.emotion_weight.T + self.emotion_bias > self.thresholds

    def save(self, path: Path) -> None:
        arrays: dict[str, Any] = {name: np.asarray(value) for name, value in vars(self).items()}
        np.savez(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Heads":
        with np.load(path, allow_pickle=False) as saved:
            found = {name: saved[name] for name in saved.files}
        found |= {"temperature": float(found["temperature"]), "student": str(found["student"])}
        return cls(**found)


class Student:
    """Token ids to features. Thread-safe: session and tokenizer keep no state between calls."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self.name: str = json.loads((folder / "manifest.json").read_text())["student"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._first, self._last = self._tokenizer.encode("").ids
        # An arena keeps the largest batch ever seen for good; messages come one at a time.
        self._session = session(folder / "student.onnx", threads, enable_cpu_mem_arena=False)

    def windows(self, text: str) -> list[list[int]]:
        """Token ids of the text's overlapping windows; one for all but long texts."""
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        starts = range(0, max(1, len(ids) - WINDOW + STRIDE), STRIDE)
        # Of a very long text, windows spread evenly over it.
        chosen = np.linspace(0, len(starts) - 1, min(len(starts), MAX_WINDOWS)).astype(int)
        return [[self._first, *ids[starts[i] : starts[i] + WINDOW], self._last] for i in chosen]

    def features(self, windows: Sequence[list[int]]) -> Matrix:
        """Rows (windows, width), in order. Windows of like length share a batch."""
        if len(windows) == 1:
            return self._run(np.array(windows, np.int64))
        by_length = sorted(range(len(windows)), key=lambda row: len(windows[row]))
        found: list[Any] = [None] * len(windows)
        for start in range(0, len(windows), BATCH):
            rows = by_length[start : start + BATCH]
            for row, features in zip(
                rows, self._run(*padded([windows[i] for i in rows])), strict=True
            ):
                found[row] = features
        return np.stack(found)

    def _run(self, ids: NDArray[np.int64], mask: NDArray[np.int64] | None = None) -> Matrix:
        mask = np.ones_like(ids) if mask is None else mask
        outputs: list[Matrix] = self._session.run(None, {"ids": ids, "mask": mask})
        return outputs[0]


class Classifier:
    def __init__(self, student: Student, heads: Heads) -> None:
        self.student, self.heads = student, heads

    @classmethod
    def load(cls, folder: Path, heads: Path | None = None, threads: int = 1) -> "Classifier":
        """`heads`: a site's own. Raises WrongStudent when they belong to another student."""
        student = Student(folder, threads)
        found = Heads.load(heads or folder / "heads.npz")
        if found.student != student.name:
            raise WrongStudent(
                f"The sentiment heads {heads} were trained on the student {found.student}, this is "
                f"{student.name}; type: python manage.py sentiment_train --rollback"
            )
        return cls(student, found)

    def score(self, texts: Sequence[str]) -> list[Sentiment]:
        """One answer per text, in order, whatever the text.

        Without a word or an emoji it is neutral and not sure; in another language, unknown.
        """
        found: list[Sentiment] = [UNSURE] * len(texts)
        windows: dict[int, list[list[int]]] = {}
        for place, text in enumerate(texts):
            words = readable(text) if isinstance(text, str) else ""
            if is_foreign(words):
                found[place] = FOREIGN
            elif says_something(words):
                windows[place] = self.student.windows(words)
        if windows:
            features = self.student.features([one for some in windows.values() for one in some])
            for place, rows in zip(windows, _shares(windows.values()), strict=True):
                found[place] = self._judge(features[rows])
        return found

    def _judge(self, features: Matrix) -> Sentiment:
        """Of one text's windows. One angry page in a long letter is what an agent must see."""
        rows = self.heads.probabilities(features)
        worst = rows[rows[:, 0].argmax()]
        row = (rows.mean(axis=0) + worst) / 2
        values = [round(float(value), 4) for value in row]
        hints: list[bool] = np.any(self.heads.emotions(features), axis=0).tolist()
        return Sentiment(
            label=LABELS[int(row.argmax())],
            score=round(float(row[2] - row[0]), 4),
            confidence=max(values),
            probabilities=dict(zip(LABELS, values, strict=True)),
            emotions=tuple(name for name, heard in zip(EMOTIONS, hints, strict=True) if heard),
        )


def softmax(logits: Matrix) -> Matrix:
    powers: Matrix = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _shares(groups: Any) -> Iterator[slice]:
    start = 0
    for group in groups:
        yield slice(start, start + len(group))
        start += len(group)


def _nothing_heard(label: str) -> Sentiment:
    probabilities = dict(zip(LABELS, (0.3, 0.4, 0.3), strict=True))
    return Sentiment(label, score=0.0, confidence=0.4, probabilities=probabilities)


UNSURE = _nothing_heard("neutral")
FOREIGN = _nothing_heard(UNKNOWN)
