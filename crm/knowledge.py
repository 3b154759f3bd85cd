"""Record -> passages -> index; and back: `search(query, customer)`.

Whose records may be searched is part of every search: the FAISS range, the key look-up and
the row fetch each carry the customer. None sees shared knowledge only.
"""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from django.conf import settings
from django.core.signals import setting_changed
from django.db import transaction
from django.db.models import Q, QuerySet
from django.dispatch import receiver

from crm import keys
from crm.models import IndexState, Key, Passage, Record
from inference import catalogue
from inference import index as vector_index
from inference.encoder import Encoder
from inference.index import SHARED, IndexReader, Manifest

logger = logging.getLogger("attune.knowledge")
EMBED_BATCH = 256
CANDIDATES = 24
# Vectors of single lines kept in memory, 1.5 kB each.
LINES_REMEMBERED = 20_000
_lines: dict[str, np.ndarray] = {}


@dataclass(frozen=True)
class Hit:
    """A passage that this customer may see. score: cosine, or 1 and more for an exact key."""

    record: str
    kind: str
    title: str
    text: str
    shared: bool
    score: float
    # The key by which the question names this record, if it does.
    key: str = ""
    # The newest of the customer's records of its kind.
    newest: bool = False

    @property
    def named_by_number(self) -> bool:
        return any(character.isdigit() for character in self.key)


@cache
def encoder() -> Encoder:
    return Encoder(catalogue.located("encoder"), threads=settings.MODEL_THREADS)


@cache
def reader() -> IndexReader:
    return IndexReader(settings.INDEX_DIR, encoder().name)


@receiver(setting_changed)
def forget(*, setting: str, **_: Any) -> None:
    if setting in {"INDEX_DIR", "MODEL_THREADS"}:
        reader.cache_clear()
        encoder.cache_clear()
        _lines.clear()


def visible(customer: str | None) -> Q:
    """Rows of this customer, and the shared ones."""
    return Q(customer=None) | Q(customer=customer) if customer else Q(customer=None)


# --- search


def search(query: str, customer: str | None, limit: int = 10) -> list[Hit]:
    """Passages for the query, best first: records it names, then the nearest in meaning."""
    vector = encoder().encode([query])[0]
    named = exact(query, customer)
    near = nearest(vector, customer)
    latest = newest(customer)
    passages = rows(visible(customer), {*named, *latest}, near)
    scored = [hit(passage, vector, named, latest) for passage in passages]
    return sorted(scored, key=lambda found: -found.score)[:limit]


def search_records(query: str, customer: str | None, limit: int) -> list[Hit]:
    """The best passage of each record, each record once."""
    best: dict[str, Hit] = {}
    for found in search(query, customer, limit=CANDIDATES * 4):
        best.setdefault(found.record, found)
    return list(best.values())[:limit]


def exact(query: str, customer: str | None) -> dict[str, str]:
    """Record ids that the query names, each with its longest key."""
    found = Key.objects.filter(visible(customer), value__in=keys.phrases(query))
    named: dict[str, str] = {}
    for record, value in found.values_list("record_id", "value"):
        if keeps_its_words(value, query) and len(value) > len(named.get(record, "")):
            named[record] = value
    return named


def newest(customer: str | None) -> set[str]:
    """The newest record of each kind that this customer has."""
    if not customer:
        return set()
    own = Record.objects.filter(customer=customer, deleted=False, latest__isnull=False)
    return set(dict(own.order_by("latest", "id").values_list("kind", "id")).values())


def keeps_its_words(value: str, query: str) -> bool:
    """Short names count only as whole words: "Chai" is not in "chair"."""
    return len(value) > 3 or bool(
        re.search(rf"(?<!\w){re.escape(value)}(?!\w)", keys.folded(query))
    )


def nearest(vector: np.ndarray, customer: str | None) -> list[int]:
    """Passage ids, of each scope that the customer may see."""
    snapshot = reader().snapshot()
    scopes = [SHARED, customer] if customer else [SHARED]
    return [
        passage for scope in scopes for passage, _ in snapshot.search(vector, scope, CANDIDATES)
    ]


def rows(scope: Q, records: Iterable[str], near: Iterable[int]) -> QuerySet[Passage]:
    return (
        Passage.objects.filter(scope, Q(record__in=list(records)) | Q(id__in=list(near)))
        .filter(record__deleted=False)
        .select_related("record")
    )


