"""Passages into the index, and what changed since its snapshot.

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
# A snapshot is written again when more passages changed than this, or than a share of them: what
# each search looks at one by one stays small, and a change costs the same in an index of any size.
FEW_CHANGES, FEW_OF_ALL = 2_000, 0.05

# Marks of earlier indexes that a database knows: of machines that each have files of their own, and
# of a server that is brought up to date while another process looks.
MARKS = 50

Report = Callable[[int, int], None]


@cache
def encoder() -> Encoder:
    return Encoder(catalogue.located("encoder"), threads=settings.MODEL_THREADS)


@cache
def reader() -> IndexReader:
    return IndexReader(folder(), encoder().name, changes_since, foreign)


def folder() -> Path:
    """An upgrade's index is made beside that of the encoder before it, which serves meanwhile."""
    return settings.INDEX_DIR / encoder().name


@cache
def server() -> "MilvusIndex":
    """In place of the reader and its files, where INDEX_URL is set. Loaded only then."""
    from inference.index.milvus import MilvusIndex

    return MilvusIndex(settings.INDEX_URL, encoder().name, encoder().dimension)


@receiver(setting_changed)
def forget(*, setting: str, **_: Any) -> None:
    if setting in {"INDEX_DIR", "INDEX_URL", "MODEL_THREADS"}:
        reader.cache_clear()
        server.cache_clear()
        encoder.cache_clear()


def silent(done: int, total: int) -> None:
    """The report of who wants none."""


# --- changes


def next_change() -> int:
    """The number of this transaction's change. Call before the rows are written."""
    IndexState.objects.get_or_create()
    IndexState.objects.update(changes=F("changes") + 1)
    return changes_now()


def changes_now() -> int:
    return IndexState.objects.values_list("changes", flat=True).first() or 0


def new_mark() -> str:
    """For an index that is about to be made, or brought up to date, from this database. To be
    committed before a reader can see that index, or it would be taken for another database's."""
    mark = uuid4().hex
    with transaction.atomic():
        IndexState.objects.get_or_create()
        state = IndexState.objects.select_for_update().get()
        own = [mark, *state.marks.get(encoder().name, [])][:MARKS]
        state.marks = {**state.marks, encoder().name: own}
        state.save(update_fields=["marks"])
    return mark


def foreign(mark: str, changes: int) -> str:
    """Why an index with this mark and count is not of this database, in words; "" if it is."""
    state = IndexState.objects.first() or IndexState()
    if changes > state.changes:
        return "it holds changes that the database does not have."
    # Before there were marks, none was drawn and none is written.
    if mark not in state.marks.get(encoder().name, [""]):
        return "it was made from another database, or from a later state of this one."
    return ""


def changes_since(count: int) -> Changes:
    """Passages that came and went after this many changes."""
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
    went = Tombstone.objects.filter(after).values_list("passage", "scope")
    return Changes(now, changes + [Change(passage, scope) for passage, scope in went])


def own_vectors() -> QuerySet[Vector]:
    return Vector.objects.filter(encoder=encoder().name)


def with_vectors(passages: QuerySet[Passage]) -> QuerySet[Any]:
    """Each with its `vector` by this process's encoder; None where it has none yet."""
    own = FilteredRelation("vectors", condition=Q(vectors__encoder=encoder().name))
    return passages.annotate(own=own, vector=F("own__value"))


