"""The sentiment classifier: text to calibrated probabilities, with ONNX Runtime on one thread.

The folder of weights holds `student.onnx` (token ids to features), `tokenizer.json`, `heads.npz`
(features to logits) and `manifest.json`; `distillation` and `compression` create it. A site that
has learned from its agents' corrections has heads of its own, for the same student.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from inference.models.catalogue import ModelError
from inference.runtime import session
from inference.sentiment.language import is_foreign
from inference.sentiment.own_words import own_words
from inference.sentiment.text import readable, says_something

LABELS = ("negative", "neutral", "positive")
UNKNOWN = "unknown"
EMOTIONS = ("anger", "disappointment", "gratitude", "confusion")
# What a customer wants or does besides asking: inference/sentiment/intents/README.md explains them.
INTENTS = (
    "person", "leave", "greets", "thanks", "bye", "chat", "bot", "wish", "back", "rates", "urgent",
)  # fmt: skip
COURTESIES = frozenset({"greets", "thanks", "bye"})
SMALL_TALK = COURTESIES | {"chat"}
CHAT, URGENT = INTENTS.index("chat"), INTENTS.index("urgent")
# Below it a score is neither negative nor positive to the rules for alerts. It still counts in the
# mood. What is negative: mood.NEGATIVE.
CONFIDENCE_FLOOR = 0.6

WINDOW = 126
STRIDE = 96
MAX_WINDOWS = 24
# Matches the end of a sentence as customers type it. Sentences are read one by one, a millisecond
# each, only if there are at most this many.
SENTENCE_END, MAX_SENTENCES = re.compile(r"(?<=[.!?…])\s+|\n+"), 6

Matrix = NDArray[np.floating[Any]]


ROLL_BACK = "Type: python manage.py sentiment_train --rollback"


class WrongStudent(ModelError):
    """The heads were trained on the features of another student."""


@dataclass(frozen=True)
class Sentiment:
    """The sentiment of one text: `score` in [-1, 1], `confidence` in (0, 1].

    `label` is "unknown" for a language that the classifier has not learned. `emotions` are hints:
    those of EMOTIONS that were detected; `intents` are those of INTENTS.
    """

    label: str
    score: float
    confidence: float
    probabilities: dict[str, float]
    emotions: tuple[str, ...] = ()
    intents: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Heads:
    """Linear heads: `weight` (3, width) and `bias` (3,) give logits; `temperature` calibrates them.

    An emotion or an intent is detected if its logit is above its threshold; an infinite threshold
    means never.
    """

    weight: Matrix
    bias: Matrix
    temperature: float
    emotion_weight: Matrix
    emotion_bias: Matrix
    thresholds: Matrix
    intent_weight: Matrix
    intent_bias: Matrix
    intent_thresholds: Matrix
    student: str = field(default="", compare=False)

    def probabilities(self, features: Matrix) -> Matrix:
        return softmax((features @ self.weight.T + self.bias) / self.temperature)

    def emotions(self, features: Matrix) -> NDArray[np.bool_]:
        return features @ self.emotion_weight.T + self.emotion_bias > self.thresholds

    def intents(self, features: Matrix) -> NDArray[np.bool_]:
        return features @ self.intent_weight.T + self.intent_bias > self.intent_thresholds

    def save(self, path: Path) -> None:
        arrays: dict[str, Any] = {name: np.asarray(value) for name, value in vars(self).items()}
        np.savez(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Heads":
        """Raises WrongStudent if they were saved by a release that had fewer heads."""
        with np.load(path, allow_pickle=False) as saved:
            values = {name: saved[name] for name in saved.files}
        if {field.name for field in fields(cls)} - set(values):
            raise WrongStudent(f"The sentiment heads {path} are of an older release. {ROLL_BACK}")
        values |= {"temperature": float(values["temperature"]), "student": str(values["student"])}
        return cls(**values)


class Student:
    """Turns text into features. Thread-safe: session and tokenizer keep no state between calls."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self.name: str = json.loads((folder / "manifest.json").read_text())["student"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._first, self._last = self._tokenizer.encode("").ids
        # An arena would keep the memory of the largest batch forever; messages come one at a time.
        self._session = session(folder / "student.onnx", threads, enable_cpu_mem_arena=False)

    def windows(self, text: str) -> list[list[int]]:
        """Return the token ids of the text's overlapping windows; only long texts have several."""
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        starts = range(0, max(1, len(ids) - WINDOW + STRIDE), STRIDE)
        # A very long text gets windows that are spread evenly over it.
        chosen = np.linspace(0, len(starts) - 1, min(len(starts), MAX_WINDOWS)).astype(int)
        return [[self._first, *ids[starts[i] : starts[i] + WINDOW], self._last] for i in chosen]

    def features(self, windows: Sequence[list[int]]) -> Matrix:
        """Return rows (windows, width), in order.

        Each window runs alone. The eight-bit graph scales by the largest value of its whole input:
        in a batch, 6 of 960 messages got another label beside others than alone. A batch would
        take two thirds of the time (2026-11-29).
        """
        return np.concatenate([self._run(window) for window in windows])

    def _run(self, window: list[int]) -> Matrix:
        ids = np.array([window], np.int64)
        outputs: list[Matrix] = self._session.run(None, {"ids": ids, "mask": np.ones_like(ids)})
        return outputs[0]


