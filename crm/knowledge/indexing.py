"""Builds the index from the passages, and finds what has changed since its snapshot.

Every change of passages takes the next number of one counter, whose row stays locked until the
transaction ends: numbers commit in order, so a reader that asks for "all after 41" misses none.
"""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from django.conf import settings
from django.core.signals import setting_changed
from django.db import transaction
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.dispatch import receiver

from crm.models import IndexState, Passage, Record, Tombstone, Vector
from crm.plumbing.compiled import Select
from inference import index as vector_index
from inference.encoder import Encoder
from inference.index import (
    SHARED,
    Change,
    Changes,
    CorruptIndex,
    ForeignIndex,
    IndexReader,
    IndexUnavailable,
    Manifest,
    Row,
    View,
)
from inference.index.match import Searchable
from inference.models import catalogue

if TYPE_CHECKING:
    from inference.index.milvus import MilvusIndex

logger = logging.getLogger("attune.index")
EMBED_BATCH, READ_BATCH = 256, 2_000
# A new snapshot is written when more passages have changed than the larger of this number and this
# share: each search compares changed passages one by one, so they must stay few, and the share
# keeps the cost of a change the same in an index of any size.
FEW_CHANGES, FEW_OF_ALL = 2_000, 0.05

# Marks of earlier indexes that the database remembers: several machines may each have their own
# files, and a server may be brought up to date while another process looks.
MARKS = 50

Report = Callable[[int, int], None]


@cache
def encoder() -> Encoder:
    return Encoder(catalogue.located("encoder"), threads=settings.MODEL_THREADS)


@cache
def reader() -> IndexReader:
    return IndexReader(folder(), encoder().name, changes_since, foreign)


def folder() -> Path:
    """The index of this encoder. An upgrade builds the new encoder's index beside the old one,
    which serves meanwhile."""
    return settings.INDEX_DIR / encoder().name


@cache
def server() -> "MilvusIndex":
    """The Milvus index that replaces the reader and its files if INDEX_URL is set."""
    from inference.index.milvus import MilvusIndex

    return MilvusIndex(settings.INDEX_URL, encoder().name, encoder().dimension)


@receiver(setting_changed)
def drop_caches(*, setting: str, **_: Any) -> None:
    if setting in {"INDEX_DIR", "INDEX_URL", "MODEL_THREADS"}:
        reader.cache_clear()
        server.cache_clear()
        encoder.cache_clear()


def silent(done: int, total: int) -> None:
    """The default Report, which does nothing."""


# --- changes


def next_change() -> int:
    """Take the number of this transaction's change. Call before the rows are written."""
    IndexState.objects.get_or_create()
    IndexState.objects.update(changes=F("changes") + 1)
    return changes_now()


COUNT = Select(lambda: IndexState.objects.values_list("changes"))


def changes_now() -> int:
    [count] = COUNT.first() or [0]
    return int(count)


def new_mark() -> str:
    """Draw a mark for an index that is about to be built or updated from this database. Commit it
    before a reader can see that index, or the index would seem to belong to another database."""
    mark = uuid4().hex
    with transaction.atomic():
        IndexState.objects.get_or_create()
        state = IndexState.objects.select_for_update().get()
        own = [mark, *state.marks.get(encoder().name, [])][:MARKS]
        state.marks = {**state.marks, encoder().name: own}
        state.save(update_fields=["marks"])
    return mark


def foreign(mark: str, changes: int) -> str:
    """Return why an index with this mark and count does not belong to this database; "" if it
    does."""
    state = IndexState.objects.first() or IndexState()
    if changes > state.changes:
        return "it holds changes that the database does not have."
    # Indexes built before marks existed have the mark "".
    if mark not in state.marks.get(encoder().name, [""]):
        return "it was made from another database, or from a later state of this one."
    return ""


def changes_since(count: int) -> Changes:
    """Return the passages that were added or removed after change number `count`."""
    now = changes_now()
    if now == count:
        return Changes(now)
    after = Q(change__gt=count, change__lte=now)
    written = Passage.objects.filter(after).values_list("id", flat=True)
    embedded = own_vectors().filter(after).values_list("passage_id", flat=True)
    changes = [
        Change(passage.id, passage.customer_id or SHARED, passage.text, unit(passage.vector))
        for ids in batched(sorted({*written, *embedded}), READ_BATCH)
        for passage in with_vectors(Passage.objects.filter(id__in=ids))
    ]
    removed = Tombstone.objects.filter(after).values_list("passage", "scope")
    return Changes(now, changes + [Change(passage, scope) for passage, scope in removed])


def own_vectors() -> QuerySet[Vector]:
    return Vector.objects.filter(encoder=encoder().name)


def with_vectors(passages: QuerySet[Passage]) -> QuerySet[Any]:
    """Annotate each passage with its `vector` from this process's encoder, or None."""
    own = FilteredRelation("vectors", condition=Q(vectors__encoder=encoder().name))
    return passages.annotate(own=own, vector=F("own__value"))


