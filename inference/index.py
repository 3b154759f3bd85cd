"""The vector index: unit vectors in FAISS, rows of one scope next to each other.

A scope is one customer, or SHARED. A search looks at the rows of one scope only, through an
id-range selector inside the FAISS search: exact, small, isolated by construction.

A snapshot is a folder that never changes: vectors.faiss, rows.npz, manifest.json (written
last). The file CURRENT beside it names the snapshot in use and is replaced in one step.
"""

import json
import os
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import faiss
import numpy as np

SHARED = ""
CURRENT = "CURRENT"


class IndexUnavailable(Exception):
    """There is no index that can be read; the message says what to type."""


@dataclass(frozen=True)
class Manifest:
    encoder: str
    dimension: int
    rows: int
    # The database's count of changes that this snapshot holds.
    changes: int


class Snapshot:
    """One immutable index, memory-mapped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = Manifest(**json.loads((folder / "manifest.json").read_text()))
        self._vectors = faiss.read_index(str(folder / "vectors.faiss"), faiss.IO_FLAG_MMAP_IFC)
        with np.load(folder / "rows.npz", allow_pickle=False) as rows:
            self._ids = rows["ids"]
            starts, ends = rows["starts"].tolist(), rows["ends"].tolist()
            self._ranges = dict(
                zip(rows["scopes"].tolist(), zip(starts, ends, strict=True), strict=True)
            )

    def search(self, query: np.ndarray, scope: str, limit: int) -> list[tuple[int, float]]:
        """The (id, cosine) of the nearest rows of one scope, best first."""
        start, end = self._ranges.get(scope, (0, 0))
        if start == end:
            return []
        selector = faiss.SearchParameters(sel=faiss.IDSelectorRange(start, end))  # type: ignore[call-arg]
        scores, rows = self._vectors.search(
            query.reshape(1, -1), min(limit, end - start), params=selector
        )
        return [
            (int(self._ids[row]), float(score))
            for row, score in zip(rows[0], scores[0], strict=True)
            if row >= 0
        ]


class IndexReader:
    """Opens the current snapshot and swaps it when another has taken its place."""

    def __init__(self, root: Path, encoder: str) -> None:
        self.root = root
        self.encoder = encoder
        self._snapshot: Snapshot | None = None

    def snapshot(self) -> Snapshot:
        name = current(self.root)
        if self._snapshot is None or self._snapshot.folder.name != name:
            self._snapshot = self._open(name)
        return self._snapshot

    def _open(self, name: str | None) -> Snapshot:
        if name is None:
            raise IndexUnavailable("There is no index yet. Type: manage.py index build")
        try:
            snapshot = Snapshot(self.root / name)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise IndexUnavailable(
                f"The index cannot be read ({error}). Type: manage.py index build"
            ) from error
        if snapshot.manifest.encoder != self.encoder:
            raise IndexUnavailable(
                f"The index was made with the encoder {snapshot.manifest.encoder}, not with "
                f"{self.encoder}. Type: manage.py index build"
            )
        return snapshot


def current(root: Path) -> str | None:
    try:
        return (root / CURRENT).read_text().strip()
    except FileNotFoundError:
        return None


def write(
    root: Path,
    encoder: str,
    changes: int,
    ids: Sequence[int],
    scopes: Sequence[str],
    vectors: np.ndarray,
) -> Manifest:
    """Write a snapshot aside and make it the current one. vectors: float32 (n, dimension)."""
    folder = root / f"snapshot-{uuid.uuid4().hex[:12]}"
    folder.mkdir(parents=True)
    order = sorted(range(len(ids)), key=lambda row: (scopes[row], ids[row]))
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(np.ascontiguousarray(vectors[order]))
    faiss.write_index(flat, str(folder / "vectors.faiss"))
    _write_rows(folder / "rows.npz", [ids[row] for row in order], [scopes[row] for row in order])
    manifest = Manifest(encoder, int(vectors.shape[1]), len(ids), changes)
    (folder / "manifest.json").write_text(json.dumps(asdict(manifest), indent=1))
    _make_current(root, folder)
    return manifest


def _write_rows(path: Path, ids: list[int], scopes: list[str]) -> None:
    names, starts, counts = np.unique(
        np.array(scopes, dtype=str), return_index=True, return_counts=True
    )
    np.savez(
        path,
        ids=np.array(ids, dtype=np.int64),
        scopes=names,
        starts=starts.astype(np.int64),
        ends=(starts + counts).astype(np.int64),
    )


def _make_current(root: Path, folder: Path) -> None:
    for path in [*folder.iterdir(), folder]:
        _sync(path)
    draft = root / f"{CURRENT}.{folder.name}"
    draft.write_text(folder.name)
    _sync(draft)
    before = current(root)
    draft.replace(root / CURRENT)
    _sync(root)
    _sweep(root, keep={folder.name, before})


def _sweep(root: Path, keep: set[str | None]) -> None:
    """Readers may still hold the snapshot before this one; older ones go."""
    for old in root.glob("snapshot-*"):
        # One without CURRENT naming it may be another process's, half-written: leave a young one.
        if old.name not in keep and (old / "manifest.json").exists():
            shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
