"""The index on a Milvus server, for more passages than one machine can hold; same `search`.

A scope is the partition key and a filter inside the search. Filters contain its digest, never a
customer's id: whatever characters an id has, it cannot reach into another scope.

The tests use Milvus Lite instead of a server. It has no templates in filters and no "whitespace"
tokenizer, it computes a word's rarity per segment, and only one process at a time can open its
folder. This module needs none of these.
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
# Bytes that Milvus allows in a text field.
LONGEST = 65_535


def named(encoder: str) -> str:
    """Return the encoder's name with only the characters that Milvus allows."""
    return re.sub(r"\W", "_", encoder, flags=re.ASCII)


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except MilvusException as error:
        raise IndexUnavailable(f"The index server could not answer: {error.message}") from error


class MilvusIndex:
    """An index on a Milvus server. Thread-safe; every process finds changes as soon as they are
    applied.

    A match's `words` are Milvus' BM25, in which a word with digits counts `DIGITS` times, as in our
    files. The scores are comparable: Milvus multiplies by k1 + 1, which is 2.2, and we by the root
    of the word's rarity, which is 2.2 for a word in one of 130 passages.
    """

    @_answering()
    def __init__(self, url: str, encoder: str, dimension: int) -> None:
        self.encoder, self.dimension = encoder, dimension
        # A new encoder's collections exist beside those of the previous one during an upgrade.
        self.state, self.passages = (f"attune_{name}_{named(encoder)}" for name in COLLECTIONS)
        self._client = _connected(url)
        self._ensure(self.state, _state(), _state_index())
        self._ensure(self.passages, _passages(dimension), _passages_index())

    @_answering()
    def search(self, query: Query, scopes: list[str], limit: int) -> list[Match]:
        """Return the best `limit` passages of each scope, best first."""
        matches = [match for scope in scopes for match in self._search(query, scope, limit)]
        return sorted(matches, key=lambda match: -match.score)

    @property
    def upto(self) -> int:
        """The count of changes that the index holds, from any process."""
        return self.held()[0]

    @_answering()
    def held(self) -> tuple[int, str]:
        """Return the count of changes that the index holds, and the database's mark for it."""
        states = self._client.get(self.state, ids=[0], timeout=TIMEOUT)
        if not states:
            raise IndexUnavailable("There is no index yet. Type: manage.py index build")
        encoder, _, mark = states[0]["encoder"].partition(" ")
        if encoder != self.encoder:
            raise IndexUnavailable(
                f"The index was made with the encoder {encoder}, not with "
                f"{self.encoder}. Type: manage.py index build"
            )
        return int(states[0]["upto"]), mark

    @_answering()
    def mark(self, upto: int, mark: str = "") -> None:
        """Record that all changes up to this count have been applied."""
        # Both in one field: an existing collection accepts no new field.
        encoder = f"{self.encoder} {mark}".strip()
        state = {"id": 0, "upto": upto, "encoder": encoder, "vector": [0.0, 0.0]}
        self._client.upsert(self.state, [state], timeout=TIMEOUT)

    @_answering()
    def apply(self, changes: Iterable[Change]) -> None:
        """Apply changes, which may be repeated. A passage without a vector is left out."""
        remaining = iter(changes)
        while batch := list(islice(remaining, BATCH)):
            last = {(change.id, change.scope): change for change in batch}.values()
            # Deletions first: a passage that moves to another scope keeps its id.
            if deleted := [change.id for change in last if change.text is None]:
                self._client.delete(self.passages, ids=deleted, timeout=TIMEOUT)
            if added := [_row(change) for change in last if change.vector is not None]:
                self._client.upsert(self.passages, added, timeout=TIMEOUT)

    @_answering()
    def clear(self) -> None:
        """Empty the index. Until `mark` is called, there is none."""
        self._client.delete(self.state, ids=[0], timeout=TIMEOUT)
        self._client.drop_collection(self.passages, timeout=TIMEOUT)
        self._ensure(self.passages, _passages(self.dimension), _passages_index())

    @_answering()
    def prune(self) -> list[str]:
        """Drop the collections of other encoders and return their names."""
        own = {self.state, self.passages}
        ours = [name for name in self._client.list_collections() if name.startswith("attune_")]
        others = sorted(set(ours) - own)
        for name in others:
            self._client.drop_collection(name, timeout=TIMEOUT)
        return others

    @_answering()
    def __len__(self) -> int:
        counted = self._client.query(self.passages, output_fields=["count(*)"], timeout=TIMEOUT)
        return int(counted[0]["count(*)"])

    def _search(self, query: Query, scope: str, limit: int) -> list[Match]:
        """Take the nearest by either signal and rank them by both."""
        inside = f'scope == "{digest(scope).decode()}"'
        vector, words = query.vector.tolist(), _weighted(query)
        near = self._scores("vector", vector, inside, limit)
        worded = self._scores("words", words, inside, limit)
        near |= self._scores("vector", vector, _only(inside, worded.keys() - near), limit)
        worded |= self._scores("words", words, _only(inside, near.keys() - worded), limit)
        # Milvus Lite returns the words' score as a negative number.
        matches = [Match(passage, near[passage], abs(worded.get(passage, 0.0))) for passage in near]
        return sorted(matches, key=lambda match: -match.score)[:limit]

    def _scores(self, field: str, query: Any, inside: str, limit: int) -> dict[int, float]:
        if not query or not inside:
            return {}
        (hits,) = self._client.search(
            self.passages,
            data=[query],
            anns_field=field,
            filter=inside,
            limit=limit,
            output_fields=["id"],
            timeout=TIMEOUT,
        )
        return {hit["id"]: float(hit["distance"]) for hit in hits}

    def _ensure(self, name: str, schema: CollectionSchema, index: IndexParams) -> None:
        if self._client.has_collection(name, timeout=TIMEOUT):
            return
        self._client.create_collection(
            name, schema=schema, consistency_level="Strong", timeout=TIMEOUT
        )
        # The index of an empty collection is ready at once.
        self._client.create_index(name, index, sync=False, timeout=TIMEOUT)
        self._client.load_collection(name, timeout=TIMEOUT)


def _connected(url: str) -> MilvusClient:
    try:
        return MilvusClient(url, timeout=TIMEOUT)
    except (ConnectionConfigException, ValueError) as error:
        # The message does not quote the value, which may hold a password.
        raise IndexUnavailable(
            "INDEX_URL does not name a server. Set it to e.g. http://milvus:19530"
        ) from error


def _only(inside: str, passages: Iterable[int]) -> str:
    """Return a filter for these passages, "" for none."""
    ids = sorted(passages)
    return f"{inside} and id in {ids}" if ids else ""


def _weighted(query: Query) -> str:
    """Repeat words with digits: Milvus counts a word as often as the query has it."""
    digits = " ".join(term for term in query.terms if any(map(str.isdigit, term)))
    return " ".join([*query.terms, *[digits] * (round(DIGITS) - 1)]).strip()


def _row(change: Change) -> dict[str, Any]:
    """Make a row, with the text as stems, so that the same forms match as in our files."""
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
    """Describe the collection of one row. Milvus requires a vector in every collection."""
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
