"""Finds a customer's newest records of each kind, at a cost that does not grow with their number:
the index `record_newest` holds each customer's records by kind and latest date."""

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from django.db import connection

from crm.knowledge import moments
from crm.models import RecordKind

# How many records of a kind are looked at first, and at most.
FEW, MOST = 20, 1_000
# PostgreSQL and SQLite read the whole index for a DISTINCT; this reads one entry for each kind.
KINDS = """
    WITH RECURSIVE found(kind) AS (
        SELECT min(kind) FROM crm_record WHERE customer_id = %s AND NOT deleted
        UNION ALL
        SELECT (
            SELECT min(kind) FROM crm_record
            WHERE customer_id = %s AND NOT deleted AND kind > found.kind
        ) FROM found WHERE kind IS NOT NULL
    ) SELECT kind FROM found WHERE kind IS NOT NULL
"""
# Plain SQL, since a search needs a part for each kind, and Django takes a millisecond to write it.
# SQLite allows a limit on one part of a union only inside a query of its own.
LATEST = """
    SELECT * FROM (
        SELECT kind, latest, id, fields FROM crm_record
        WHERE customer_id = %s AND kind = %s AND NOT deleted AND latest IS NOT NULL
        ORDER BY latest DESC, id LIMIT %s
    ) AS part
"""


def known_dates(kinds: Iterable[str]) -> dict[str, str]:
    known = dict(RecordKind.objects.filter(name__in=kinds).values_list("name", "own_date"))
    return {kind: known.get(kind, "") for kind in kinds}


def kinds_of(customer: str) -> list[str]:
    """List the kinds of this customer's own records."""
    with connection.cursor() as cursor:
        cursor.execute(KINDS, [customer, customer])
        return [kind for (kind,) in cursor.fetchall()]


def newest(customer: str | None, own_dates: Mapping[str, str] | None = None) -> set[str]:
    """Return the ids of this customer's newest record of each kind: by its own date if the field of
    that is known, else by its latest date.

    own_dates: the field of the own date for each of the customer's kinds, "" if it is not known.
    """
    if not customer:
        return set()
    fields = known_dates(kinds_of(customer)) if own_dates is None else dict(own_dates)
    found: set[str] = set()
    for most in (FEW, MOST):
        undecided: dict[str, str] = {}
        for kind, dated in latest(customer, fields, most).items():
            own, _, id = max(dated, key=lambda row: row[:2])
            # The own date of a record that was not read is at most its latest date.
            if not fields[kind] or len(dated) < most or own[:10] > dated[-1][1] or most == MOST:
                found.add(id)
            else:
                undecided[kind] = fields[kind]
        fields = undecided
    return found


def latest(
    customer: str, own_dates: Mapping[str, str], most: int
) -> dict[str, list[tuple[str, str, str]]]:
    """Return (own date, latest date, id) of the records of each kind with the latest dates: at most
    `most`, or one if the kind's own date is not known."""
    if not own_dates:
        return {}
    asked = [(customer, kind, most if field else 1) for kind, field in own_dates.items()]
    rows: dict[str, list[tuple[str, str, str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([LATEST] * len(asked)), list(chain(*asked)))
        for kind, day, id, fields in cursor.fetchall():
            name = own_dates[kind]
            own = sortable(name, json.loads(fields).get(name)) if name else ""
            rows.setdefault(kind, []).append((own, str(day), id))
    return rows


def sortable(name: str, value: Any) -> str:
    """Return a date as text that sorts: ISO dates and times as they are, otherwise the day that a
    value gives ("Thu 2026-12-03, 8 am"), or ""."""
    if isinstance(value, str) and moments.ISO_DATE.match(value):
        return value
    return str(moments.day_of(name, value) or "")
