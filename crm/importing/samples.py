"""Chooses the rows of a table that its preview shows: rows that differ, newest and open ones."""

import heapq
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import chain, islice, zip_longest
from typing import Any

from crm.importing import columns, dates
from crm.importing.columns import LOOKED_AT
from crm.importing.formats import Unreadable
from crm.models import ImportPlan

Row = dict[str, Any]
# (is open, newest date, place in the file): the larger, the rather it is shown.
Rank = tuple[bool, str, int]
# Rows that a preview shows, and differences of which an example is kept to choose from.
SHOWN, KEPT = 10, 60


def kept(
    rows: Iterable[Any], few: Collection[str], roles: dict[str, str], day_first: bool | None
) -> list[Row]:
    """Return rows to choose from, best first: the best of all, of each kind with each status, and
    with each value of the columns that have few."""
    best: dict[tuple[str, ...], tuple[Rank, Row]] = {}
    newest: list[tuple[Rank, Row]] = []
    for place, (_, row) in enumerate(islice(rows, LOOKED_AT)):
        if isinstance(row, Unreadable):
            continue
        entry = (rank(row, roles, day_first, -place), row)
        heapq.heappush(newest, entry) if len(newest) < SHOWN else heapq.heappushpop(newest, entry)
        state = tuple(columns.written(row.get(roles.get(role, ""))) for role in ("kind", "status"))
        for key in (state, *((name, columns.written(row.get(name))) for name in few)):
            if key in best or len(best) < KEPT:
                best[key] = max(entry, best.get(key, entry))
    found = {entry[0]: entry for entry in chain(best.values(), newest)}
    return [row for _, row in sorted(found.values(), reverse=True)]


def rank(row: Row, roles: dict[str, str], day_first: bool | None, place: int) -> Rank:
    """Rank a row. No two have one rank, since their places differ."""
    done = columns.written(row.get(roles.get("done_date", "")))
    given = [columns.written(row.get(roles.get(role, ""))) for role in ("own_date", "updated_at")]
    return not done, max(dates.iso(text, day_first) or "" for text in given), place


def shown(rows: Iterable[Row], plan: ImportPlan) -> list[Row]:
    """Return ten of the rows, by turns of each kind, and within it of each status."""
    of_kind: dict[str, list[tuple[int, Row]]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for row in rows:
        kind = columns.written(row.get(plan.columns.get("kind", "kind")))
        status = columns.written(row.get(plan.columns.get("status", "")))
        of_kind.setdefault(kind, []).append((seen[kind, status], row))
        seen[kind, status] += 1
    turns = [sorted(mine, key=lambda pair: pair[0]) for mine in of_kind.values()]
    by_turns = chain.from_iterable(zip_longest(*turns))
    return [pair[1] for pair in islice(filter(None, by_turns), SHOWN)]
