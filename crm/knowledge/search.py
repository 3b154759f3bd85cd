"""Finds the passages that answer a customer's question.

Every step is limited to what the customer may see: the index's range, the key look-up and the
query for the rows each carry the customer. The customer None sees shared knowledge only.
"""

import re
from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from crm.knowledge import amounts, indexing, keys, shared
from crm.knowledge.newest import newest
from crm.models import Key, Passage, Record
from inference.index import SHARED, Match, Query
from inference.index.match import Searchable, Vector

CANDIDATES = 24
# How many times as many passages are looked at if some of the first ones are for other inboxes.
LEFT_OUT_MORE = 4
# More than meaning and words can reach: a record whose number is named comes first. A title may be
# mentioned in passing, so its words count only as words.
NUMBERED, NEARLY_NUMBERED = 10.0, 5.0
# Too many shorter numbers are one character apart.
SHORTEST_MISSPELT = 5
# Nobody types longer ones, and each character adds some forty keys to look up.
LONGEST_MISSPELT = 40
# Unknown numbers of one question that are looked up as misspelt.
MOST_MISSPELT = 5
# A title or number that more records than this have names none of them.
CROWD = 30
# Records of a customer whose amounts are known, those with the latest dates.
AMOUNTS_OF = 50


@dataclass(frozen=True)
class Hit:
    """A passage that this customer may see."""

    record: str
    kind: str
    title: str
    text: str
    shared: bool
    # For ranking: from meaning, words, and whether the question names the record.
    score: float
    # The cosine with the question.
    meaning: float
    # The key by which the question names this record, if it does.
    key: str = ""
    # A number in the question that is one character away from this record's number.
    misspelt: str = ""
    # The customer has no newer record of this kind.
    newest: bool = False
    # The day of its last change.
    changed: date | None = None
    # Lines on which no answer may rest, each with the reason.
    left_out: tuple[tuple[str, str], ...] = ()

    # The page where customers can read it.
    address: str = ""

    @property
    def named_by_number(self) -> bool:
        return has_digit(self.key)


@dataclass(frozen=True)
class Unpublished:
    """A passage of a draft, which is shared knowledge once it is published."""

    record: str
    kind: str
    text: str
    # Keys of the inboxes that it is for; none: all of them.
    inboxes: tuple[str, ...]
    vector: Vector


@dataclass(frozen=True)
class Drafts:
    """Passages that are searched besides the published ones, and the records that they replace."""

    passages: tuple[Unpublished, ...] = ()
    replaced: frozenset[str] = frozenset()


NO_DRAFTS = Drafts()


@dataclass(frozen=True)
class Names:
    """The results of `exact` and `unknown_references` for a question."""

    named: dict[str, str]
    unknown: list[str]


def visible(customer: str | None) -> Q:
    """Select the rows of this customer and the shared ones."""
    return Q(customer=None) | Q(customer=customer) if customer else Q(customer=None)


def search(
    query: str,
    customer: str | None,
    limit: int = 10,
    also: Iterable[str] = (),
    latest: Set[str] | None = None,
    inbox: str = "",
    drafts: Drafts = NO_DRAFTS,
    names: Names | None = None,
) -> list[Hit]:
    """Return passages, best first: those of records that the query names, then by meaning and
    words. also: records whose passages are wanted however far they are, if the customer may see
    them; latest: what `newest` returns, if it is known; inbox: its key, to leave out what is for
    other inboxes only; names: those in the query, if they are known."""
    asked = Query(query, indexing.encoder().encode([query])[0])
    names = names or names_in(query, customer)
    named, misspelt = names.named, misspelt_of(names.unknown, customer)
    latest = newest(customer) if latest is None else latest
    wanted = {*named, *misspelt, *latest, *also}
    hits: list[Hit] = []
    view, read = indexing.view(), partial(rows, visible(customer))
    for most in (CANDIDATES, CANDIDATES * LEFT_OUT_MORE):
        matches = nearest(view, asked, customer, most)
        passages = shared.found(view, wanted, matches, read)
        told = [one for one in passages if may_be_told(one.record, inbox, drafts)]
        hits = [hit(passage, asked, matches, named, misspelt, latest) for passage in told]
        if len(told) == len(passages):
            break
    hits += [draft(one, asked) for one in drafts.passages if meant_for(inbox, one.inboxes)]
    return sorted(hits, key=lambda hit: -hit.score)[:limit]


def nearest(view: Searchable, asked: Query, customer: str | None, most: int) -> dict[int, Match]:
    """Return up to `most` passages of each scope by meaning and words."""
    scopes = [SHARED, customer] if customer else [SHARED]
    return {match.id: match for match in view.search(asked, scopes, most)}


def may_be_told(record: Record, inbox: str, drafts: Drafts) -> bool:
    return meant_for(inbox, record.inboxes) and record.id not in drafts.replaced


def meant_for(inbox: str, inboxes: Collection[str]) -> bool:
    return not inboxes or inbox in inboxes


def draft(passage: Unpublished, query: Query) -> Hit:
    meaning = float(passage.vector @ query.vector)
    title = passage.text.split("\n", 1)[0]
    return Hit(passage.record, passage.kind, title, passage.text, True, meaning, meaning)


def search_records(query: str, customer: str | None, limit: int) -> list[Hit]:
    """Return the best passage of each record, best record first."""
    best: dict[str, Hit] = {}
    for passage in search(query, customer, limit=CANDIDATES * 4):
        best.setdefault(passage.record, passage)
    return list(best.values())[:limit]


