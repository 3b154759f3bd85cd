"""Whom the events that came speak of, and emptying those that speak of somebody who is erased.

The ids are taken when an event comes, out of the JSON and not its letters: `"m\\u00fcller"`, 501
and a row that was refused are found as well as any other.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet

from crm.adapters import Change
from crm.ids.namespaces import NAMING
from crm.knowledge.indexing import batched
from crm.models import Customer, InboundEvent, Mention
from inference.text import trimmed

GONE = "[erased]"
# What nobody can read, nobody can search for a person either: it is not kept.
UNREADABLE = "[not kept: {} bytes that are no JSON, so that nobody can say whom they name]"
NAMED = (*NAMING, "idempotency_key")
LONGEST, AT_ONCE = 200, 500
# A field whose value may be somebody's id, in the words of any of the systems.
NAMES_SOMEBODY = re.compile(
    r"(?:ids?|identifier|customers?|contacts?|from|into|e-?mail|user|requester|current|previous)$",
    re.IGNORECASE,
)


def read(body: bytes) -> Any:
    """None where it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def ids_in(body: Any) -> set[str]:
    """Of people or things, wherever they stand."""
    found, left = set(), [(body, False)]
    while left:  # No recursion: how deep it is, is the sender's choice.
        value, named = left.pop()
        if isinstance(value, dict):
            left += [(inner, names_somebody(name)) for name, inner in value.items()]
        elif isinstance(value, list):
            left += [(inner, named) for inner in value]
        elif named and (id := as_id(value)):
            found.add(id)
    return found


@lru_cache(10_000)  # Fields have the same names in each row, and in each event.
def names_somebody(field: str) -> bool:
    return bool(NAMES_SOMEBODY.search(field.removesuffix("__c")))


def as_id(value: Any) -> str:
    """As a text; "" where it is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    try:
        # What is no id may be long, and is looked at no further.
        if len(text := str(value).strip()) > 2 * LONGEST:
            return ""
        id = trimmed(text)
        id.encode()
    except ValueError:  # A number of thousands of digits, or half a character.
        return ""
    return "" if len(id) > LONGEST or "\x00" in id else id


def ids_of(changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        yield from filter(None, (as_id(change.data.get(name)) for name in NAMED))


def keep(events: Collection[InboundEvent]) -> None:
    """With events that were just inserted."""
    spoken = {(event.source_id, event.event_id): event.mentioned for event in events}
    sources, ids = {source for source, _ in spoken}, {id for _, id in spoken}
    there = InboundEvent.objects.filter(source__in=sources, event_id__in=ids)
    rows = (
        Mention(event_id=id, value=value)
        for id, source, event_id in there.values_list("id", "source_id", "event_id")
        for value in spoken.get((source, event_id), ())
    )
    Mention.objects.bulk_create(rows, batch_size=AT_ONCE * 10, ignore_conflicts=True)


def forget(ids: list[str]) -> None:
    """Events that name one of these. One that is yet to be applied is needed whole: it is emptied
    afterwards, and what it brings of somebody erased is not kept."""
    for some in batched(ids, AT_ONCE):
        empty(InboundEvent.objects.filter(mentions__value__in=some))


def forget_erased(events: QuerySet[InboundEvent]) -> int:
    """Those of the events that name somebody who is erased by now."""
    erased = Customer.objects.exclude(erased_at=None).values("id")
    return empty(events.filter(mentions__value__in=erased))


def empty(events: QuerySet[InboundEvent]) -> int:
    """Once they are done with. That they came stays known: the same id counts once."""
    ended = events.exclude(state=InboundEvent.State.RECEIVED).exclude(body=GONE).order_by("id")
    count = 0
    while ids := list(ended.values_list("id", flat=True).distinct()[:AT_ONCE]):
        Mention.objects.filter(event__in=ids).delete()
        count += InboundEvent.objects.filter(id__in=ids).update(body=GONE, changes=[])
    return count
