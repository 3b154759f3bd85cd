"""The index on a Milvus server, for more passages than one machine holds. Same `search`.

A scope is the partition key and a filter inside the search. Filters hold its digest, never a
customer's id: whatever an id is made of, it cannot reach into another scope.

Milvus Lite, which the tests use, stands for the server except that it knows no templates in
filters and no tokenizer "whitespace", counts a word's rarity segment by segment, and lets one
process at a time open its folder. Nothing here needs more than it has.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from pymilvus import (
    CollectionSchema,
    DataType,
    Function,
    FunctionType,
    MilvusClient,
    MilvusException,
)
from pymilvus.exceptions import ConnectionConfigException
from pymilvus.milvus_client import IndexParams

from inference.index.delta import Change
from inference.index.match import Match, Query, terms
from inference.index.snapshot import IndexUnavailable, digest
from inference.index.words import DIGITS, K1, B

COLLECTIONS = ("state", "passages")
BATCH = 1_000
# Seconds for one call.
TIMEOUT = 10.0
# Bytes that Milvus allows in a text.
LONGEST = 65_535


def named(encoder: str) -> str:
    """As Milvus allows it in a name."""
    return re.sub(r"\W", "_", encoder, flags=re.ASCII)


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except MilvusException as error:
        raise IndexUnavailable(f"The index server does not serve: {error.message}") from error


class MilvusIndex:
    """Thread-safe. What was applied is found at once, by every process.

    A match's `words` are Milvus' BM25, in which a word with digits counts `DIGITS` times as in
    ours. They compare: Milvus multiplies by k1 + 1, which is 2.2, and we by the root of the word's
    rarity, which is 2.2 for a word in one of 130 passages.
    """

    @_answering()
    def __init__(self, url: str, encoder: str, dimension: int) -> None:
        self.encoder, self.dimension = encoder, dimension
        # An upgrade's collections stand beside those of the encoder before it.
        self.state, self.passages = (f"attune_{name}_{named(encoder)}" for name in COLLECTIONS)
        self._client = _connected(url)
        self._ensure(self.state, _state(), _state_index())
        self._ensure(self.passages, _passages(dimension), _passages_index())

    @_answering()
    def search(self, query: Query, scopes: list[str], limit: int) -> list[Match]:
        """The best passages of each scope, `limit` of each; best first."""
        found = [match for scope in scopes for match in self._of(query, scope, limit)]
        return sorted(found, key=lambda match: -match.score)

    @property
    def upto(self) -> int:
        """The count of changes that the index holds, whoever applied them."""
        return self.held()[0]

    @_answering()
    def held(self) -> tuple[int, str]:
        """The count of changes that the index holds, and the mark that the database drew then."""
        found = self._client.get(self.state, ids=[0], timeout=TIMEOUT)
        if not found:
            raise IndexUnavailable("There is no index yet. Type: manage.py index build")
        encoder, _, mark = found[0]["encoder"].partition(" ")
        if encoder != self.encoder:
            raise IndexUnavailable(
                f"The index was made with the encoder {encoder}, not with "
                f"{self.encoder}. Type: manage.py index build"
            )
        return int(found[0]["upto"]), mark

    @_answering()
    def mark(self, upto: int, mark: str = "") -> None:
        """Say that all changes up to this count were applied."""
        # In one field: a collection that is there takes no other.
        encoder = f"{self.encoder} {mark}".strip()
        state = {"id": 0, "upto": upto, "encoder": encoder, "vector": [0.0, 0.0]}
        self._client.upsert(self.state, [state], timeout=TIMEOUT)

    @_answering()
    def apply(self, changes: Iterable[Change]) -> None:
        """May be repeated. A passage without a vector waits until it has one."""
        todo = iter(changes)
        while batch := list(islice(todo, BATCH)):
            last = {(change.id, change.scope): change for change in batch}.values()
            # Deleted first: a passage that another scope got keeps its id.
            if gone := [change.id for change in last if change.text is None]:
                self._client.delete(self.passages, ids=gone, timeout=TIMEOUT)
            if came := [_row(change) for change in last if change.vector is not None]:
                self._client.upsert(self.passages, came, timeout=TIMEOUT)

    @_answering()
    def clear(self) -> None:
        """Until `mark`, there is no index."""
        self._client.delete(self.state, ids=[0], timeout=TIMEOUT)
        self._client.drop_collection(self.passages, timeout=TIMEOUT)
        self._ensure(self.passages, _passages(self.dimension), _passages_index())

    @_answering()
    def prune(self) -> list[str]:
        """Drop what other encoders' indexes have left."""
        own = {self.state, self.passages}
        found = [name for name in self._client.list_collections() if name.startswith("attune_")]
        others = sorted(set(found) - own)
        for name in others:
            self._client.drop_collection(name, timeout=TIMEOUT)
        return others

    @_answering()
    def __len__(self) -> int:
        counted = self._client.query(self.passages, output_fields=["count(*)"], timeout=TIMEOUT)
        return int(counted[0]["count(*)"])

    def _of(self, query: Query, scope: str, limit: int) -> list[Match]:
        """The nearest by either signal, by both."""
        inside = f'scope == "{digest(scope).decode()}"'
        vector, words = query.vector.tolist(), _asked(query)
        near = self._scores("vector", vector, inside, limit)
        worded = self._scores("words", words, inside, limit)
        near |= self._scores("vector", vector, _only(inside, worded.keys() - near), limit)
        worded |= self._scores("words", words, _only(inside, near.keys() - worded), limit)
        # Milvus Lite gives the words' score a minus.
        found = [Match(passage, near[passage], abs(worded.get(passage, 0.0))) for passage in near]
        return sorted(found, key=lambda match: -match.score)[:limit]

    def _scores(self, field: str, asked: Any, inside: str, limit: int) -> dict[int, float]:
        if not asked or not inside:
            return {}
        (found,) = self._client.search(
            self.passages,
            data=[asked],
            anns_field=field,
            filter=inside,
            limit=limit,
            output_fields=["id"],
            timeout=TIMEOUT,
        )
        return {hit["id"]: float(hit["distance"]) for hit in found}

    def _ensure(self, name: str, schema: CollectionSchema, index: IndexParams) -> None:
        if self._client.has_collection(name, timeout=TIMEOUT):
            return
        self._client.create_collection(
            name, schema=schema, consistency_level="Strong", timeout=TIMEOUT
        )
        # An empty collection's index is ready: nothing to wait for.
        self._client.create_index(name, index, sync=False, timeout=TIMEOUT)
        self._client.load_collection(name, timeout=TIMEOUT)


