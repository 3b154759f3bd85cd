"""Records which ids an event names, and empties the events that name an erased customer.

The ids are read when an event arrives, from the parsed JSON and not from its text: so
`"m\\u00fcller"`, the number 501 and the rows of refused events are found too.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet

from crm.dialects import Change
from crm.ids.namespaces import NAMING
from crm.knowledge.indexing import batched
from crm.models import Customer, InboundEvent, Mention
from inference.text import trimmed

GONE = "[erased]"
# A body that is not JSON cannot be searched for a person, so it is not stored.
UNREADABLE = "[not kept: {} bytes that are not JSON, so nobody can tell whom they name]"
NAMED = (*NAMING, "idempotency_key")
LONGEST, AT_ONCE = 200, 500
# Names of fields, in any of the systems, whose value may be somebody's id.
NAMES_SOMEBODY = re.compile(
    r"(?:ids?|identifier|customers?|contacts?|from|into|e-?mail|user|requester|current|previous)$",
    re.IGNORECASE,
)


def read(body: bytes) -> Any:
    """Parse JSON; None if it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def ids_in(body: Any) -> set[str]:
    """Return the ids of people and things anywhere in a body."""
    ids, left = set(), [(body, False)]
    while left:  # A loop, not recursion: the sender decides how deep the body is.
        value, named = left.pop()
        if isinstance(value, dict):
            left += [(inner, names_somebody(name)) for name, inner in value.items()]
        elif isinstance(value, list):
            left += [(inner, named) for inner in value]
        elif named and (id := as_id(value)):
            ids.add(id)
    return ids


@lru_cache(10_000)  # The same names recur in every row and every event.
def names_somebody(field: str) -> bool:
    return bool(NAMES_SOMEBODY.search(field.removesuffix("__c")))


def as_id(value: Any) -> str:
    """Return the value as an id; "" if it cannot be one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    try:
        # Too long for an id even when trimmed; looked at no further.
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
    """Store the mentions of events that were just inserted."""
    mentioned = {(event.source_id, event.event_id): event.mentioned for event in events}
    sources, ids = {source for source, _ in mentioned}, {id for _, id in mentioned}
    stored = InboundEvent.objects.filter(source__in=sources, event_id__in=ids)
    rows = (
        Mention(event_id=id, value=value)
        for id, source, event_id in stored.values_list("id", "source_id", "event_id")
        for value in mentioned.get((source, event_id), ())
    )
    Mention.objects.bulk_create(rows, batch_size=AT_ONCE * 10, ignore_conflicts=True)


def forget(ids: list[str]) -> None:
    """Empty the events that name one of these ids. An event that is yet to be applied is needed
    whole: it is emptied afterwards, and its rows about erased customers are dropped."""
    for batch in batched(ids, AT_ONCE):
        empty(InboundEvent.objects.filter(mentions__value__in=batch))


def forget_erased(events: QuerySet[InboundEvent]) -> int:
    """Empty those of the events that name a customer who is erased by now."""
    erased = Customer.objects.exclude(erased_at=None).values("id")
    return empty(events.filter(mentions__value__in=erased))


def empty(events: QuerySet[InboundEvent]) -> int:
    """Remove the bodies of events that are done. The rows stay, so that a repeated event is still
    recognised by its id. Returns how many were emptied."""
    ended = events.exclude(state=InboundEvent.State.RECEIVED).exclude(body=GONE).order_by("id")
    count = 0
    while ids := list(ended.values_list("id", flat=True).distinct()[:AT_ONCE]):
        Mention.objects.filter(event__in=ids).delete()
        count += InboundEvent.objects.filter(id__in=ids).update(body=GONE, changes=[])
    return count
