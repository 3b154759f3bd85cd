"""BM25 within a scope: of each word's postings only the rows of the scope are read.

bm25s computes the weights. They are stored as sorted arrays that are mapped from disk, so that a
word takes two binary searches however large the index is, and no vocabulary is kept in memory.
"""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
from bm25s.tokenization import Tokenized
from numpy.typing import NDArray

K1, B = 1.2, 0.75
# A rare word says more than BM25 gives it credit for, a word with digits (a zip code, a size) even
# more.
RARITY, DIGITS = 0.5, 2.0
# In a scope of more than LARGE rows, words that occur in more than this share of all rows are not
# read, which would take milliseconds, if the query has rarer ones.
COMMON = 0.05
LARGE = 50_000
logging.getLogger("bm25s").setLevel(logging.WARNING)
FILES = ("hashes.npy", "starts.npy", "rows.npy", "weights.npy")

_NONE = np.zeros(0)

Scores = NDArray[np.float32]


class Words:
    """The postings of one snapshot, with the snapshot's row numbers."""

    def __init__(self, folder: Path, rows: int, average_length: float) -> None:
        self.rows, self.average_length = rows, average_length
        self._hashes, self._starts, self._rows, self._weights = (
            mapped(folder / name) for name in FILES
        )

    def scores(self, terms: Sequence[str], start: int, end: int) -> Scores:
        """Score each row of the range: (end - start,)."""
        scores = np.zeros(end - start, np.float32)
        for term in self._worth_reading(terms, end - start):
            first, last = self._postings(term)
            low, high = first + np.searchsorted(self._rows[first:last], [start, end])
            scores[self._rows[low:high] - start] += self._weights[low:high] * self.emphasis(term)
        return scores

    def emphasis(self, term: str) -> float:
        """Return the factor by which a word's BM25 weight is multiplied."""
        digits = DIGITS if any(character.isdigit() for character in term) else 1.0
        return float(self.idf(term) ** RARITY * digits)

    def idf(self, term: str) -> float:
        # A word that only occurs in changes counts as one of the rarest.
        uses, rows = max(1, self._uses(term)), max(1, self.rows)
        return float(np.log1p((rows - uses + 0.5) / (uses + 0.5)))

    def weight(self, term: str, uses: int, length: int) -> float:
        """Compute BM25 as bm25s does ("lucene"), for a text that is newer than the snapshot."""
        usual = self.average_length or length
        return self.idf(term) * uses / (uses + K1 * (1 - B + B * length / usual))

    def _worth_reading(self, terms: Sequence[str], size: int) -> Sequence[str]:
        rare = [term for term in terms if 0 < self._uses(term) <= COMMON * self.rows]
        return rare if rare and size > LARGE else terms

    def _uses(self, term: str) -> int:
        first, last = self._postings(term)
        return last - first

    def _postings(self, term: str) -> tuple[int, int]:
        key = digest(term)
        place = int(np.searchsorted(self._hashes, key))
        if place == len(self._hashes) or self._hashes[place] != key:
            return 0, 0
        return int(self._starts[place]), int(self._starts[place + 1])


class Collector:
    """Collects the terms of each row in turn, and writes the postings."""

    def __init__(self) -> None:
        self._vocabulary: dict[str, int] = {}
        self._rows: list[list[int]] = []
        self._length = 0

    def add(self, terms: Sequence[str]) -> None:
        known = self._vocabulary
        self._rows.append([known.setdefault(term, len(known)) for term in terms])
        self._length += len(terms)

    def write(self, folder: Path) -> float:
        """Write the postings and return the average number of words per row."""
        if not self._vocabulary:
            self._save(folder, [], np.zeros(1, np.int64), _NONE, _NONE)
            return 0.0
        ranker = bm25s.BM25(method="lucene", k1=K1, b=B)
        # A copy, because bm25s adds a word of its own.
        ranker.index(Tokenized(self._rows, dict(self._vocabulary)), show_progress=False)
        scores = ranker.scores
        self._save(
            folder, list(self._vocabulary), scores["indptr"], scores["indices"], scores["data"]
        )
        return self._length / len(self._rows)

    def _save(
        self,
        folder: Path,
        words: list[str],
        starts: NDArray[np.int64],
        rows: NDArray[Any],
        weights: NDArray[Any],
    ) -> None:
        """Save the postings word by word, in the order of the words' hashes."""
        hashes = np.array([digest(word) for word in words], np.uint64)
        order = np.argsort(hashes, kind="stable")
        counts = np.diff(starts[: len(words) + 1])[order]
        sorted_starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        taken = np.repeat(starts[:-1][order] - sorted_starts[:-1], counts) + np.arange(
            sorted_starts[-1]
        )
        arrays = (hashes[order], sorted_starts, rows[taken], weights[taken])
        kinds = (np.uint64, np.int64, np.int32, np.float32)
        for name, array, kind in zip(FILES, arrays, kinds, strict=True):
            np.save(folder / name, array.astype(kind))


def mapped(path: Path) -> NDArray[Any]:
    """Map an array. It is a plain array, because slicing numpy's memmap takes microseconds more."""
    return np.asarray(np.load(path, mmap_mode="r"))


def digest(word: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest()))
