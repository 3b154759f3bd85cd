"""A snapshot: an immutable index in a folder, which is complete or is not read at all.

    vectors.faiss   unit vectors, float32, with the rows of each scope adjacent
    shared.faiss    a copy of the shared scope's rows, in cells, if there are many
    ids.npy  scopes.npy  ranges.npy  hashes.npy  starts.npy  rows.npy  weights.npy
    manifest.json   written last

The file CURRENT beside the snapshots names the one in use and is replaced atomically.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from inference.index.match import SHARED, Match, Query, Vector
from inference.index.words import Words, mapped

CURRENT = "CURRENT"
FORMAT = 2
# Share of the cells of `shared.faiss` that one search reads. Recall@10 is 0.99 of an exact search,
# from the smallest such index on (`make bench-retrieval`).
PROBED = 0.05


class IndexUnavailable(Exception):
    """The index cannot be used; the message says what to type."""


class CorruptIndex(IndexUnavailable):
    """The snapshot's files are damaged; the index can be rebuilt from the database."""


class ForeignIndex(CorruptIndex):
    """The snapshot was made from another database, or from a later state of this one."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The index does not fit the database: {why} Type: manage.py index build")


@dataclass(frozen=True)
class Manifest:
    encoder: str
    dimension: int
    rows: int
    # The database's count of changes that this snapshot holds.
    changes: int
    # One more than that of the previous snapshot.
    generation: int
    # The average number of words per passage.
    average_length: float
    # SHA-256 of each file.
    files: dict[str, str]
    format: int = FORMAT
    # A random mark from the database; "" in snapshots from before there were marks.
    mark: str = ""


class Snapshot:
    """A snapshot, memory-mapped, so that the processes of one machine share its pages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = self._verified()
        self._vectors = _mapped(folder / "vectors.faiss")
        self._cells = self._in_cells()
        self._ids = mapped(folder / "ids.npy")
        self._scopes = mapped(folder / "scopes.npy")
        self._ranges = mapped(folder / "ranges.npy")
        self._words = Words(folder, self.manifest.rows, self.manifest.average_length)

    @property
    def words(self) -> Words:
        return self._words

    def search(self, query: Query, scope: str, limit: int) -> list[Match]:
        """Return the best rows of one scope: the nearest by either signal, ranked by both."""
        start, end = self.range(scope)
        if start == end:
            return []
        words = self._words.scores(query.terms, start, end)
        near = self._nearest(query.vector, scope, min(limit, end - start))
        rows = np.union1d(near, start + _best(words, limit))
        meaning = self._vectors.reconstruct_batch(rows) @ query.vector
        matches = [
            Match(int(self._ids[row]), float(cosine), float(words[row - start]))
            for row, cosine in zip(rows, meaning, strict=True)
        ]
        return sorted(matches, key=lambda match: -match.score)[:limit]

    def range(self, scope: str) -> tuple[int, int]:
        """Return the first row of a scope and the row after its last."""
        key = digest(scope)
        place = int(np.searchsorted(self._scopes, key))
        if place == len(self._scopes) or self._scopes[place] != key:
            return 0, 0
        start, end = self._ranges[place]
        return int(start), int(end)

    def _nearest(self, vector: Vector, scope: str, limit: int) -> NDArray[np.int64]:
        # For one question, OpenMP's threads only wait for each other: a search among 10,000 rows
        # takes 10 ms of CPU with two of them, and 0.45 ms with one (2026-11-29, two shared AVX2
        # cores). Each calling thread has a number of its own.
        faiss.omp_set_num_threads(1)
        batch = vector.reshape(1, -1)
        if scope == SHARED and self._cells:
            _, rows = self._cells.search(batch, limit)
        else:
            inside = faiss.SearchParameters(sel=faiss.IDSelectorRange(*self.range(scope)))  # type: ignore[call-arg]
            _, rows = self._vectors.search(batch, limit, params=inside)
        return np.asarray(rows[0][rows[0] >= 0])

    def _in_cells(self) -> Any:
        path = self.folder / "shared.faiss"
        if not path.exists():
            return None
        cells: Any = _mapped(path)
        cells.nprobe = max(1, round(PROBED * cells.nlist))
        return cells

    def _verified(self) -> Manifest:
        manifest = Manifest(**json.loads((self.folder / "manifest.json").read_text()))
        for name, expected in manifest.files.items():
            if checksum(self.folder / name) != expected:
                raise ValueError(f"{name} is damaged")
        return manifest


def opened(folder: Path) -> Snapshot:
    try:
        return Snapshot(folder)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise CorruptIndex(
            f"The index cannot be read ({error}). Type: manage.py index build"
        ) from error


def current(root: Path) -> str | None:
    """Return the name of the snapshot in use, None if there is none."""
    try:
        return (root / CURRENT).read_text().strip()
    except FileNotFoundError:
        return None


def digest(scope: str) -> np.bytes_:
    """Return the key by which a scope is looked up, in a sorted array that is mapped from disk."""
    return np.bytes_(hashlib.blake2b(scope.encode(), digest_size=16).hexdigest())


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _mapped(path: Path) -> faiss.Index:
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)


def _best(scores: NDArray[np.float32], limit: int) -> NDArray[np.int64]:
    """Return the positions of the highest scores above zero, unordered."""
    places = np.flatnonzero(scores)
    if len(places) <= limit:
        return places
    return places[np.argpartition(-scores[places], limit)[:limit]]
