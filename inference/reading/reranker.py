"""The reranker: reads a question and a line together, and ranks the reader's first few lines again.

The reader encodes questions and lines apart, so that it can go through hundreds of lines. Here each
word of the question sees each word of the line and what was said before, which tells "over 60" from
"16 to 59" more often. The score is the reader's own, late interaction, on these joint vectors, plus
a linear part. `training/reranking.py` trains it; its weights lie in `inference/weights/reranking`.

Where it is not sure of its best line, a large model of the same form reads the same lines, which
takes a fraction of a second; the language model, which would often be asked next, takes seconds.
Without that model's files, the small one ranks alone.
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from inference.encoder import AT_ONCE
from inference.reading.reader import Ids, Scores, encoded, tokenizer_of
from inference.runtime import session

# Tokens of a question, of what was said before, of a title and of a line. With 96 tokens, all but
# the longest messages are read whole. Of 310 messages to twelve firms, 198 are answered right with
# 110 tokens of a question, and 196 with 48; 96 was not measured on these (best line, no language
# model, 2026-11-30).
QUESTION, BEFORE, TITLE, LINE = 96, 40, 16, 80

# In units of the ranks: a line that leads by more is no surer.
FARTHEST = 6.0

Titled = tuple[str, str]  # a title and a line
# Scores each line, given a question, lines, and what was said before.
Score = Callable[[str, Sequence[Titled], str], Scores]


@dataclass(frozen=True)
class Pair:
    """Token ids, and where the question ends, the second text begins, and the line in it begins."""

    ids: Ids
    question: int
    second: int
    line: int


@dataclass(frozen=True)
class Ranks:
    """For each line, its rank (higher is better) and the probability that it answers."""

    ranks: Scores
    probabilities: Scores


class Pairs:
    """Scores a question and a line together, by a model of this form. Thread-safe."""

    def __init__(self, model: Path, tokenizer: Path) -> None:
        self._tokenizer = tokenizer_of(tokenizer)
        self._session = session(model, threads=1, enable_cpu_mem_arena=False)
        self._at_once = threading.BoundedSemaphore(AT_ONCE)

    def scores(self, question: str, lines: Sequence[Titled], before: str = "") -> Scores:
        """Return the score of each line. before: the question before, and its answer."""
        pairs = [laid(self._tokenizer, question, line, before) for line in lines]
        with self._at_once:
            return np.concatenate([self._score(pair) for pair in pairs])

    def _score(self, pair: Pair) -> Scores:
        """Score one pair by itself: in a batch, the eight-bit steps would depend on the other
        pairs, and padding would cost time."""
        names = ("input_ids", "attention_mask", "token_type_ids", "questions", "lines")
        [score] = self._session.run(None, dict(zip(names, arrays([pair]), strict=True)))
        return np.asarray(score, np.float32)


@dataclass(frozen=True)
class LargeReranker:
    """A larger model of the same form. `training/large.py` makes it."""

    name: str
    scores: Score


class Judgement:
    """Turns scores into probabilities. `training/calibration.py` fits the numbers of a manifest."""

    def __init__(self, numbers: dict[str, Any]) -> None:
        # Weights of the scores (the reader's first) and the intercept of the logistic regression.
        self.calibration = np.array(numbers["calibration"], np.float64)
        # The weights of the best line's log odds to answer, of its lead and of the constant 1 in
        # the probability that this line, and no other, is the right one.
        self.sureness = np.array(numbers["sureness"], np.float64)
        # Probabilities. A line may be an answer if its probability is at least `answering`. The
        # best line is shown without asking the language model if its certainty is at least
        # `at_once`, and although the model found no answer if its probability is at least
        # `telling`.
        self.answering = float(numbers["thresholds"]["answering"])
        self.at_once = float(numbers["thresholds"]["at_once"])
        self.telling = float(numbers["thresholds"]["telling"])

    def answers(self, *scores: Scores) -> Scores:
        """Return the probability that each line answers. scores: the reader's, then others'."""
        return logistic(self.calibration, np.stack(scores, axis=-1)).astype(np.float32)

    def sure(self, answers: float, lead: float) -> float:
        """Return the probability that the best line, and no other, is the right one.

        answers: the probability that it answers; lead: how far the next line ranks behind it.
        """
        return float(logistic(self.sureness, features(answers, lead)))


class Reranker:
    """Ranks the reader's first lines; asks the large model where it is unsure. Thread-safe."""

    def __init__(self, folder: Path, tokenizer: Path, large: LargeReranker | None = None) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        self.name = str(manifest["name"])
        # How many lines are ranked again, and how much its score counts beside the reader's:
        # `training/weights.py` writes these numbers, and says where they come from.
        self.count = int(manifest["count"])
        # A line that the reader ranks further behind its best one is not ranked again.
        self.within = float(manifest["within"])
        self.weight = float(manifest["weight"])
        # Its own score of each line.
        self.scores: Score = Pairs(folder / "model.int8.onnx", tokenizer).scores
        self._alone = used = Judgement(manifest)
        # The numbers for both models are valid for one version of the large model.
        both = manifest.get("with_large", {})
        self._large = large if large and both.get("name") == large.name else None
        self.has_large = self._large is not None
        if self.has_large:
            used = self._both = Judgement(both)
            # The small reranker ranks alone if its best line is at least this certain.
            self._sure = float(both["sure"])
        self.answering, self.at_once, self.telling = used.answering, used.at_once, used.telling
        self.sure = used.sure

    def rank(
        self,
        question: str,
        lines: Sequence[Titled],
        first: Scores,
        liked: Scores | None = None,
        before: str = "",
        quickly: bool = False,
    ) -> Ranks:
        """Rank lines by the reader's scores `first` and, for the best of them, by its own. liked:
        what is added to the ranks, but says nothing about whether a line answers; quickly: without
        the large model."""
        if not len(first):
            return Ranks(first, first)
        liked = np.zeros_like(first) if liked is None else liked
        own = self.again(self.scores, question, lines, first, liked, before)
        found = Ranks(joined(self.weight, first, own) + liked, self._alone.answers(first, own))
        if self._large and not quickly and self.sureness(found) < self._sure:
            second = self.again(self._large.scores, question, lines, first, liked, before)
            ranks = joined(self.weight, first, own, second) + liked
            found = Ranks(ranks, self._both.answers(first, own, second))
        return found

    def sureness(self, found: Ranks) -> float:
        """Return the probability, by the small model alone, that the best line and no other is
        right."""
        best = float(found.probabilities[found.ranks.argmax()])
        return self._alone.sure(best, lead(found.ranks))

    def again(
        self,
        score: Score,
        question: str,
        lines: Sequence[Titled],
        first: Scores,
        liked: Scores,
        before: str,
    ) -> Scores:
        """Return a model's score of each line, of which it reads the nearest."""
        best = self.nearest(first, liked)
        return completed(score(question, [lines[at] for at in best], before), best, first)

    def nearest(self, first: Scores, liked: Scores) -> NDArray[np.int64]:
        """Return the places of the lines to rank again, best first."""
        ranks = first + liked
        best = np.argsort(-ranks, kind="stable")[: self.count]
        # A liked record must not displace the reader's best lines.
        near = [scores[best] >= scores[best].max() - self.within for scores in (first, ranks)]
        return best[near[0] | near[1]]


