"""Search: which passages answer this customer?

Whose records may be searched is part of every search: the index's range, the key look-up and
the row fetch each carry the customer. None sees shared knowledge only.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Q, QuerySet

from crm.knowledge import indexing, keys
from crm.models import Key, Passage, Record
from inference.index import SHARED, Match, Query

CANDIDATES = 24
# Above what meaning and words can reach: a record whose number is named comes first. A title may
# be said by the way; its words count as words.
NUMBERED, NEARLY_NUMBERED = 10.0, 5.0
# Of shorter numbers too many are one character apart.
SHORTEST_MISSPELT = 5
# Longer ones nobody types, and each character is some forty keys more to look up.
LONGEST_MISSPELT = 40
# Numbers of one question that are looked up as misspelt.
MOST_MISSPELT = 5
# Vectors of single lines kept in memory, 1.5 kB each.
LINES_REMEMBERED = 20_000
# Characters: of all but the longest messages, which are seldom said again.
LONGEST_REMEMBERED = 1_500
_lines: dict[str, np.ndarray] = {}


@dataclass(frozen=True)
class Hit:
    """A passage that this customer may see."""

    record: str
    kind: str
    title: str
    text: str
    shared: bool
    # For ranking: meaning, words, and whether the question names it.
    score: float
    # Cosine with the question.
    meaning: float
    # The key by which the question names this record, if it does.
    key: str = ""
    # A number in the question that is one character away from this record's.
    misspelt: str = ""
    # The newest of the customer's records of its kind.
    newest: bool = False
    # Lines that no answer may rest on, each with the reason.
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def named_by_number(self) -> bool:
        return has_digit(self.key)


def visible(customer: str | None) -> Q:
    """Rows of this customer, and the shared ones."""
    return Q(customer=None) | Q(customer=customer) if customer else Q(customer=None)


def search(query: str, customer: str | None, limit: int = 10) -> list[Hit]:
    """Passages for the query, best first: records it names, then by meaning and words."""
    # Remembered: its lines are compared with it afterwards.
    asked = Query(query, vectors_of([query])[query])
    scopes = [SHARED, customer] if customer else [SHARED]
    found = indexing.view().search(asked, scopes, CANDIDATES)
    matches = {match.id: match for match in found}
    named = exact(query, customer)
    misspelt = near_misses(query, customer)
    latest = newest(customer)
    passages = rows(visible(customer), {*named, *misspelt, *latest}, matches)
    scored = [hit(passage, asked, matches, named, misspelt, latest) for passage in passages]
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
    asked = set(re.findall(r"\w+", keys.folded(query)))
    for record, value in found.values_list("record_id", "value"):
        if keeps_its_words(value, asked) and len(value) > len(named.get(record, "")):
            named[record] = value
    return named


def near_misses(query: str, customer: str | None) -> dict[str, str]:
    """Record ids whose number is one character away from one that no record bears, with the
    number as the query has it."""
    found: dict[str, str] = {}
    for typed in unknown_references(query, customer)[:MOST_MISSPELT]:
        if SHORTEST_MISSPELT <= len(typed) <= LONGEST_MISSPELT:
            near = Key.objects.filter(visible(customer), value__in=keys.one_off(typed))
            found.update(dict.fromkeys(near.values_list("record_id", flat=True), typed))
    return found


def newest(customer: str | None) -> set[str]:
    """The newest record of each kind that this customer has."""
    if not customer:
        return set()
    own = Record.objects.filter(customer=customer, deleted=False, latest__isnull=False)
    return set(dict(own.order_by("latest", "id").values_list("kind", "id")).values())


def keeps_its_words(value: str, asked: set[str]) -> bool:
    """Short names count only as whole words: "Chai" is not in "chair"."""
    return len(value) > 3 or value in asked


def rows(scope: Q, records: Iterable[str], near: Iterable[int]) -> QuerySet[Any]:
    wanted = Q(record__in=list(records)) | Q(id__in=list(near))
    found = Passage.objects.filter(scope, wanted, record__deleted=False).select_related("record")
    # The records' own texts may be long, and are in the passages.
    return indexing.with_vectors(found.defer("record__text", "record__fields"))


def hit(
    passage: Passage,
    query: Query,
    matches: dict[int, Match],
    named: dict[str, str],
    misspelt: dict[str, str],
    latest: set[str],
) -> Hit:
    record, key = passage.record, named.get(passage.record_id, "")
    match = matches.get(passage.id) or Match(passage.id, cosine(passage, query), words=0.0)
    return Hit(
        record=record.id,
        kind=record.kind,
        title=record.title,
        text=passage.text,
        shared=passage.customer_id is None,
        # A longer key is a more certain name; among equals meaning and words decide.
        score=match.score + naming(key, record.id in misspelt),
        meaning=match.meaning,
        key=key,
        misspelt=misspelt.get(record.id, ""),
        newest=record.id in latest,
    )


def naming(key: str, misspelt: bool) -> float:
    """What it adds to a record's score that the question has its number; a long one is certain."""
    if has_digit(key):
        return NUMBERED + len(key) / 100
    return NEARLY_NUMBERED if misspelt else 0.0


def has_digit(key: str) -> bool:
    return any(character.isdigit() for character in key)


def cosine(passage: Any, query: Query) -> float:
    vector = indexing.unit(passage.vector)
    return 0.0 if vector is None else float(vector @ query.vector)


def unknown_references(query: str, customer: str | None) -> list[str]:
    """Numbers that the query gives as a record's, and that no visible record bears."""
    asked = keys.references(query)
    forms = [form for reference in asked for form in reference]
    found = Key.objects.filter(visible(customer), value__in=forms)
    known = set(found.values_list("value", flat=True)) if forms else set()
    return [reference[0] for reference in asked if not known.intersection(reference)]


def nearness(query: str, lines: Sequence[str]) -> np.ndarray:
    """Cosine of the query with each line, (len(lines),)."""
    vectors = vectors_of({query, *lines})
    return np.array([vectors[line] @ vectors[query] for line in lines], dtype=np.float32)


def vectors_of(texts: Collection[str]) -> dict[str, np.ndarray]:
    """From memory, where they are; asked for beforehand, they are there when they are needed."""
    # Another thread may take a line out at any moment, to put it last.
    vectors = {text: known for text in texts if (known := _lines.get(text)) is not None}
    new = [text for text in texts if text not in vectors]
    if new:
        vectors.update(zip(new, indexing.encoder().encode(new), strict=True))
    remember({text: vector for text, vector in vectors.items() if len(text) <= LONGEST_REMEMBERED})
    return vectors


def remember(vectors: dict[str, np.ndarray]) -> None:
    """The lines used last stay; a record that is asked about is often asked about again."""
    for line, vector in vectors.items():
        _lines.pop(line, None)
        _lines[line] = vector
    while len(_lines) > LINES_REMEMBERED:
        _lines.pop(next(iter(_lines)), None)
