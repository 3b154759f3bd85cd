"""The reader: how near each line of a passage is to a question.

One encoder reads questions and whole passages, so that a line is understood in its place ("it is
free" under "Parking"). A line is near to a question by the cosine of their mean vectors, and by
each word of the question having a near one in the line (late interaction; ColBERT,
arXiv 2004.12832). `training/recipe.py` trains it; its weights lie in `inference/weights/reading`.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from inference.encoder import AT_ONCE, batches
from inference.lines import cut
from inference.runtime import padded, session
from inference.text import encodable

# Tokens of a title, a line, a question, a message that may ask several, and a passage; the rest is
# not read.
TITLE, LINE, QUESTION, MESSAGE, PASSAGE = 40, 120, 160, 256, 480
# How much the question before counts beside a follow-up's own words. Of 1,605 follow-ups of 86
# companies, the right line comes first for 0.61 with 0.3, for 0.60 with 0.2 or 0.4 (2026-11-29).
BEFORE = 0.3
# How many words of the previous question are read: the last ones, since a story comes first.
WORDS_BEFORE = 60
# Passages kept in memory, some 150 kB each: customers often ask about the same records.
REMEMBERED = 400
# Questions and names kept in memory, some 30 kB each.
QUESTIONS = 200

Scores = NDArray[np.float32]
Ids = list[int]
# Where lines begin and end among the tokens of their passage.
Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class Read:
    """A passage's lines as vectors: `means` (lines, width), and the tokens of all lines."""

    means: Scores
    tokens: NDArray[np.float16]
    # Where the tokens of each line begin.
    starts: NDArray[np.int64]


