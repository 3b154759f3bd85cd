"""The vector index: scopes are ranges, snapshots are whole or not there."""

from pathlib import Path

import numpy as np
import pytest

from inference.index import SHARED, IndexReader, IndexUnavailable, write


def unit(*rows: list[float]) -> np.ndarray:
    matrix = np.array(rows, dtype=np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


VECTORS = unit([1, 0, 0], [0, 1, 0], [1, 0.1, 0], [1, 0.2, 0])
SCOPES = ["alice", SHARED, "bob", "alice"]


def build(root: Path, changes: int = 1) -> IndexReader:
    write(root, "enc", changes, [10, 11, 12, 13], SCOPES, VECTORS)
    return IndexReader(root, "enc")


def test_a_search_sees_one_scope_only(tmp_path: Path) -> None:
    snapshot = build(tmp_path).snapshot()
    query = unit([1, 0, 0])[0]
    assert [row for row, _ in snapshot.search(query, "alice", 9)] == [10, 13]
    assert [row for row, _ in snapshot.search(query, "bob", 9)] == [12]
    assert [row for row, _ in snapshot.search(query, SHARED, 9)] == [11]


def test_a_scope_without_rows_finds_nothing(tmp_path: Path) -> None:
    assert build(tmp_path).snapshot().search(unit([1, 0, 0])[0], "charlie", 5) == []


def test_a_reader_swaps_to_the_new_snapshot_and_old_ones_go(tmp_path: Path) -> None:
    reader = build(tmp_path, changes=1)
    assert reader.snapshot().manifest.changes == 1
    for changes in (2, 3, 4):
        build(tmp_path, changes)
    assert reader.snapshot().manifest.changes == 4
    assert len(list(tmp_path.glob("snapshot-*"))) == 2


def test_an_empty_index_can_be_written_and_searched(tmp_path: Path) -> None:
    write(tmp_path, "enc", 0, [], [], np.zeros((0, 3), dtype=np.float32))
    assert IndexReader(tmp_path, "enc").snapshot().search(unit([1, 0, 0])[0], SHARED, 5) == []


@pytest.mark.parametrize("name", ["vectors.faiss", "rows.npz", "manifest.json"])
def test_a_broken_file_is_a_clear_error(tmp_path: Path, name: str) -> None:
    build(tmp_path)
    next(tmp_path.glob(f"snapshot-*/{name}")).write_bytes(b"broken")
    with pytest.raises(IndexUnavailable, match="manage.py index build"):
        IndexReader(tmp_path, "enc").snapshot()


def test_no_index_yet_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable, match="manage.py index build"):
        IndexReader(tmp_path, "enc").snapshot()
