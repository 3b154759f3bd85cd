"""BM25 within a scope: of each word's postings only the rows of the scope are read.

bm25s computes the weights. They are stored as sorted arrays that are mapped from disk, so that a
word takes two binary searches however large the index is, and no vocabulary is kept in memory.
"""

import hashlib
import logging
import math
from collections.abc import Sequence
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
# A rare word says more than BM25 gives it credit for, a word with digits (a zip code, a size) even
# more.
RARITY, DIGITS = 0.5, 2.0
# In a scope of more than LARGE rows, words that occur in more than this share of all rows are not
# read, which would take milliseconds, if the query has rarer ones.
COMMON = 0.05
LARGE = 50_000
FILES = ("hashes.npy", "starts.npy", "rows.npy", "weights.npy")

_NONE, _NO_ROWS = np.zeros(0), np.zeros(0, np.int32)

Scores = NDArray[np.float32]


class Posting(NamedTuple):
    """A word and where its rows begin and end."""

    term: str
    first: int
    last: int


class Words:
    """The postings of one snapshot, with the snapshot's row numbers."""

    def __init__(self, folder: Path, rows: int, average_length: float) -> None:
        self.rows, self.average_length = rows, average_length
        self._hashes, self._starts, self._rows, self._weights = (
            mapped(folder / name) for name in FILES
        )

    def scores(self, terms: Sequence[str], start: int, end: int) -> Scores:
        """Score each row of the range: (end - start,)."""
        rows, weights = [_NO_ROWS], [_NONE]
        for term, first, last in self._worth_reading(self._found(terms), end - start):
            low, high = first + self._rows[first:last].searchsorted((start, end))
            rows.append(self._rows[low:high])
            weights.append(self._weights[low:high] * _emphasis(term, last - first, self.rows))
        places = np.concatenate(rows) - start
        return np.bincount(places, np.concatenate(weights), end - start).astype(np.float32)

    def emphasis(self, term: str) -> float:
        """Return the factor by which a word's BM25 weight is multiplied."""
        return _emphasis(term, self._uses(term), self.rows)

    def idf(self, term: str) -> float:
        return _idf(self._uses(term), self.rows)

    def weight(self, term: str, uses: int, length: int) -> float:
        """Compute BM25 as bm25s does ("lucene"), for a text that is newer than the snapshot."""
        usual = self.average_length or length
        return self.idf(term) * uses / (uses + K1 * (1 - B + B * length / usual))

    def _worth_reading(self, found: list[Posting], size: int) -> list[Posting]:
        rare = [one for one in found if one.last - one.first <= COMMON * self.rows]
        return rare if rare and size > LARGE else found

    def _uses(self, term: str) -> int:
        return sum(last - first for _, first, last in self._found([term]))

    def _found(self, terms: Sequence[str]) -> list[Posting]:
        """Return the words that occur, looked up all at once."""
        if not terms or not len(self._hashes):
            return []
        wanted = np.array([digest(term) for term in terms], np.uint64)
        places = np.minimum(self._hashes.searchsorted(wanted), len(self._hashes) - 1)
        firsts, lasts = self._starts[places].tolist(), self._starts[places + 1].tolist()
        same = (self._hashes[places] == wanted).tolist()
        return [Posting(*row) for row in compress(zip(terms, firsts, lasts, strict=True), same)]


def _emphasis(term: str, uses: int, rows: int) -> float:
    digits = DIGITS if any(map(str.isdigit, term)) else 1.0
    return float(_idf(uses, rows) ** RARITY * digits)


def _idf(uses: int, rows: int) -> float:
    # A word that only occurs in changes counts as one of the rarest.
    uses, rows = max(1, uses), max(1, rows)
    return math.log1p((rows - uses + 0.5) / (uses + 0.5))


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
        # Imported here, since only a writer needs it, and it loads SciPy.
        import bm25s
        from bm25s.tokenization import Tokenized

        logging.getLogger("bm25s").setLevel(logging.WARNING)
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


def digest(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
