"""The course of an import: it is started, read, perhaps asks for choices, stores, and ends."""

import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from celery import shared_task
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from crm.articles import editing
from crm.importing import files, formats, leases, mapping, plans, reading
from crm.importing.formats import Unreadable
from crm.importing.leases import Cancelled, Held, Lost
from crm.knowledge import jobs, records
from crm.knowledge.indexing import batched
from crm.models import Import, ImportPlan, Record
from crm.plumbing import background
from crm.plumbing.storable import RecordError

logger = logging.getLogger("attune.importing")
State = Import.State
# An import that no worker has taken for so long was lost on its way to one.
LOST = timedelta(minutes=1)
# Older than the time that is stored by this, a record is newer.
TICK = timedelta(microseconds=1)
# Seconds between looks at what another worker does.
PAUSE = 0.5
BROKEN = "Attune could not finish this import. See its log; the rows so far are stored."


def start(
    name: str,
    file: str,
    plan: ImportPlan | None = None,
    by: User | None = None,
    new: bool = False,
) -> Import:
    """Begin to import a file that is in the storage.

    new: ask for the choices even if a saved plan fits.
    """
    run = Import.objects.create(
        name=name[:300], file=file, plan=plan, by=by,
        preview={"new": True} if new else {},
    )  # fmt: skip
    background.slowly(work_on_import, run.pk)
    return run


def finish(run: Import) -> list[Import]:
    """Work on an import and on the other tables of its file until each has ended or asks."""
    busy = Import.objects.filter(file=run.file, state__in=[State.READING, State.RUNNING])
    while ids := list(busy.values_list("pk", flat=True)):
        for id in ids:
            work_on_import(id)
        if busy.filter(pk__in=ids, lease_until__gt=timezone.now()).exists():
            time.sleep(PAUSE)  # Another worker was faster.
    return list(Import.objects.filter(file=run.file).order_by("pk"))


def begin(run: Import, plan: ImportPlan) -> bool:
    """Start to store with this plan, once the choices are made. Tells whether it was waiting.

    If it is not known yet what the plan would remove, the file is read for that first.
    """
    removes = run.preview.get("removes", 0)
    by = run.preview.get("removes_by") == plan.columns.get("id", "")
    state = State.READING if plan.remove_missing and not by else State.RUNNING
    preview = run.preview | {"asks": [], "confirmed": removes if by else 0}
    waiting = Import.objects.filter(pk=run.pk, state=State.ASKING)
    if not waiting.update(state=state, plan=plan, preview=preview):
        return False
    background.slowly(work_on_import, run.pk)
    return True


def cancel(run: Import, reason: str = "") -> None:
    """End the import; a worker that is busy with it ends after its batch. Stored rows stay."""
    unfinished = Import.objects.filter(pk=run.pk, finished_at=None)
    unfinished.update(cancel=True, reason=reason)
    unfinished.filter(background.free()).update(state=State.CANCELLED, finished_at=timezone.now())
    leases.forget_content(run.pk)


@shared_task(name="crm.tasks.work_on_import")
def work_on_import(id: int) -> None:
    """Do what this import waits for, unless another worker does."""
    if (held := leases.claim(id)) is None:
        return
    try:
        if held.run.state == State.READING:
            reading.read(held)
            look_after_parts(held.run)
            if held.run.state == State.RUNNING:
                work_on_import(id)
        else:
            store(held)
    except Lost:
        pass
    except Cancelled as error:
        held.end(State.CANCELLED, str(error))
    except Unreadable as error:
        held.end(State.FAILED, str(error))
    except FileNotFoundError:
        held.end(State.FAILED, "The file is no longer there. Please upload it again.")
    except (OperationalError, InterfaceError):
        raise  # The database is away: another worker goes on when the lease has ended.
    except Exception:
        logger.exception("import %s failed", id)
        held.end(State.FAILED, BROKEN)


def look_after_parts(run: Import) -> None:
    """Start the other tables of a file that was just split."""
    for part in Import.objects.filter(file=run.file, state=State.READING, lease_until=None):
        background.slowly(work_on_import, part.pk)


def waiting() -> list[int]:
    """Return the imports whose worker has died, or that never reached one."""
    now = timezone.now()
    lost = Q(lease_until=None, at__lt=now - LOST) | Q(lease_until__lt=now)
    rows = Import.objects.filter(lost, state__in=[State.READING, State.RUNNING])
    return list(rows.values_list("pk", flat=True))


# --- storing


def store(held: Held) -> None:
    run, plan = held.run, held.run.plan
    if plan is None:
        held.end(State.FAILED, "Its import plan was deleted. Please upload the file again.")
        return
    found = (store_table if "table" in run.preview else store_documents)(held, plan)
    if plan.remove_missing:
        remove_missing(held, plan, found)
    held.step(counts=run.counts, errors=run.errors)
    held.end(State.DONE)
    background.slowly(jobs.refresh_index)


