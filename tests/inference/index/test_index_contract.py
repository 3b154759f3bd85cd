"""What every index promises: the files on this machine, and a Milvus server behind the same search.

The server is Milvus Lite, in this process.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from inference.index import (
    SHARED,
    Change,
    Changes,
    IndexReader,
    IndexUnavailable,
    Match,
    Query,
    Row,
    write,
)

DIMENSION = 26
# Ids that mean something in a filter, a path, a pattern or a format.
HOSTILE = [
    'alice"',
    "alice'",
    "alice\\",
    'alice\\"',
    '" or "" == "',
    '") or (scope != "',
    "' or 1 == 1 or scope == '",
    'alice" or id >= 0 or scope == "',
    "{scope}",
    "%",
    "../alice",
    "alice\n",
    "Ålice 😀",
    "a" * 200,
]


class Index(Protocol):
    def fill(self, rows: Iterable[Row]) -> None: ...
    def apply(self, changes: Iterable[Change]) -> None: ...
    def search(self, query: Query, scopes: list[str], limit: int) -> list[Match]: ...


class Files:
    def __init__(self, root: Path) -> None:
        self.log: list[Change] = []
        self.reader = IndexReader(root, "enc", lambda n: Changes(len(self.log), self.log[n:]))

    def fill(self, rows: Iterable[Row]) -> None:
        write(self.reader.root, "enc", DIMENSION, 0, sorted(rows, key=lambda row: row.scope))

    def apply(self, changes: Iterable[Change]) -> None:
        self.log += changes

    def search(self, query: Query, scopes: list[str], limit: int) -> list[Match]:
        return self.reader.view().search(query, scopes, limit)


class Server:
    def __init__(self, url: str) -> None:
        from inference.index.milvus import MilvusIndex

        self.index = MilvusIndex(url, "enc", DIMENSION)
        self.apply, self.search = self.index.apply, self.index.search

    def fill(self, rows: Iterable[Row]) -> None:
        self.index.clear()
        self.index.apply(Change(*row) for row in rows)
        self.index.mark(0)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    reason = "needs {}: pip install -r requirements-dev.txt"
    pytest.importorskip("pymilvus", reason=reason.format("pymilvus"))
    lite = pytest.importorskip("milvus_lite.server_manager", reason=reason.format("milvus-lite"))
    path = str(tmp_path_factory.mktemp("milvus") / "index.db")
    yield path
    lite.server_manager_instance.release_server(path)


@pytest.fixture(params=["files", "milvus"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Index:
    if request.param == "files":
        return Files(tmp_path)
    return Server(request.getfixturevalue("url"))


def vector(text: str) -> np.ndarray:
    """Texts that share letters are near."""
    counts = np.array([text.lower().count(chr(97 + n)) for n in range(DIMENSION)], np.float32)
    return counts / max(float(np.linalg.norm(counts)), 1e-9)


def row(number: int, scope: str, text: str) -> Row:
    return Row(number, scope, text, vector(text))


def change(number: int, scope: str, text: str) -> Change:
    return Change(*row(number, scope, text))


def search(index: Index, text: str, *scopes: str, limit: int = 9) -> list[Match]:
    return index.search(Query(text, vector(text)), list(scopes), limit)


def found(index: Index, text: str, *scopes: str, limit: int = 9) -> list[int]:
    return [match.id for match in search(index, text, *scopes, limit=limit)]


ROWS = [
    row(1, SHARED, "Returns: send goods back within 30 days"),
    row(2, "alice", "Order 51: a red tent, sent to Graz"),
    row(3, "alice", "Order 52: two blue chairs"),
    row(4, "bob", "Order 77: a red tent, sent to Leeds"),
]


def test_a_search_sees_the_given_scopes_only(index: Index) -> None:
    index.fill(ROWS)
    assert set(found(index, "red tent", "alice")) == {2, 3}
    assert found(index, "red tent", "bob") == [4]
    assert set(found(index, "red tent", SHARED, "bob")) == {1, 4}


def test_an_unknown_scope_and_no_scope_find_nothing(index: Index) -> None:
    index.fill(ROWS)
    assert found(index, "red tent", "charlie") == []
    assert found(index, "red tent") == []


def test_whatever_an_id_is_made_of_it_opens_its_own_scope_only(index: Index) -> None:
    hostile = [row(100 + n, scope, "a red tent") for n, scope in enumerate(HOSTILE)]
    index.fill([*ROWS, *hostile])
    for number, scope in enumerate(HOSTILE):
        assert found(index, "red tent", scope) == [100 + number]
    assert set(found(index, "red tent", "alice")) == {2, 3}
    index.apply([Change(100 + n, scope) for n, scope in enumerate(HOSTILE)])
    assert [found(index, "red tent", scope) for scope in HOSTILE] == [[]] * len(HOSTILE)
    assert set(found(index, "red tent", "alice")) == {2, 3}


def test_a_change_is_found_at_once_and_replaces_what_was_there(index: Index) -> None:
    index.fill(ROWS)
    index.apply([change(3, "alice", "a yellow kayak"), change(5, "bob", "a yellow kayak")])
    (best, other) = search(index, "yellow kayak", "alice")
    assert (best.id, other.id) == (3, 2)
    assert best.meaning == pytest.approx(float(vector("yellow kayak") @ vector("a yellow kayak")))
    assert best.words > 0
    assert found(index, "yellow kayak", "bob")[0] == 5
    (again,) = [match for match in search(index, "chairs", "alice") if match.id == 3]
    assert again.words == 0


def test_what_was_deleted_is_found_no_more_and_takes_no_place(index: Index) -> None:
    index.fill([row(n, "alice", "a red tent") for n in range(20)])
    index.apply([Change(n, "alice") for n in range(17)])
    assert set(found(index, "red tent", "alice", limit=3)) == {17, 18, 19}
    index.apply([Change(n, "alice") for n in range(20)])
    assert found(index, "red tent", "alice") == []


def test_of_two_changes_of_a_passage_the_last_one_stands(index: Index) -> None:
    index.fill(ROWS)
    index.apply([change(5, "bob", "a kayak"), Change(5, "bob"), Change(4, "bob")])
    assert found(index, "kayak", "bob") == []
    index.apply([change(5, "bob", "a kayak"), change(5, "bob", "a canoe")])
    assert [(match.id, match.words > 0) for match in search(index, "canoe", "bob")] == [(5, True)]


def test_a_passage_that_another_customer_gets_leaves_the_first(index: Index) -> None:
    index.fill(ROWS)
    index.apply([change(2, "bob", "Order 51: a red tent, sent to Graz"), Change(2, "alice")])
    assert found(index, "red tent", "alice") == [3]
    assert set(found(index, "red tent", "bob")) == {2, 4}


def test_changes_may_be_applied_again(index: Index) -> None:
    index.fill(ROWS)
    for _ in range(2):
        index.apply([Change(4, "bob"), change(5, "bob", "a yellow kayak")])
    assert found(index, "yellow kayak", "bob") == [5]


def test_each_scope_has_its_own_limit_and_the_best_come_first(index: Index) -> None:
    shared = [row(n, SHARED, "a red tent") for n in range(30)]
    index.fill([*shared, *[row(100 + n, "alice", f"tent number {n}") for n in range(30)]])
    best = search(index, "a red tent", SHARED, "alice", limit=5)
    assert len([match for match in best if match.id < 100]) == 5
    assert len([match for match in best if match.id >= 100]) == 5
    assert [match.score for match in best] == sorted((m.score for m in best), reverse=True)


def test_an_index_of_nothing_finds_nothing_and_takes_changes(index: Index) -> None:
    index.fill([])
    assert found(index, "red tent", SHARED, "alice") == []
    index.apply([change(2, "alice", "a red tent")])
    assert found(index, "red tent", SHARED, "alice") == [2]


def test_a_word_finds_what_the_vector_does_not(index: Index) -> None:
    index.fill([row(n, "alice", f"tent {n}" if n != 33 else "tent to Graz") for n in range(50)])
    best, *others = index.search(Query("graz", vector("q")), ["alice"], 3)
    assert (best.id, best.words > 0) == (33, True)
    assert [match.words for match in others] == [0, 0]


@pytest.mark.parametrize("text", ["CHAIR", "chairs!", "chaïr"])
def test_words_match_in_any_form_case_and_accent(index: Index, text: str) -> None:
    index.fill(ROWS)
    assert [match.id for match in search(index, text, "alice") if match.words] == [3]


def test_a_text_without_a_word_is_searched_by_meaning(index: Index) -> None:
    index.fill([*ROWS, Row(9, "alice", "…", vector("red"))])
    assert set(found(index, "?!", "alice")) == {2, 3, 9}


def test_the_nearest_are_those_of_an_exact_search(index: Index) -> None:
    random = np.random.default_rng(5)
    vectors = random.normal(size=(500, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index.fill([Row(n, SHARED if n % 2 else "alice", "text", one) for n, one in enumerate(vectors)])
    for asked in vectors[:20]:
        cosines = vectors @ asked
        for scope, first in (("alice", 0), (SHARED, 1)):
            best = index.search(Query("", asked), [scope], 10)
            exact = first + 2 * np.argsort(-cosines[first::2])[:10]
            assert [match.id for match in best] == exact.tolist()
            assert [match.meaning for match in best] == pytest.approx(cosines[exact], abs=1e-5)


def test_words_of_both_weigh_about_the_same(tmp_path: Path, url: str) -> None:
    random = np.random.default_rng(3)
    common, rare = [f"word{n}x" for n in range(40)], [f"name{n}y" for n in range(400)]
    texts = [
        " ".join([*random.choice(common, 12), *random.choice(rare, 4), f"{n % 300}"])
        for n in range(600)
    ]
    rows = [row(n, SHARED, text) for n, text in enumerate(texts)]
    files, server = Files(tmp_path), Server(url)
    for index in (files, server):
        index.fill(rows)
    ours, theirs = (
        {match.id: match.words for match in search(index, texts[7], SHARED, limit=20)}
        for index in (files, server)
    )
    both = ours.keys() & theirs.keys()
    assert len(both) >= 10
    ratios = [theirs[one] / ours[one] for one in both]
    assert 0.5 < np.median(ratios) < 2


class TestState:
    """The server itself knows what it holds, so that every process does."""

    def test_a_new_server_says_what_to_type(self, url: str) -> None:
        server = Server(url)
        server.index.clear()
        with pytest.raises(IndexUnavailable, match="manage.py index build"):
            _ = server.index.upto

    def test_another_process_sees_what_was_marked(self, url: str) -> None:
        server = Server(url)
        server.fill(ROWS)
        server.index.mark(41)
        assert Server(url).index.upto == 41
        assert len(Server(url).index) == len(ROWS)

    def test_another_encoders_index_is_refused_with_what_to_type(self, url: str) -> None:
        Server(url).fill(ROWS)
        other = Server(url).index
        other.encoder = "other"
        with pytest.raises(IndexUnavailable, match="with the encoder enc, not with other"):
            _ = other.upto


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "alice:secret@milvus", "http://alice:s@:x"])
def test_a_server_that_cannot_be_asked_is_a_clear_error_without_its_password(url: str) -> None:
    milvus = pytest.importorskip("inference.index.milvus")
    with pytest.raises(IndexUnavailable, match="(?i)index") as raised:
        milvus.MilvusIndex(url, "enc", DIMENSION)
    assert "secret" not in str(raised.value)
