"""One immutable index: a folder that is whole and current, or is not read at all.

    vectors.faiss   unit vectors, float32, rows of a scope next to each other
    shared.faiss    the shared scope's rows once more, in cells, where there are many
    ids.npy  scopes.npy  ranges.npy  hashes.npy  starts.npy  rows.npy  weights.npy
    manifest.json   written last

The file CURRENT beside it names the snapshot in use and is replaced in one step.
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
# Share of the cells of `shared.faiss` that one search reads; recall@10 0.99 of exact from the
# smallest such index on (`make bench-retrieval`).
PROBED = 0.05


class IndexUnavailable(Exception):
    """The index cannot be used; the message says what to type."""


class CorruptIndex(IndexUnavailable):
    """The snapshot's files are not what was written. The database can make them again."""


class ForeignIndex(CorruptIndex):
    """It was made from another database, or from a later state of this one."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The index does not fit the database: {why} Type: manage.py index build")


@dataclass(frozen=True)
class Manifest:
    encoder: str
    dimension: int
    rows: int
    # The database's count of changes that this snapshot holds.
    changes: int
    # One more than the snapshot before.
    generation: int
    # Words of a passage, on average.
    average_length: float
    # SHA-256 of each file.
    files: dict[str, str]
    format: int = FORMAT
    # Drawn by the database for this snapshot; "" of one that is older than marks are.
    mark: str = ""


class Snapshot:
    """Memory-mapped: processes on one machine share its pages."""

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
        """The best rows of one scope, best first: the nearest by either signal, by both."""
        start, end = self.range(scope)
        if start == end:
            return []
        words = self._words.scores(query.terms, start, end)
        near = self._nearest(query.vector, scope, min(limit, end - start))
        rows = np.union1d(near, start + _best(words, limit))
        meaning = self._vectors.reconstruct_batch(rows) @ query.vector
        found = [
            Match(int(self._ids[row]), float(cosine), float(words[row - start]))
            for row, cosine in zip(rows, meaning, strict=True)
        ]
        return sorted(found, key=lambda match: -match.score)[:limit]

    def range(self, scope: str) -> tuple[int, int]:
        """The rows of a scope: from, to."""
        wanted = digest(scope)
        place = int(np.searchsorted(self._scopes, wanted))
        if place == len(self._scopes) or self._scopes[place] != wanted:
            return 0, 0
        start, end = self._ranges[place]
        return int(start), int(end)

    def _nearest(self, vector: Vector, scope: str, limit: int) -> NDArray[np.int64]:
        one = vector.reshape(1, -1)
        if scope == SHARED and self._cells:
            _, rows = self._cells.search(one, limit)
        else:
            inside = faiss.SearchParameters(sel=faiss.IDSelectorRange(*self.range(scope)))  # type: ignore[call-arg]
            _, rows = self._vectors.search(one, limit, params=inside)
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
        for name, wanted in manifest.files.items():
            if checksum(self.folder / name) != wanted:
                raise ValueError(f"{name} is not what was written")
        return manifest


def opened(folder: Path) -> Snapshot:
    try:
        return Snapshot(folder)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise CorruptIndex(
            f"The index cannot be read ({error}). Type: manage.py index build"
        ) from error


def current(root: Path) -> str | None:
    """The name of the snapshot in use."""
    try:
        return (root / CURRENT).read_text().strip()
    except FileNotFoundError:
        return None


def digest(scope: str) -> np.bytes_:
    """Scopes are looked up in a sorted array of these, mapped from disk."""
    return np.bytes_(hashlib.blake2b(scope.encode(), digest_size=16).hexdigest())


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _mapped(path: Path) -> faiss.Index:
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)


def _best(scores: NDArray[np.float32], limit: int) -> NDArray[np.int64]:
    """Places of the highest scores above zero, in no order."""
    places = np.flatnonzero(scores)
    if len(places) <= limit:
        return places
    return places[np.argpartition(-scores[places], limit)[:limit]]