def hit(passage: Passage, query: np.ndarray, named: dict[str, str], latest: set[str]) -> Hit:
    record, key = passage.record, named.get(passage.record_id, "")
    score = float(unit(passage) @ query) if passage.vector else 0.0
    return Hit(
        record=record.id,
        kind=record.kind,
        title=record.title,
        text=passage.text,
        shared=passage.customer_id is None,
        # A longer key is a more certain name; among equals the meaning decides.
        score=score + (1 + len(key) / 100 if key else 0),
        key=key,
        newest=record.id in latest,
    )


def unit(passage: Passage) -> np.ndarray:
    return np.frombuffer(bytes(passage.vector or b""), dtype=np.float32)


def unknown_references(query: str, customer: str | None) -> list[str]:
    """Numbers that the query gives as a record's, and that no visible record bears."""
    asked = keys.references(query)
    forms = [form for reference in asked for form in reference]
    found = Key.objects.filter(visible(customer), value__in=forms)
    known = set(found.values_list("value", flat=True)) if forms else set()
    return [reference[0] for reference in asked if not known.intersection(reference)]


def nearness(query: str, lines: Sequence[str]) -> np.ndarray:
    """Cosine of the query with each line, (len(lines),)."""
    vectors = {line: _lines[line] for line in lines if line in _lines}
    new = [text for text in {query, *lines} if text not in vectors]
    vectors.update(zip(new, encoder().encode(new), strict=True))
    remember(vectors)
    return np.array([vectors[line] @ vectors[query] for line in lines], dtype=np.float32)


def remember(vectors: dict[str, np.ndarray]) -> None:
    """The lines used last stay; a record that is asked about is often asked about again."""
    for line, vector in vectors.items():
        _lines.pop(line, None)
        _lines[line] = vector
    while len(_lines) > LINES_REMEMBERED:
        _lines.pop(next(iter(_lines)), None)


# --- index


def embed(report: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Give every passage without a vector of this encoder one. Returns how many."""
    missing = Passage.objects.exclude(encoder=encoder().name, vector__isnull=False)
    todo = list(missing.values_list("id", flat=True))
    for start in range(0, len(todo), EMBED_BATCH):
        batch = list(Passage.objects.filter(id__in=todo[start : start + EMBED_BATCH]))
        for passage, vector in zip(batch, vectors(batch), strict=True):
            passage.vector, passage.encoder = vector.tobytes(), encoder().name
        Passage.objects.bulk_update(batch, ["vector", "encoder"])
        report(start + len(batch), len(todo))
    return len(todo)


def vectors(passages: list[Passage]) -> np.ndarray:
    return encoder().encode([passage.text for passage in passages])


def build(report: Callable[[int, int], None] = lambda done, total: None) -> Manifest:
    """Embed what is new and write a snapshot of all passages."""
    embed(report)
    with transaction.atomic():
        changes = changes_now()
        found = list(
            Passage.objects.filter(encoder=encoder().name, vector__isnull=False)
            .order_by("id")
            .values_list("id", "customer_id", "vector")
        )
    matrix = np.zeros((len(found), encoder().dimension), dtype=np.float32)
    for row, (_, _, vector) in enumerate(found):
        matrix[row] = np.frombuffer(bytes(vector or b""), dtype=np.float32)
    ids, scopes = [row[0] for row in found], [row[1] or SHARED for row in found]
    return vector_index.write(settings.INDEX_DIR, encoder().name, changes, ids, scopes, matrix)


def refresh(report: Callable[[int, int], None] = lambda done, total: None) -> Manifest | None:
    """Build when records changed since the snapshot, or none can be read. None: up to date."""
    return build(report) if stale() else None


def stale() -> bool:
    try:
        return reader().snapshot().manifest.changes != changes_now()
    except vector_index.IndexUnavailable as reason:
        logger.debug("%s", reason)
        return True


def changes_now() -> int:
    return IndexState.objects.values_list("changes", flat=True).first() or 0


def status() -> dict[str, Any]:
    """Counts of the records and of the snapshot, for people and monitors."""
    counts = {
        "records": Record.objects.filter(deleted=False).count(),
        "passages": Passage.objects.count(),
        "stale": stale(),
    }
    try:
        snapshot = reader().snapshot().manifest
    except vector_index.IndexUnavailable as reason:
        return {**counts, "indexed": 0, "encoder": encoder().name, "problem": str(reason)}
    return {**counts, "indexed": snapshot.rows, "encoder": snapshot.encoder}
