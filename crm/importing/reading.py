"""Reads an uploaded file: finds its tables and documents, guesses what columns mean, and decides
whether anything has to be asked before the import."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from crm.importing import columns, files, formats, guesses, leases, mapping, plans, samples
from crm.importing.formats import Contents, Table, Unreadable
from crm.importing.leases import Held
from crm.models import Import, ImportPlan

State = Import.State
# Titles of documents that are shown.
SHOWN = 200
SENT = "Choose files of tables (CSV, Excel, JSON lines) or of texts (Markdown, HTML, Word, PDF)."


def read(held: Held) -> None:
    """Read the file. Afterwards the import waits for choices, or runs. Raises Unreadable."""
    if "part" not in held.run.preview:
        split(held, formats.read(files.path_of(held.run), held.run.name))
    run = held.run
    if "table" in run.preview:
        look_through(held)
    run.plan = run.plan or plan_for(run)
    asks = questions(held, run.plan)
    held.step(preview=run.preview | {"asks": asks}, plan=run.plan)
    held.end(State.ASKING if asks or run.plan is None else State.RUNNING)


@transaction.atomic
def split(held: Held, contents: Contents) -> None:
    """Make an import of each table, and one of all documents: they need choices of their own."""
    run = held.run
    parts = [table_part(run.name, table) for table in contents.tables]
    if documents := contents.documents:
        titles = [document.title for document in documents]
        preview = {"part": "documents", "documents": titles[:SHOWN]}
        parts.append((run.name, len(documents), preview))
    if not parts:
        told = " ".join(f"{place}: {why}" for place, why in contents.errors[:3])
        raise Unreadable(told or f"Nothing was found in {run.name}. {SENT}")
    run.name, total, preview = parts[0]
    for place, sentence in contents.errors:
        held.fault(place, sentence)
    both = run.preview | {"alone": len(contents.tables) < 2}
    run.preview = both | preview
    held.step(
        leases.READING, name=run.name, total=total, preview=run.preview, errors=run.errors,
        counts=run.counts,
    )  # fmt: skip
    for name, total, preview in parts[1:]:
        Import.objects.create(
            plan=run.plan, by=run.by, file=run.file,
            name=name, total=total, preview=both | preview,
        )  # fmt: skip


def table_part(file: str, table: Table) -> tuple[str, int, dict[str, Any]]:
    name = table.name if table.name.startswith(file) else f"{file}: {table.name}"
    preview = {
        "part": "table",
        "file": file,
        "table": table.name,
        "columns": table.columns,
        "rows": table.first[: samples.SHOWN],
    }
    return name[:300], table.count, preview


def rows_of(run: Import) -> Iterable[Any]:
    return formats.rows(files.path_of(run), run.preview["file"], run.preview["table"])


def look_through(held: Held) -> None:
    """Look at the values of the columns, and guess what they mean."""
    preview = held.run.preview
    found = columns.looked_through(preview["columns"], rows_of(held.run))
    kind = guesses.kind(preview["table"])
    chosen = guesses.roles(found, kind)
    few = [column.name for column in found if column.few]
    day_first = columns.day_first(found)
    held.run.preview = preview | {
        "own_form": mapping.is_own_form(preview["table"], preview["columns"]),
        "unique": [column.name for column in found if column.unique],
        "ambiguous": columns.is_ambiguous(found),
        "day_first": day_first,
        "decimal_commas": columns.with_decimal_commas(found),
        "kind": kind,
        "guessed": chosen,
        "left_out": guesses.left_out(found, chosen.values()),
        "few": few,
        "rows": samples.kept(rows_of(held.run), few, chosen, day_first),
    }


def plan_for(run: Import) -> ImportPlan | None:
    """Return the saved plan that fits, unless somebody wants to make a new one."""
    if run.preview.get("new") or "table" not in run.preview:
        return None
    return plans.matching(run.preview["columns"])


def questions(held: Held, plan: ImportPlan | None) -> list[str]:
    """Return sentences about what somebody has to look at first."""
    if plan is None:
        return []
    preview = held.run.preview
    asks = []
    if "table" in preview and not mapping.fits(plan, preview["columns"]):
        asks.append(difference(plan, preview["columns"]))
    elif preview.get("ambiguous") and plan.day_first is None:
        asks.append("Some dates can begin with the day or with the month. Choose which.")
    if plan.remove_missing and not asks and (sentence := removal(held, plan)):
        asks.append(sentence)
    return asks


def difference(plan: ImportPlan, names: list[str]) -> str:
    if not plan.heads:
        return f"The import plan “{plan}” has no choices for this table yet."
    new = [name for name in names if name not in plan.heads]
    missing = [name for name in plan.heads if name not in names]
    parts = [f"It has new columns: {', '.join(new)}."] if new else []
    parts += [f"These columns are missing: {', '.join(missing)}."] if missing else []
    return " ".join([f"The columns differ from those of the import plan “{plan}”.", *parts])


def removal(held: Held, plan: ImportPlan) -> str:
    """Return a sentence if records or articles would be removed: a person is told of any, and
    nobody else may let more than half of them go."""
    run = held.run
    known = plans.known_ids(plan, "table" in run.preview)
    missing = known - named(held, plan) if known else set()
    run.preview["removes"] = len(missing)
    run.preview["removes_by"] = plan.columns.get("id", "")
    if not missing or (run.by_id is None and 2 * len(missing) <= len(known)):
        return ""
    return (
        f"“{plan}” has imported {len(known)} before. {len(missing)} of them are missing from "
        "this file and would be removed."
    )


def named(held: Held, plan: ImportPlan) -> set[str]:
    """Return the ids that the file holds. This reads all of it."""
    run = held.run
    if "table" not in run.preview:
        contents = formats.read(files.path_of(run), run.name)
        return {plans.source_of(plan, document.name) for document in contents.documents}
    found = set()
    for number, (_, row) in enumerate(rows_of(run), start=1):
        if not isinstance(row, Unreadable):
            found.add(mapping.record_id(plan, row))
        if number % leases.STEP == 0:
            held.step()
    return found