class Reader:
    """Thread-safe: two threads may at worst read the same passage twice."""

    def __init__(self, folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        self.name = str(manifest["name"])
        # How much the cosine and the words count, and how much each word does.
        self._scales = manifest["scales"]
        self._weight = np.array(manifest["word_weights"], np.float32)
        self._tokenizer = tokenizer_of(folder / "tokenizer.json")
        self._session = session(folder / "model.int8.onnx", threads=1, enable_cpu_mem_arena=False)
        self._at_once = threading.BoundedSemaphore(AT_ONCE)
        self._passages: dict[str, Read] = {}
        self._questions: dict[str, Scores] = {}
        self._lock = threading.Lock()

    def scores(self, text: str, passages: Sequence[str], before: str = "") -> list[Scores]:
        """Return, for each passage, how near each line of `lines.cut` is to the text: (lines,).

        before: the question before, which a follow-up is read together with, too.
        """
        if before:
            whole = self.scores(together(before, text), passages)
            own = self.scores(text, passages)
            return [(1 - BEFORE) * a + BEFORE * b for a, b in zip(own, whole, strict=True)]
        known = self._read(passages)
        hidden = self._asked(text)
        mean, words = unit(hidden.mean(0)), unit(hidden[1:])
        weights = np.exp(np.clip(hidden[1:] @ self._weight[:-1] + self._weight[-1], -3, 3))
        weights /= weights.sum()
        return [self._near(mean, words, weights, known[passage]) for passage in passages]

    def vector(self, text: str) -> Scores:
        """Return the mean vector of a question, of length one: (width,)."""
        return unit(self._asked(text).mean(0))

    def tokens(self, text: str) -> tuple[Scores, list[tuple[int, int]]]:
        """Return the vector of each token of a message, (tokens, width), and where it stands. The
        end of a long message counts."""
        found = self._tokenizer.encode(encodable(text))
        ids, places = found.ids, found.offsets
        if len(ids) <= QUESTION:
            return self._asked(text), places
        first = max(1, len(ids) - MESSAGE + 1)
        [hidden] = self._run([[ids[0], *ids[first:]]])
        return hidden, [places[0], *places[first:]]

    def _asked(self, text: str) -> Scores:
        """Encode a question once: it is looked up, and then read."""
        hidden = self._questions.get(text)
        if hidden is None:
            [hidden] = self._run([question_ids(self._tokenizer, text)])
            with self._lock:
                self._questions[text] = hidden
                while len(self._questions) > QUESTIONS:
                    del self._questions[next(iter(self._questions))]
        return hidden

    def _near(self, mean: Scores, words: Scores, weights: Scores, passage: Read) -> Scores:
        if not len(passage.means):
            return np.zeros(0, np.float32)
        pairs = words @ passage.tokens.astype(np.float32).T
        nearest = np.maximum.reduceat(pairs, passage.starts, axis=1)
        by_meaning, by_words = self._scales
        return np.asarray(by_meaning * (passage.means @ mean) + by_words * (weights @ nearest))

    def _read(self, passages: Sequence[str]) -> dict[str, Read]:
        # One look-up each: another thread may remove a passage at any moment.
        known = {one: read for one in passages if (read := self._passages.get(one)) is not None}
        new = [one for one in dict.fromkeys(passages) if one not in known]
        laid = [self._laid(one) for one in new]
        for passage, (_, spans), hidden in zip(
            new, laid, self._run([ids for ids, _ in laid]), strict=True
        ):
            known[passage] = read_of(hidden, spans)
        with self._lock:
            for passage, read in known.items():  # Those read last are forgotten last.
                self._passages.pop(passage, None)
                self._passages[passage] = read
            while len(self._passages) > REMEMBERED:
                del self._passages[next(iter(self._passages))]
        return known

    def _laid(self, passage: str) -> tuple[Ids, Spans]:
        title, lines = cut(passage)
        ids, spans = passage_ids(self._tokenizer, title, lines)
        return ids, within(spans, len(ids))

    def _run(self, texts: Sequence[Ids]) -> list[Scores]:
        """Return the vector of each token of each text: (tokens, width)."""
        found: list[Scores] = [np.zeros(0, np.float32)] * len(texts)
        for rows in batches([len(ids) for ids in texts], 32):
            ids, mask = padded([texts[row] for row in rows])
            with self._at_once:
                [hidden] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
            for row, one in zip(rows, hidden, strict=True):
                found[row] = one[: len(texts[row])]
        return found


def together(before: str, text: str) -> str:
    """Return a follow-up after the end of what was said before."""
    return " ".join([*before.split()[-WORDS_BEFORE:], text])


def tokenizer_of(file: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(file))
    # Its file may ask for texts of one length.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def question_ids(tokenizer: Tokenizer, question: str) -> Ids:
    return encoded(tokenizer, question)[:QUESTION]


def passage_ids(tokenizer: Tokenizer, title: str, lines: Sequence[str]) -> tuple[Ids, Spans]:
    """Return the token ids of a passage, and where each of its lines begins and ends."""
    *ids, end = encoded(tokenizer, title)
    ids, spans = ids[: TITLE - 1], []
    for line in lines:
        tokens = encoded(tokenizer, line)[1:-1][:LINE]
        spans.append((len(ids), len(ids) + len(tokens)))
        ids += tokens
    return [*ids[: PASSAGE - 1], end], spans


def within(spans: Spans, length: int) -> Spans:
    """Let a line that was cut off, or has no token, begin at the last token."""
    last = length - 1
    return [(min(a, last), max(min(a, last) + 1, min(b, last))) for a, b in spans]


def encoded(tokenizer: Tokenizer, text: str) -> Ids:
    return list(tokenizer.encode(encodable(text)).ids)


def read_of(hidden: Scores, spans: Spans) -> Read:
    if not spans:
        empty = np.zeros((0, hidden.shape[1]), np.float32)
        return Read(empty, empty.astype(np.float16), np.zeros(0, np.int64))
    lines = [hidden[begin:end] for begin, end in spans]
    starts = np.cumsum([0, *map(len, lines)])[:-1].astype(np.int64)
    means = unit(np.stack([line.mean(0) for line in lines]))
    return Read(means, unit(np.concatenate(lines)).astype(np.float16), starts)


def unit(rows: Scores) -> Scores:
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)
