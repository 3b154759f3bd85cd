"""Finds out what the fields of each kind of record mean: the reader guesses, people correct it.

Nothing here is specific to a trade: the guesses come from the fields' names and values.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from chatbot.engines.reader import heads, line_reader
from crm.knowledge import amounts, moments
from crm.knowledge.newest import kinds_of
from crm.models import Record, RecordKind
from inference.reading.heads import of_field

# Records of a kind that a guess looks at, and the least probability of a role.
LOOKED_AT, LEAST = 100, 0.3
# Seconds until a change in the admin takes effect, and until an unconfirmed guess is made again.
KNOWN_FOR, GUESS_HOLDS = 30.0, 3_600.0
# The least probability with which a status is called final, or open. Of 5,812 statuses of 221
# companies, a sixth of them left out in turn, 0.93 are called so with 0.7, and 0.95 of these
# rightly; with 0.8, 0.88 and 0.96; with 0.5, all and 0.92 (2026-11-30).
SURE_OF_STATUS = 0.7
# The least likelihood with which a field gives the day that the customer of an open record waits
# for. The record's own day counts half: an order's is past, a visit's may be to come. Of 279 open
# records of 221 companies with such a day, a sixth of the companies left out in turn, it is found
# for 223, and another day for 27; without the record's own day, for 135 (2026-11-30).
AWAITED, OWN_COUNTS = 0.1, 0.5
# Words of a status; a longer text is a note.
STATUS_WORDS = 8
LONGEST_NAME = 200


@dataclass
class Known:
    """A kind as it was last read. Both times are `time.monotonic` seconds."""

    row: RecordKind
    fresh_until: float
    guessed_until: float


_known: dict[str, Known] = {}


def kind_of(name: str) -> RecordKind:
    """Return what the fields of this kind mean; an unconfirmed kind is guessed again at times,
    since its first records may lack a field."""
    known, now = _known.get(name), time.monotonic()
    if known and now < known.fresh_until:
        return known.row
    row, guessed_until = RecordKind.objects.filter(name=name).first(), 0.0
    if known:
        guessed_until = known.guessed_until
    if row is None or (not row.confirmed and now >= guessed_until):
        row, guessed_until = renewed(name), now + GUESS_HOLDS
    _known[name] = Known(row, now + KNOWN_FOR, guessed_until)
    return row


def forget() -> None:
    """Read and guess every kind again, for tests."""
    _known.clear()


def renewed(name: str) -> RecordKind:
    """Guess a kind again, unless somebody confirms it in the meantime."""
    roles = guessed(name)
    row, created = RecordKind.objects.get_or_create(name=name, defaults=roles)
    changes = {role: field for role, field in roles.items() if getattr(row, role) != field}
    if changes and not created:
        RecordKind.objects.filter(name=name, confirmed=False).update(**changes)
        row.refresh_from_db()
    return row


def own_dates(customer: str) -> dict[str, str]:
    """Return the field that holds the own date of each kind of this customer's records, "" if there
    is none."""
    return {name: kind_of(name).own_date for name in kinds_of(customer)}


def guessed(name: str) -> dict[str, str]:
    rows = Record.objects.filter(kind=name, deleted=False, customer__isnull=False)
    newest = rows.order_by("-updated_at").values_list("fields", flat=True)[:LOOKED_AT]
    return guess(name, list(newest))


def guess(kind: str, records: list[dict[str, Any]]) -> dict[str, str]:
    """Guess the field of each role from the records' fields; "" for a role that none has."""
    values: dict[str, list[Any]] = {}
    for fields in records:
        for name, value in fields.items():
            if value not in (None, "", []) and len(name) <= LONGEST_NAME:
                values.setdefault(name, []).append(value)
    found = dict.fromkeys(FITS, "")
    if not values:
        return found
    likely = {name: likely_roles(kind, name) for name in values}
    for role, (fits, needed) in FITS.items():
        # Of two likely fields, the one that more records have: each order has a date of its own,
        # but not each one was collected.
        able = [
            (likely[name][role] * len(given), name)
            for name, given in values.items()
            if likely[name][role] >= LEAST
            and name not in found.values()
            and len(given) >= needed * len(records)
            and sum(fits(name, one) for one in given) > len(given) / 2
        ]
        if able:
            found[role] = max(able)[1]
    return found


def awaited_field(kind: str, fields: dict[str, Any], today: date) -> str:
    """Return the name of the field with the day that the customer waits for, if that day is today
    or later; otherwise ""."""
    coming = [
        name
        for name, value in fields.items()
        if len(name) <= LONGEST_NAME and any(day >= today for day in moments.days_of(name, value))
    ]
    likely, best = max(((gives_awaited(kind, name), name) for name in coming), default=(0.0, ""))
    return best if likely >= AWAITED else ""


def gives_awaited(kind: str, name: str) -> float:
    likely = likely_roles(kind, name)
    return likely["expected_date"] + OWN_COUNTS * likely["own_date"]


@lru_cache(maxsize=10_000)
def likely_roles(kind: str, name: str) -> dict[str, float]:
    """Return the probability of each role of a field, and of "other"."""
    head = heads()["roles"]
    [row] = head.probabilities(of_field(line_reader().vector, kind, name)[None])
    return dict(zip(head.classes, map(float, row), strict=True))


def is_date(name: str, value: Any) -> bool:
    return moments.day_of(name, value) is not None


def is_amount(name: str, value: Any) -> bool:
    return amounts.parsed(value) is not None


def is_status(name: str, value: Any) -> bool:
    is_plain_date = moments.read(name, value) is not None
    is_text = isinstance(value, str) and not is_plain_date and not is_amount(name, value)
    return is_text and len(value.split()) <= STATUS_WORDS


# Role: what its values are, and the share of the records that have the field. In the order of their
# choice: a field has one role.
FITS: dict[str, tuple[Callable[[str, Any], bool], float]] = {
    "status": (is_status, 0.5),
    "own_date": (is_date, 0.5),
    "expected_date": (is_date, 0.0),
    "done_date": (is_date, 0.0),
    "total": (is_amount, 0.5),
}


def is_final(row: RecordKind, status: Any) -> bool | None:
    """Tell whether a record with this status is finished; None if nobody can tell."""
    text = str(status).strip()
    for statuses, final in ((row.final_statuses, True), (row.open_statuses, False)):
        if text.casefold() in folded(statuses):
            return final
    return judged_final(row.name, text)


def folded(statuses: Iterable[Any]) -> set[str]:
    return {str(one).strip().casefold() for one in statuses}


@lru_cache(maxsize=10_000)
def judged_final(kind: str, status: str) -> bool | None:
    [(label, sure)] = heads()["final"].best(of_field(line_reader().vector, kind, status)[None])
    return label == "final" if sure >= SURE_OF_STATUS else None
