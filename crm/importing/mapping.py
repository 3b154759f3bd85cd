"""Turns a row of a table into a record, as a plan says."""

import re
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from crm.ids.namespaces import place
from crm.importing import columns, dates
from crm.knowledge import amounts, record_text
from crm.models import ImportPlan, RecordKind
from crm.plumbing.storable import RecordError

# Roles of a column besides those of a field that customers are told.
OF_RECORD = ("id", "kind", "customer", "title", "text", "updated_at")
ROLES = (*OF_RECORD, *RecordKind.ROLES)
# Attune's own form: records as `manage.py import_records` reads them.
OWN_FORM = frozenset({"id", "kind", "customer", "title", "updated_at"})
LONGEST_KIND = 60  # characters of Record.kind
# "Total (EUR)", "Price in €": the currency of a column's amounts.
IN_CURRENCY = re.compile(rf"[\s(\[]([A-Z]{{3}}|[{amounts.SIGNS}])[)\]]?$")


def is_own_form(table: str, names: Iterable[str]) -> bool:
    """Tell whether a table, by its name and columns, holds records in Attune's own form."""
    return table.lower().endswith((".jsonl", ".ndjson")) and set(names) >= OWN_FORM


def fits(plan: ImportPlan, names: Iterable[str]) -> bool:
    """Tell whether the plan was made for a table with these columns. One that has more might tell
    customers what nobody has looked at; in Attune's own form, a record says itself what it is."""
    if not plan.columns:
        return set(names) >= OWN_FORM and set(plan.heads) >= OWN_FORM
    return sorted(plan.heads) == sorted(names)


def record_row(
    plan: ImportPlan, cells: dict[str, Any], at: datetime, commas: Collection[str] = ()
) -> dict[str, Any]:
    """Return the row as `records.parse` takes it. Raises RecordError.

    at: when the record changed, if no column tells; commas: the columns of amounts with decimal
    commas.
    """
    if not plan.columns:
        return own_row(plan, cells)
    given = {role: columns.written(cells.get(name)) for role, name in plan.columns.items()}
    if not given["id"]:
        raise RecordError(f"the column {plan.columns['id']!r} is empty: each row needs an id")
    if not (customer := given.get("customer")) and ("customer" in given or not plan.shared):
        name = plan.columns.get("customer", "customer")
        raise RecordError(f"the column {name!r} is empty: whose record is it?")
    kind = slug(given.get("kind", "")) or plan.kind
    title = given.get("title") or f"{record_text.heading(record_text.words_of(kind))} {given['id']}"
    return {
        "id": place(plan.namespace, given["id"]),
        "kind": kind,
        "customer": customer,
        "title": title,
        "text": given.get("text", ""),
        "fields": fields(plan, cells, commas),
        "updated_at": changed_at(plan, cells, at),
    }


def slug(kind: str) -> str:
    """Return the kind that a cell names: "workshop_order" for "Workshop order"."""
    return re.sub(r"[\W_]+", "_", kind.lower()).strip("_")[:LONGEST_KIND]


def own_row(plan: ImportPlan, cells: dict[str, Any]) -> dict[str, Any]:
    """Return a row in Attune's own form, with the ids in the plan's namespace."""
    if cells.get("partial") or cells.get("deleted"):
        raise RecordError("a file must hold whole records: remove “partial” and “deleted”")
    return cells if plan.own_ids else cells | {"id": place(plan.namespace, cells.get("id"))}


def record_id(plan: ImportPlan, cells: dict[str, Any]) -> str:
    """Return the id of the row's record; "" if it has none."""
    given = columns.written(cells.get(plan.columns.get("id", "id")))
    return str(given if plan.own_ids else place(plan.namespace, given))


def fields(plan: ImportPlan, cells: dict[str, Any], commas: Collection[str]) -> dict[str, Any]:
    """Return what customers are told: all columns but those that are told otherwise or not at all.

    An empty cell is told ("none on record") if its column means something.
    """
    meant = {plan.columns[role] for role in RecordKind.ROLES if role in plan.columns}
    hidden = {plan.columns.get(role) for role in OF_RECORD if role != "id"}
    if "title" not in plan.columns:
        hidden.add(plan.columns["id"])  # The title holds it.
    hidden = (hidden - meant) | set(plan.left_out)
    kept = {name: value for name, value in cells.items() if name not in hidden}
    told = {name: field(plan, name, value, name in commas) for name, value in kept.items()}
    return {name: value for name, value in told.items() if value is not None or name in meant}


def field(plan: ImportPlan, name: str, value: Any, has_commas: bool) -> Any:
    if isinstance(value, bool | dict | list):
        return value
    text = columns.written(value)
    if has_commas and isinstance(value, str) and name != plan.columns.get("id"):
        text = amounts.with_decimal_point(text)
    if (currency := IN_CURRENCY.search(name)) and (amount := amounts.parsed(text)):
        return text if amount[1] else f"{text} {currency[1]}"
    if not isinstance(value, str) or name == plan.columns.get("id"):
        return value
    return dates.iso(text, plan.day_first) or text or None


def changed_at(plan: ImportPlan, cells: dict[str, Any], at: datetime) -> str:
    name = plan.columns.get("updated_at")
    text = columns.written(cells.get(name)) if name else ""
    if not text:
        return at.isoformat()
    if found := dates.iso(text, plan.day_first):
        return found
    raise RecordError(f"the column {name!r} has no date that Attune can read: {text[:60]!r}")