def _connected(url: str) -> MilvusClient:
    try:
        return MilvusClient(url, timeout=TIMEOUT)
    except (ConnectionConfigException, ValueError) as error:
        # Its value may hold a password and stays unsaid.
        raise IndexUnavailable(
            "INDEX_URL names no server that can be asked. Set it to e.g. http://milvus:19530"
        ) from error


def _only(inside: str, passages: Iterable[int]) -> str:
    """Nothing where there are none."""
    ids = sorted(passages)
    return f"{inside} and id in {ids}" if ids else ""


def _asked(query: Query) -> str:
    """Milvus counts a word as often as the query has it."""
    digits = " ".join(term for term in query.terms if any(map(str.isdigit, term)))
    return " ".join([*query.terms, *[digits] * (round(DIGITS) - 1)]).strip()


def _row(change: Change) -> dict[str, Any]:
    """The text as stems, so that words match in the same forms as in our files."""
    return {
        "id": change.id,
        "scope": digest(change.scope).decode(),
        "vector": change.vector,
        "stems": " ".join(terms(change.text or "")),
    }


def _passages(dimension: int) -> CollectionSchema:
    schema = MilvusClient.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("scope", DataType.VARCHAR, max_length=32, is_partition_key=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
    split = {"tokenizer": "standard"}
    schema.add_field(
        "stems", DataType.VARCHAR, max_length=LONGEST, enable_analyzer=True, analyzer_params=split
    )
    schema.add_field("words", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_function(Function("bm25", FunctionType.BM25, ["stems"], ["words"]))
    return schema


def _passages_index() -> IndexParams:
    index = MilvusClient.prepare_index_params()
    index.add_index("vector", index_type="AUTOINDEX", metric_type="IP")
    index.add_index(
        "words",
        index_type="SPARSE_INVERTED_INDEX",
        metric_type="BM25",
        params={"bm25_k1": K1, "bm25_b": B},
    )
    return index


def _state() -> CollectionSchema:
    """One row. Milvus wants a vector in every collection."""
    schema = MilvusClient.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("upto", DataType.INT64)
    schema.add_field("encoder", DataType.VARCHAR, max_length=200)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    return schema


def _state_index() -> IndexParams:
    index = MilvusClient.prepare_index_params()
    index.add_index("vector", index_type="AUTOINDEX", metric_type="L2")
    return index
