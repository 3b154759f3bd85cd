"""Holds passages of shared knowledge in memory, since most questions find the same few.

With each view of the index, a search reads the count of changes, and drops the passages as soon as
any passage or record has changed; so they are never older than the view. A customer's own passages
are not held; each search reads them, with the customer in the query.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from crm.models import Passage
from inference.index import View
from inference.index.match import Searchable

# How many passages are held, which takes some 6 MB.
MOST = 2_000

# Reads the passages of these records, and those with these ids.
Read = Callable[[set[str], set[int]], Iterable[Passage]]


@dataclass
class Held:
    """The passages read since the view had seen this number of changes."""

    view: Searchable | None = None
    changes: int = -1
    passages: dict[int, Passage] = field(default_factory=dict)
    # All passages of each shared record that was asked for as a whole.
    records: dict[str, list[Passage]] = field(default_factory=dict)

    def add(self, passages: list[Passage], whole: set[str]) -> None:
        shared = [one for one in passages if one.customer_id is None]
        self.passages |= {one.id: one for one in shared}
        for record in whole & {one.record_id for one in shared}:
            self.records[record] = [one for one in shared if one.record_id == record]


_held = Held()


def found(view: Searchable, records: set[str], near: Iterable[int], read: Read) -> list[Passage]:
    """Return the passages of these records, and those with these ids, in the order of records.
    `read` reads those that are not held, and returns only those that the customer may see."""
    held = held_since(view)
    whole = {id: held.records[id] for id in records if id in held.records}
    known = {id: held.passages[id] for id in near if id in held.passages}
    records, ids = records - set(whole), set(near) - set(known)
    fresh = list(read(records, ids)) if records or ids else []
    held.add(fresh, records)
    every = [*known.values(), *(one for passages in whole.values() for one in passages), *fresh]
    unique = {one.id: one for one in every}
    return sorted(unique.values(), key=lambda one: (one.record_id, one.position))


def held_since(view: Searchable) -> Held:
    """Return what is held for this view; nothing for an index on a server, which counts
    elsewhere."""
    global _held
    if not isinstance(view, View):
        return Held()
    changes = view.delta.upto
    # Replaced, never emptied: other searches may be reading it.
    if _held.view is not view or _held.changes != changes or len(_held.passages) > MOST:
        _held = Held(view, changes)
    return _held