def joined(weight: float, first: Scores, *others: Scores) -> Scores:
    """Add the scores of each model, the reader's first, and scale the sum as if there were one
    model beside the reader, because leads are compared with fixed thresholds."""
    scale = (1 + weight) / (1 + weight * len(others))
    ranks: Scores = scale * (first + weight * np.sum(others, axis=0))
    return ranks


def completed(scores: Scores, best: NDArray[np.int64], first: Scores) -> Scores:
    """Return a score for each line. Lines that were not scored stay as far behind the lowest score
    as they are in the reader's scores."""
    every = scores.min() + np.minimum(first - first[best].min(), 0)
    every[best] = scores
    return every


def lead(ranks: Scores) -> float:
    """Return how far the second best is behind the best."""
    if len(ranks) == 1:
        return FARTHEST
    second, first = np.partition(ranks, -2)[-2:]
    return float(first - second)


def logistic(weights: NDArray[np.float64], values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the logistic function, (…), of the weighted values, (…, columns), and a constant."""
    logits = values @ weights[:-1] + weights[-1]
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))))


def features(answers: Any, leads: Any) -> NDArray[np.float64]:
    """Return log odds and leads (…, 2), both bounded: beyond the bounds, they say nothing new."""
    answers = np.clip(answers, 1e-6, 1 - 1e-6)
    odds = np.log(answers / (1 - answers))
    return np.stack([odds, np.minimum(leads, FARTHEST)], axis=-1)


def laid(tokenizer: Tokenizer, question: str, line: Titled, before: str = "") -> Pair:
    begin, *words, end = encoded(tokenizer, question)
    asked = [begin, *words[:QUESTION], end]
    # Its end is read: there stand the question, after its story, and then the answer.
    context = [*inner(tokenizer, before)[-BEFORE:], end] if before else []
    title, text = inner(tokenizer, line[0])[:TITLE], inner(tokenizer, line[1])[:LINE]
    second = len(asked) + len(context)
    ids = [*asked, *context, *title, *text, end]
    return Pair(ids, len(asked), second, second + len(title))


def inner(tokenizer: Tokenizer, text: str) -> Ids:
    """Return a text's token ids without the marks around them."""
    return encoded(tokenizer, text)[1:-1]


def arrays(pairs: Sequence[Pair]) -> tuple[NDArray[np.int64], ...]:
    """Return token ids, and masks of the tokens, of the second text, of the question's words and of
    the line's words: (pairs, longest) each. A text without words counts by its mark."""
    shape = (len(pairs), max(len(pair.ids) for pair in pairs))
    ids, mask, second, asked, told = (np.zeros(shape, np.int64) for _ in range(5))
    for row, pair in enumerate(pairs):
        last = len(pair.ids) - 1
        ids[row, : last + 1], mask[row, : last + 1] = pair.ids, 1
        second[row, pair.second : last + 1] = 1
        asked[row, min(1, pair.question - 2) : pair.question - 1] = 1
        told[row, min(pair.line, last) : max(last, pair.line + 1)] = 1
    return ids, mask, second, asked, told
