"""Writes a snapshot: a draft, synced, with the manifest last; then replaces CURRENT atomically.

If it is killed at any moment, the previous snapshot stays in use. One process writes at a time; the
next write removes what a killed one has left.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import faiss
import numpy as np

from inference.index.match import SHARED, Vector, terms
from inference.index.snapshot import CURRENT, Manifest, checksum, current, digest
from inference.index.words import Collector

# Rows added to FAISS in one call.
BATCH = 8_192
# From this many shared rows on, they are also kept in cells: searching them all takes too long.
MANY_SHARED = 30_000
TRAINED_ON = 40  # rows per cell


class Row(NamedTuple):
    id: int
    scope: str
    text: str
    vector: Vector


def write(
    root: Path, encoder: str, dimension: int, changes: int, rows: Iterable[Row], mark: str = ""
) -> Manifest:
    """Write a snapshot and make it the current one. `rows` of one scope must be adjacent."""
    root.mkdir(parents=True, exist_ok=True)
    with _only_writer(root):
        generation = _next_generation(root)
        draft = root / f"draft-{generation:08}"
        draft.mkdir()
        count, average = _write_files(draft, dimension, rows)
        files = {path.name: checksum(path) for path in sorted(draft.iterdir())}
        manifest = Manifest(
            encoder, dimension, count, changes, generation, average, files, mark=mark
        )
        (draft / "manifest.json").write_text(json.dumps(asdict(manifest), indent=1))
        _make_current(root, draft)
    return manifest


def _write_files(folder: Path, dimension: int, rows: Iterable[Row]) -> tuple[int, float]:
    flat, words = faiss.IndexFlatIP(dimension), Collector()
    ids: list[int] = []
    ranges: dict[str, tuple[int, int]] = {}
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        flat.add(np.array([row.vector for row in batch], np.float32))
        for row in batch:
            _extend(ranges, row.scope, len(ids))
            ids.append(row.id)
            words.add(terms(row.text))
    faiss.write_index(flat, str(folder / "vectors.faiss"))
    np.save(folder / "ids.npy", np.array(ids, np.int64))
    _write_scopes(folder, ranges)
    _write_cells(folder, flat, *ranges.get(SHARED, (0, 0)))
    return len(ids), words.write(folder)


def _extend(ranges: dict[str, tuple[int, int]], scope: str, row: int) -> None:
    start, end = ranges.get(scope, (row, row))
    if end != row:
        raise ValueError(f"the rows of {scope!r} are not adjacent")
    ranges[scope] = start, row + 1


def _write_scopes(folder: Path, ranges: dict[str, tuple[int, int]]) -> None:
    digests = np.array([digest(scope) for scope in ranges], "S32")
    order = np.argsort(digests)
    np.save(folder / "scopes.npy", digests[order])
    np.save(folder / "ranges.npy", np.array([*ranges.values()], np.int64).reshape(-1, 2)[order])


def _write_cells(folder: Path, flat: faiss.IndexFlat, start: int, end: int) -> None:
    """Write the shared rows again, each in the cell of its nearest centre (IVF), in half precision.

    With one byte per dimension, two of a hundred nearest would be lost however many cells are read.
    """
    if end - start < MANY_SHARED:
        return
    # Twice as many cells find the same in the same time, and take four times as long to train.
    size = round(2 * (end - start) ** 0.5)
    faiss.omp_set_num_threads(len(os.sched_getaffinity(0)))  # A search may have set this thread's.
    cells = faiss.index_factory(flat.d, f"IVF{size},SQfp16", faiss.METRIC_INNER_PRODUCT)
    random = np.random.default_rng(0)
    sample = random.choice(end - start, min(TRAINED_ON * size, end - start), replace=False)
    cells.train(flat.reconstruct_batch(np.sort(start + sample)))
    for first in range(start, end, BATCH):
        rows = np.arange(first, min(first + BATCH, end))
        cells.add_with_ids(flat.reconstruct_batch(rows), rows)
    faiss.write_index(cells, str(folder / "shared.faiss"))


@contextmanager
def _only_writer(root: Path) -> Iterator[None]:
    """Wait for another writer; the lock ends with the process that holds it."""
    with (root / "writer.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in root.glob("draft-*"):
            shutil.rmtree(leftover)
        yield


def _next_generation(root: Path) -> int:
    names = [path.name.rsplit("-", 1)[1] for path in root.glob("snapshot-*")]
    return 1 + max([int(name) for name in names if name.isdigit()], default=0)


def _make_current(root: Path, draft: Path) -> None:
    for path in [*draft.iterdir(), draft]:
        _sync(path)
    folder = draft.replace(root / draft.name.replace("draft", "snapshot"))
    named = root / f"{CURRENT}.draft"
    named.write_text(folder.name)
    _sync(named)
    before = current(root)
    named.replace(root / CURRENT)
    _sync(root)
    # Readers that have mapped an older snapshot keep its pages; a reader that is about to open the
    # previous one must find it.
    for old in root.glob("snapshot-*"):
        if old.name not in {folder.name, before}:
            shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