class Classifier:
    def __init__(self, student: Student, heads: Heads) -> None:
        self.student, self.heads = student, heads

    @classmethod
    def load(cls, folder: Path, heads: Path | None = None, threads: int = 1) -> "Classifier":
        """Load the classifier. `heads`: a site's own file; WrongStudent if it does not fit."""
        student = Student(folder, threads)
        loaded = Heads.load(heads or folder / "heads.npz")
        if loaded.student != student.name:
            raise WrongStudent(
                f"The sentiment heads {heads} were trained on the student {loaded.student}, but "
                f"this is {student.name}. {ROLL_BACK}"
            )
        return cls(student, loaded)

    def score(self, texts: Sequence[str]) -> list[Sentiment]:
        """Return one sentiment per text, in order, whatever the text.

        Quotations and signatures are left out. A text without a word or an emoji is neutral with
        low confidence; one in another language is unknown.
        """
        return [self._of(own_words(text) if isinstance(text, str) else "") for text in texts]

    def strength(self, text: str, intent: str) -> float:
        """Return the logit of an intent, from the page of the text on which it is strongest."""
        features = self.student.features(self.student.windows(heard(text)))
        head = INTENTS.index(intent)
        logits = features @ self.heads.intent_weight[head] + self.heads.intent_bias[head]
        return float(logits.max())

    def _of(self, written: str) -> Sentiment:
        words = readable(written)
        if is_foreign(words):
            return FOREIGN
        if not says_something(words):
            return UNSURE
        whole = self._read(words)
        is_polite = "urgent" not in whole.intents and bool(whole.intents & SMALL_TALK)
        if is_polite and self._is_grave_without_small_talk(written):
            return replace(whole, intents=whole.intents - {"chat"} | {"urgent"})
        return whole

    def _read(self, words: str) -> Sentiment:
        return self._judge(self.student.features(self.student.windows(words)))

    def _is_grave_without_small_talk(self, written: str) -> bool:
        """Tell whether a message is grave once its sentences of small talk are left out: as a
        whole, "Thank you so much! The kitchen smells of gas." sounds like thanks."""
        found = filter(says_something, map(readable, SENTENCE_END.split(written)))
        sentences = list(islice(found, MAX_SENTENCES + 1))
        if not 1 < len(sentences) <= MAX_SENTENCES:
            return False
        rest = [one for one in sentences if "chat" not in self._read(one).intents]
        is_part = 0 < len(rest) < len(sentences)
        return is_part and "urgent" in self._read(" ".join(rest)).intents

    def _judge(self, features: Matrix) -> Sentiment:
        """Judge one text by its windows: their mean, and the most negative one.

        An agent must notice a single angry page in a long letter.
        """
        rows = self.heads.probabilities(features)
        worst = rows[rows[:, 0].argmax()]
        row = (rows.mean(axis=0) + worst) / 2
        values = [round(float(value), 4) for value in row]
        hints: list[bool] = np.any(self.heads.emotions(features), axis=0).tolist()
        wants = self.heads.intents(features)
        said: list[bool] = np.any(wants, axis=0).tolist()
        # One page of pleasantries does not make a letter small talk, and grave news is never
        # small talk.
        said[CHAT] = bool(wants[:, CHAT].all()) and not said[URGENT]
        return Sentiment(
            label=LABELS[int(row.argmax())],
            score=round(float(row[2] - row[0]), 4),
            confidence=max(values),
            probabilities=dict(zip(LABELS, values, strict=True)),
            emotions=tuple(name for name, hint in zip(EMOTIONS, hints, strict=True) if hint),
            intents=frozenset(name for name, want in zip(INTENTS, said, strict=True) if want),
        )


def heard(text: str) -> str:
    """Return what is scored of a message: the writer's own words, readable."""
    return readable(own_words(text))


def softmax(logits: Matrix) -> Matrix:
    powers: Matrix = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _without_evidence(label: str) -> Sentiment:
    probabilities = dict(zip(LABELS, (0.3, 0.4, 0.3), strict=True))
    return Sentiment(label, score=0.0, confidence=0.4, probabilities=probabilities)


UNSURE = _without_evidence("neutral")
FOREIGN = _without_evidence(UNKNOWN)
