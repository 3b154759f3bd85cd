"""The index: scopes are ranges, what changed lies over what is stored, snapshots are whole."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from inference.index import (
    SHARED,
    Change,
    Changes,
    CorruptIndex,
    IndexReader,
    IndexUnavailable,
    Query,
    Row,
    writer,
)

CORPUS = {
    10: ("alice", "Order 51: a red tent, sent to Graz"),
    13: ("alice", "Order 52: two blue chairs"),
    12: ("bob", "Order 77: a red tent, sent to Leeds"),
    11: (SHARED, "Returns: send goods back within 30 days"),
}


def vector(text: str) -> np.ndarray:
    """Texts that share letters are near."""
    counts = np.array([text.lower().count(chr(97 + n)) for n in range(26)], np.float32)
    return counts / max(float(np.linalg.norm(counts)), 1e-9)


def rows(corpus: dict[int, tuple[str, str]] = CORPUS) -> list[Row]:
    found = [Row(number, scope, text, vector(text)) for number, (scope, text) in corpus.items()]
    return sorted(found, key=lambda row: row.scope)


def written(root: Path, changes: int = 1, rows: Iterable[Row] = rows()) -> IndexReader:
    writer.write(root, "enc", 26, changes, rows)
    return IndexReader(root, "enc", Changes)


def found(reader: IndexReader, text: str, *scopes: str) -> list[int]:
    query = Query(text, vector(text))
    return [match.id for match in reader.view().search(query, list(scopes), 9)]


def test_a_search_sees_the_given_scopes_only(tmp_path: Path) -> None:
    reader = written(tmp_path)
    assert set(found(reader, "red tent", "alice")) == {10, 13}
    assert found(reader, "red tent", "bob") == [12]
    assert set(found(reader, "red tent", SHARED, "bob")) == {11, 12}
    assert found(reader, "red tent", "charlie") == []


def test_a_word_finds_what_the_vector_does_not(tmp_path: Path) -> None:
    query = Query("graz", vector("two blue chairs"))
    best = written(tmp_path).view().search(query, ["alice"], 9)
    assert {match.id: match.words > 0 for match in best} == {10: True, 13: False}


def test_words_match_in_any_form_case_and_accent(tmp_path: Path) -> None:
    reader = written(tmp_path)
    for text in ("CHAIR", "chairs!", "chaïr"):
        words = [match for match in search(reader, text, "alice") if match.words]
        assert [match.id for match in words] == [13]


def search(reader: IndexReader, text: str, scope: str) -> list:
    return reader.view().search(Query(text, vector(text)), [scope], 9)


def test_a_change_lies_over_the_snapshot_and_scores_as_if_it_were_in_it(tmp_path: Path) -> None:
    corpus = {n: ("alice", f"order {n} holds a tent and {n % 7} chairs") for n in range(200)}
    late = {number: corpus.pop(number) for number in (150, 151)}
    log = [Change(n, scope, text, vector(text)) for n, (scope, text) in late.items()]
    written(tmp_path / "part", rows=rows(corpus))
    overlaid = IndexReader(tmp_path / "part", "enc", lambda count: Changes(2, log[: 2 - count + 1]))
    whole = written(tmp_path / "whole", rows=rows(corpus | late))
    parts = {match.id: match for match in search(overlaid, "order 150 tent", "alice")}
    for match in search(whole, "order 150 tent", "alice"):
        if match.id in late:
            assert parts[match.id].meaning == pytest.approx(match.meaning, abs=1e-5)
            assert parts[match.id].words == pytest.approx(match.words, rel=0.02)


def test_what_went_is_not_found_and_takes_no_place(tmp_path: Path) -> None:
    corpus = dict.fromkeys(range(30), ("alice", "a tent"))
    written(tmp_path, rows=rows(corpus))
    reader = IndexReader(
        tmp_path, "enc", lambda _: Changes(2, [Change(n, "alice") for n in range(25)])
    )
    assert set(found(reader, "tent", "alice")) == {25, 26, 27, 28, 29}


def test_a_passage_without_a_vector_is_found_by_its_words(tmp_path: Path) -> None:
    written(tmp_path)
    new = Change(99, "alice", "Order 53: a kayak")
    reader = IndexReader(tmp_path, "enc", lambda count: Changes(2, [new] if count < 2 else []))
    assert 99 in found(reader, "kayak", "alice")
    assert found(reader, "kayak", "bob") == [12]


def test_a_change_is_read_once(tmp_path: Path) -> None:
    written(tmp_path, changes=5)
    asked: list[int] = []

    def changes(count: int) -> Changes:
        asked.append(count)
        return Changes(8)

    reader = IndexReader(tmp_path, "enc", changes)
    for _ in range(3):
        reader.view()
    assert asked == [5, 8, 8]


def test_a_reader_swaps_to_the_new_snapshot_and_old_ones_go(tmp_path: Path) -> None:
    reader = written(tmp_path, changes=1)
    first = reader.view()
    for changes in (2, 3, 4):
        written(tmp_path, changes)
    assert reader.view().snapshot.manifest.changes == 4
    assert len(list(tmp_path.glob("snapshot-*"))) == 2
    query = Query("tent", vector("tent"))
    assert len(first.search(query, ["alice"], 9)) == 2  # the old one still answers who holds it


def test_an_empty_index_can_be_written_and_searched(tmp_path: Path) -> None:
    assert found(written(tmp_path, rows=[]), "tent", SHARED, "alice") == []


def test_many_shared_rows_are_searched_by_cells_and_the_nearest_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MANY_SHARED", 500)
    random = np.random.default_rng(1)
    vectors = random.normal(size=(2_000, 26)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    many = [Row(n, SHARED, f"text {n}", one) for n, one in enumerate(vectors)]
    own = [Row(5_000, "alice", "text", vectors[7])]
    view = written(tmp_path, rows=many + own).view()
    assert (view.snapshot.folder / "shared.faiss").exists()
    hits = [view.search(Query("", vectors[n]), [SHARED], 1)[0].id for n in range(0, 2_000, 50)]
    assert hits == list(range(0, 2_000, 50))
    assert [m.id for m in view.search(Query("", vectors[7]), ["alice"], 5)] == [5_000]


def test_rows_of_a_scope_that_are_scattered_are_refused(tmp_path: Path) -> None:
    scattered = [*rows(), rows()[0]]
    with pytest.raises(ValueError, match="not adjacent"):
        written(tmp_path, rows=scattered)


@pytest.mark.parametrize(
    "name", ["vectors.faiss", "ids.npy", "scopes.npy", "weights.npy", "manifest.json"]
)
def test_a_broken_file_is_a_clear_error(tmp_path: Path, name: str) -> None:
    reader = written(tmp_path)
    path = next(tmp_path.glob(f"snapshot-*/{name}"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CorruptIndex, match="manage.py index build"):
        reader.view()


def test_no_index_yet_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable, match="manage.py index build"):
        IndexReader(tmp_path, "enc", Changes).view()


def test_another_encoders_index_is_refused_with_what_to_type(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(IndexUnavailable, match="with the encoder enc, not with other") as raised:
        IndexReader(tmp_path, "other", Changes).view()
    assert not isinstance(raised.value, CorruptIndex)