def batched(ids: list[Any], size: int) -> Iterator[list[Any]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def unit(vector: bytes | memoryview | None) -> np.ndarray | None:
    return np.frombuffer(bytes(vector), dtype=np.float32) if vector else None


# --- the index


def embed(report: Report = silent, most: int | None = None) -> int:
    """Give every passage without a vector of this encoder one, or as many of them. Returns how
    many."""
    missing = Passage.objects.exclude(id__in=own_vectors().values("passage_id"))
    todo, done = list(missing.values_list("id", flat=True)[:most]), 0
    for ids in batched(todo, EMBED_BATCH):
        texts = dict(Passage.objects.filter(id__in=ids).values_list("id", "text"))
        keep(dict(zip(texts, encoder().encode(list(texts.values())), strict=True)))
        done += len(ids)
        report(done, len(todo))
    return len(todo)


def keep(vectors: dict[int, np.ndarray]) -> None:
    """By passage. One that went while it was embedded has no place for its vector."""
    with transaction.atomic():
        change = next_change()
        there = Passage.objects.select_for_update().filter(id__in=vectors)
        Vector.objects.bulk_create(
            [
                Vector(
                    passage_id=passage,
                    encoder=encoder().name,
                    value=vectors[passage].tobytes(),
                    change=change,
                )
                for passage in there.values_list("id", flat=True)
            ],
            # Another process may have embedded the same one meanwhile.
            ignore_conflicts=True,
        )


def build(report: Report = silent) -> Manifest | None:
    """Embed what is new and write a snapshot of all passages, or fill the server with them."""
    embed(report)
    if settings.INDEX_URL:
        with alone():
            server().clear()
    mark = new_mark()
    with transaction.atomic():
        # Counted first: a change that is committed while the rows are read is replayed.
        changes = changes_now()
        written = (fill if settings.INDEX_URL else write)(changes, mark)
    # A search looks each find up in the database: a reader of another encoder's snapshot that
    # misses a tombstone finds one less, and shows nothing that is gone.
    Tombstone.objects.filter(change__lte=changes).delete()
    return written


def prune() -> list[str]:
    """Forget what other encoders than this process's have left; the names of their indexes."""
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
    """Who searches the server before it is marked is told that there is no index yet."""
    server().apply(Change(*row) for row in rows())
    server().mark(changes, mark)


def rows() -> Iterator[Row]:
    """Every passage with a vector, shared ones first, a customer's next to each other."""
    scope = F("passage__customer_id").asc(nulls_first=True)
    ordered = own_vectors().order_by(scope, "passage_id")
    columns = ordered.values_list("passage_id", "passage__customer_id", "passage__text", "value")
    for passage, customer, text, vector in columns.iterator(chunk_size=2_000):
        if (found := unit(vector)) is not None:
            yield Row(passage, customer or SHARED, text, found)


def refresh(report: Report = silent) -> Manifest | None:
    """Embed and apply what is new; build again when much changed since, or none can be read."""
    embed(report)
    return build(report) if outgrown() else None


def view() -> Searchable:
    """The index as of now. A broken snapshot is made again from the database."""
    try:
        return current()
    except CorruptIndex as error:
        logger.warning("%s Making it again from the database.", error)
        build()
        return current()


def current() -> "View | MilvusIndex":
    return caught_up(server()) if settings.INDEX_URL else reader().view()


def caught_up(index: "MilvusIndex") -> "MilvusIndex":
    """The server, with all changes until now."""
    upto, mark = index.held()
    if upto != changes_now() or foreign(mark, upto):
        with alone():
            # Again: another process may have been about to commit the mark that it drew.
            upto, mark = index.held()
            if why := foreign(mark, upto):
                raise ForeignIndex(why)
            found = changes_since(upto)
            index.apply(found.changes)
            index.mark(found.upto, new_mark())
            Tombstone.objects.filter(change__lte=found.upto).delete()
    return index


@contextmanager
def alone() -> Iterator[None]:
    """One process at a time: a slower one would bring back into the server what another took
    out, or say that a server that is being filled is whole."""
    with transaction.atomic():
        IndexState.objects.select_for_update().first()
        yield


def outgrown() -> bool:
    try:
        now = current()
    except IndexUnavailable as reason:
        # On a new machine there is none; one that was there and is broken is worth a line.
        if isinstance(reason, CorruptIndex):
            logger.warning("%s", reason)
        return True
    if not isinstance(now, View):
        return False
    return len(now.delta) > max(FEW_CHANGES, FEW_OF_ALL * now.snapshot.manifest.rows)


def status() -> dict[str, Any]:
    """Counts of the records and of the index, for people and monitors."""
    passages = Passage.objects.count()
    counts = {
        "records": Record.objects.filter(deleted=False).count(),
        "passages": passages,
        "without_vector": passages - own_vectors().count(),
        "encoder": encoder().name,
    }
    try:
        now = current()
    except IndexUnavailable as reason:
        return {**counts, "indexed": 0, "since": 0, "problem": str(reason)}
    if not isinstance(now, View):
        return {**counts, "indexed": len(now), "since": 0}
    manifest = now.snapshot.manifest
    return {
        **counts,
        "indexed": manifest.rows,
        "generation": manifest.generation,
        "since": len(now.delta),
    }