def batched(ids: list[Any], size: int) -> Iterator[list[Any]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def unit(vector: bytes | memoryview | None) -> np.ndarray | None:
    return np.frombuffer(bytes(vector), dtype=np.float32) if vector else None


# --- the index


def embed(report: Report = silent, most: int | None = None) -> int:
    """Embed every passage without a vector from this encoder, or the first `most` of them. Returns
    how many."""
    missing = Passage.objects.exclude(id__in=own_vectors().values("passage_id"))
    todo, done = list(missing.values_list("id", flat=True)[:most]), 0
    for ids in batched(todo, EMBED_BATCH):
        texts = dict(Passage.objects.filter(id__in=ids).values_list("id", "text"))
        store_vectors(dict(zip(texts, encoder().encode(list(texts.values())), strict=True)))
        done += len(ids)
        report(done, len(todo))
    return len(todo)


def store_vectors(vectors: dict[int, np.ndarray]) -> None:
    """Store vectors by passage id, without those of passages that were removed meanwhile."""
    with transaction.atomic():
        change = next_change()
        existing = Passage.objects.select_for_update().filter(id__in=vectors)
        Vector.objects.bulk_create(
            [
                Vector(
                    passage_id=passage,
                    encoder=encoder().name,
                    value=vectors[passage].tobytes(),
                    change=change,
                )
                for passage in existing.values_list("id", flat=True)
            ],
            # Another process may have embedded the same passage meanwhile.
            ignore_conflicts=True,
        )


def build(report: Report = silent) -> Manifest | None:
    """Embed new passages, then write a snapshot of all passages or fill the server with them."""
    embed(report)
    if settings.INDEX_URL:
        with exclusive():
            server().clear()
    mark = new_mark()
    with transaction.atomic():
        # Counted first: a change that is committed while the rows are read is replayed.
        changes = changes_now()
        manifest = (fill if settings.INDEX_URL else write)(changes, mark)
    # A search looks up each match in the database: a reader of another encoder's snapshot that
    # misses a tombstone finds one match fewer, and never shows a deleted passage.
    Tombstone.objects.filter(change__lte=changes).delete()
    return manifest


def prune() -> list[str]:
    """Delete the vectors and indexes of all encoders but this process's. Returns the names of the
    deleted indexes."""
    Vector.objects.exclude(encoder=encoder().name).delete()
    if settings.INDEX_URL:
        return server().prune()
    others = [path for path in settings.INDEX_DIR.iterdir() if path.name != encoder().name]
    for path in others:
        shutil.rmtree(path)
    return [path.name for path in others]


def write(changes: int, mark: str) -> Manifest:
    dimension = encoder().dimension
    return vector_index.write(folder(), encoder().name, dimension, changes, rows(), mark)


def fill(changes: int, mark: str) -> None:
    """Fill the server, then mark it. A search before the mark reports that there is no index."""
    server().apply(Change(*row) for row in rows())
    server().mark(changes, mark)


def rows() -> Iterator[Row]:
    """Yield every passage with a vector: shared ones first, then customer by customer."""
    scope = F("passage__customer_id").asc(nulls_first=True)
    ordered = own_vectors().order_by(scope, "passage_id")
    columns = ordered.values_list("passage_id", "passage__customer_id", "passage__text", "value")
    for passage, customer, text, vector in columns.iterator(chunk_size=2_000):
        if (array := unit(vector)) is not None:
            yield Row(passage, customer or SHARED, text, array)


def refresh(report: Report = silent) -> Manifest | None:
    """Embed new passages. Build the index again if much has changed or none can be read."""
    embed(report)
    return build(report) if outgrown() else None


def view() -> Searchable:
    """Return the index with all changes until now. A broken snapshot is rebuilt from the
    database."""
    try:
        return current()
    except CorruptIndex as error:
        logger.warning("%s Rebuilding it from the database.", error)
        build()
        return current()


def current() -> "View | MilvusIndex":
    return caught_up(server()) if settings.INDEX_URL else reader().view()


def caught_up(index: "MilvusIndex") -> "MilvusIndex":
    """Bring the server up to date with the database."""
    upto, mark = index.held()
    if upto != changes_now() or foreign(mark, upto):
        with exclusive():
            # Checked again: another process may have been about to commit the mark that it drew.
            upto, mark = index.held()
            if why := foreign(mark, upto):
                raise ForeignIndex(why)
            missing = changes_since(upto)
            index.apply(missing.changes)
            index.mark(missing.upto, new_mark())
            Tombstone.objects.filter(change__lte=missing.upto).delete()
    return index


@contextmanager
def exclusive() -> Iterator[None]:
    """Let one process at a time change the server: a slower one would restore what another has
    removed, or mark a server as complete while it is still being filled."""
    with transaction.atomic():
        IndexState.objects.select_for_update().first()
        yield


def outgrown() -> bool:
    try:
        index = current()
    except IndexUnavailable as reason:
        # A new machine has no index yet; only a broken one is worth a warning.
        if isinstance(reason, CorruptIndex):
            logger.warning("%s", reason)
        return True
    if not isinstance(index, View):
        return False
    return len(index.delta) > max(FEW_CHANGES, FEW_OF_ALL * index.snapshot.manifest.rows)


def status() -> dict[str, Any]:
    """Count the records, passages and vectors, and describe the index, for people and monitors."""
    passages = Passage.objects.count()
    counts = {
        "records": Record.objects.filter(deleted=False).count(),
        "passages": passages,
        "without_vector": passages - own_vectors().count(),
        "encoder": encoder().name,
    }
    try:
        index = current()
    except IndexUnavailable as reason:
        return {**counts, "indexed": 0, "since": 0, "problem": str(reason)}
    if not isinstance(index, View):
        return {**counts, "indexed": len(index), "since": 0}
    manifest = index.snapshot.manifest
    return {
        **counts,
        "indexed": manifest.rows,
        "generation": manifest.generation,
        "since": len(index.delta),
    }