def names_in(query: str, customer: str | None) -> Names:
    """Look up all names and numbers in the query, in one statement unless a crowd of records has
    them."""
    phrases, references = keys.phrases(query), keys.references(query)
    matching = first_keys(phrases.union(*references), customer)
    if len(matching) > CROWD:
        return Names(exact(query, customer), unknown_references(query, customer))
    known = {value for _, value in matching}
    unknown = [forms for forms in references if not known.intersection(forms)]
    named = longest(query, [row for row in matching if row[1] in phrases])
    return Names(named, no_amounts(unknown, customer))


def exact(query: str, customer: str | None) -> dict[str, str]:
    """Return the ids of records that the query names, each with its longest key."""
    phrases = keys.phrases(query)
    matching = first_keys(phrases, customer)
    if len(matching) > CROWD:
        matching = first_keys(filter(has_digit, phrases), customer)[:CROWD]
    return longest(query, matching)


def longest(query: str, matching: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return each record that the query names, with the longest key by which it does so."""
    named: dict[str, str] = {}
    words = set(re.findall(r"\w+", keys.folded(query)))
    for record, value in matching:
        # Short names count only as whole words: "Chai" is not in "chair".
        is_named = len(value) > 3 or value in words
        if is_named and len(value) > len(named.get(record, "")):
            named[record] = value
    return named


def first_keys(values: Iterable[str], customer: str | None) -> list[tuple[str, str]]:
    """Return (record, value) of the keys with these values, at most one more than a CROWD."""
    return list(keys_with(values, customer).values_list("record_id", "value")[: CROWD + 1])


def keys_with(values: Iterable[str], customer: str | None) -> QuerySet[Key]:
    """Select the keys with these values that this customer may see. The values are repeated for
    each scope, so that each scope is a range of the index, however many other customers have the
    same keys."""
    wanted = Q(value__in=list(values))
    mine = wanted & Q(customer=customer)
    return Key.objects.filter(mine | (wanted & Q(customer=None)) if customer else mine)


def near_misses(query: str, customer: str | None) -> dict[str, str]:
    """Return the ids of records whose number is one character away from an unknown number in the
    query, each with that number."""
    return misspelt_of(unknown_references(query, customer), customer)


def misspelt_of(unknown: list[str], customer: str | None) -> dict[str, str]:
    misspelt: dict[str, str] = {}
    for typed in unknown[:MOST_MISSPELT]:
        if SHORTEST_MISSPELT <= len(typed) <= LONGEST_MISSPELT:
            near = first_keys(keys.one_off(typed), customer)[:CROWD]
            misspelt.update({record: typed for record, _ in near})
    return misspelt


def rows(scope: Q, records: Iterable[str], near: Iterable[int]) -> QuerySet[Any]:
    wanted = Q(record__in=list(records)) | Q(id__in=list(near))
    passages = Passage.objects.filter(scope, wanted, record__deleted=False).select_related("record")
    # Deferred: these may be long, and the passages hold them already.
    return indexing.with_vectors(passages.defer("record__text", "record__fields"))


def hit(
    passage: Passage,
    query: Query,
    matches: dict[int, Match],
    named: dict[str, str],
    misspelt: dict[str, str],
    latest: Set[str],
) -> Hit:
    record, key = passage.record, named.get(passage.record_id, "")
    match = matches.get(passage.id) or Match(passage.id, cosine(passage, query), words=0.0)
    return Hit(
        record=record.id,
        kind=record.kind,
        title=record.title,
        text=passage.text,
        shared=passage.customer_id is None,
        # A longer key names a record with more certainty; among equals, meaning and words decide.
        score=match.score + naming_bonus(key, record.id in misspelt),
        meaning=match.meaning,
        key=key,
        misspelt=misspelt.get(record.id, ""),
        newest=record.id in latest,
        changed=timezone.localdate(record.updated_at),
        address=record.address,
    )


def naming_bonus(key: str, misspelt: bool) -> float:
    """Return what a record's score gains if the question has its number; more for a longer one."""
    if has_digit(key):
        return NUMBERED + len(key) / 100
    return NEARLY_NUMBERED if misspelt else 0.0


def has_digit(key: str) -> bool:
    return any(character.isdigit() for character in key)


def cosine(passage: Any, query: Query) -> float:
    vector = indexing.unit(passage.vector)
    return 0.0 if vector is None else float(vector @ query.vector)


def unknown_references(query: str, customer: str | None) -> list[str]:
    """Return the record numbers in the query that no visible record has."""
    references = keys.references(query)
    unknown = [forms for forms in references if not keys_with(forms, customer).exists()]
    return no_amounts(unknown, customer)


def no_amounts(unknown: list[tuple[str, ...]], customer: str | None) -> list[str]:
    """Leave out numbers without a noun that are an amount in one of the customer's newest records:
    "taking out the 12000" of 12,000.00. "Order 12000" means an order."""
    bare = any(len(forms) == 1 and forms[0].isdigit() for forms in unknown)
    known = amounts_of(customer) if bare and customer else set[str]()
    return [forms[0] for forms in unknown if len(forms) > 1 or forms[0] not in known]


def amounts_of(customer: str) -> set[str]:
    """Return the whole amounts in the customer's newest records."""
    rows = Record.objects.filter(customer=customer, deleted=False).order_by("-latest", "id")
    of_each = rows.values_list("fields", flat=True)[:AMOUNTS_OF]
    values = (value for fields in of_each for value in fields.values())
    found = (amounts.parsed(value) for value in values if isinstance(value, str | int | float))
    return {f"{one[0]:.0f}" for one in found if one and one[0] == one[0].to_integral_value()}