def store_table(held: Held, plan: ImportPlan) -> set[str]:
    """Store the rows from the first that is not stored yet. Returns the ids of all."""
    run, found = held.run, set[str]()
    held.step()
    rows = converted(plan, run, found)
    for _ in islice(rows, run.done):
        pass
    while batch := list(islice(rows, records.BATCH)):
        report = records.ImportReport()
        with transaction.atomic():
            accepted = [record for _, record in records.accepted(batch, report)]
            settle(accepted)
            if "kind" in plan.columns:
                plans.meet(plan, {record.kind for record in accepted})
            records.upsert(accepted, report)
            for number, why in report.errors:
                held.fault(f"row {number}", why)
            for word in ("created", "updated", "unchanged", "stale"):
                held.count(word, getattr(report, word))
            held.step(done=run.done + len(batch), counts=run.counts, errors=run.errors)
    return found


def converted(plan: ImportPlan, run: Import, found: set[str]) -> Iterator[tuple[int, Any]]:
    """Yield the number of each row with the record or what is wrong with the row. Adds the ids to
    `found`."""
    commas = run.preview.get("decimal_commas", ())
    for number, row in reading.rows_of(run):
        try:
            if isinstance(row, Unreadable):
                raise RecordError(str(row))
            record = mapping.record_row(plan, row, run.at, commas)
            if plan.columns and record["id"] in found:
                raise RecordError(f"an earlier row has the same id {record['id']!r}")
            found.add(str(record["id"]))
            yield number, record
        except RecordError as error:
            yield number, error


def settle(accepted: list[Record]) -> None:
    """Keep the time of what has not changed, so that it counts as unchanged; and let a record that
    was removed come back."""
    stored = Record.objects.in_bulk([record.id for record in accepted])
    for record in accepted:
        if (old := stored.get(record.id)) is None:
            continue
        if old.deleted:
            record.updated_at = max(record.updated_at, old.updated_at + TICK)
        elif records.state(record) == records.state(old):
            record.updated_at = old.updated_at


def store_documents(held: Held, plan: ImportPlan) -> set[str]:
    run, found = held.run, set[str]()
    contents = formats.read(files.path_of(run), run.name)
    for number, document in enumerate(contents.documents, start=1):
        source = plans.source_of(plan, document.name)
        found.add(source)
        if number <= run.done:
            continue
        with transaction.atomic():
            word = editing.take(
                source, document.title, document.body,
                note=f"imported from {run.name}"[:300], publish=plan.publish,
            )  # fmt: skip
            held.count(word)
            if word == "edited here":
                held.note(document.name, "Somebody has edited this article here, so it stays.")
            held.step(done=number, counts=run.counts, errors=run.errors)
    return found


# --- removing


def remove_missing(held: Held, plan: ImportPlan, found: set[str]) -> None:
    """Remove what the file no longer has, if the file is whole and not too much would go."""
    run = held.run
    is_table = "table" in run.preview
    known = plans.known_ids(plan, is_table)
    missing = sorted(known - found)
    if not missing:
        return
    if why := objection(run, len(missing), len(known)):
        held.fault("removal", f"Nothing was removed: {why}")
        return
    for batch in batched(missing, records.BATCH):
        with transaction.atomic():
            held.count("removed", removed(batch, is_table))
            held.step(counts=run.counts)


def remove_all(plan: ImportPlan) -> int:
    """Remove everything that was imported with the plan. Returns how much that was."""
    return sum(
        removed(batch, of_table)
        for of_table in (True, False)
        for batch in batched(sorted(plans.known_ids(plan, of_table)), records.BATCH)
    )


def removed(ids: list[str], of_table: bool) -> int:
    """Remove records by their ids, or articles by their sources. Returns how many."""
    if not of_table:
        return sum(map(editing.withdraw, ids))
    remove_records(ids)
    return len(ids)


def objection(run: Import, missing: int, known: int) -> str:
    """Return why nothing may be removed, "" if it may."""
    if run.counts.get("errors"):
        return "some rows or files could not be read. Correct them, and import the file again."
    if not run.preview.get("alone"):
        return "the file holds several tables. Import each table as a separate file."
    if 2 * missing > known and missing > run.preview.get("confirmed", 0):
        return (
            f"{missing} of {known} are missing from the file, which is more than half. If that is "
            "right, upload the file by hand and confirm the number."
        )
    return ""


def remove_records(ids: list[str]) -> None:
    """Mark records as deleted as of their own last change: a later file may bring them back."""
    rows = []
    for old in Record.objects.filter(id__in=ids):
        row = Record(
            id=old.id, kind=old.kind, customer_id=old.customer_id, title=old.title,
            updated_at=old.updated_at + TICK, deleted=True,
        )  # fmt: skip
        row.states = [records.state(row)]
        rows.append(row)
    records.upsert(rows, records.ImportReport())
