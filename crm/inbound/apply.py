"""Applies the events that were received, exactly once.

An event and its effect are committed together: a worker that dies in between has done neither, and
another finds the event still waiting. One whose worker died is tried with fewer others and then
alone, and set aside where that happens again and again.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from celery import shared_task
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from crm import action_answers
from crm.customers import lifecycle, mentions
from crm.knowledge import jobs, records
from crm.models import InboundEvent, Source
from crm.plumbing import background, storable

logger = logging.getLogger("attune.inbound")
State = InboundEvent.State
LONGEST_REASON = 500
# The data of changes of one type, and when their event came; returns what each one's sender should
# know.
Apply = Callable[[list[dict[str, Any]], datetime], list[Sequence[str]]]
# Events of one statement.
AT_ONCE = 500
# Events of one transaction, by how often they were begun.
TOGETHER = (100, 10, 1)
BROKEN_OFF = f"Each of {len(TOGETHER)} tries was broken off: its worker ended, or the database."


# --- what each type of event does


def upsert(rows: list[dict[str, Any]], at: datetime) -> list[Sequence[str]]:
    found = [records.parse(row) for row in rows]
    for record in found:
        record.notes = ()  # Said when it came.
    records.upsert(found, records.ImportReport())
    return [record.notes for record in found]


def each(act: Callable[[dict[str, Any], datetime], Sequence[str] | None]) -> Apply:
    def apply(rows: list[dict[str, Any]], at: datetime) -> list[Sequence[str]]:
        return [act(row, at) or () for row in rows]

    return apply


def delete(data: dict[str, Any], at: datetime) -> Sequence[str]:
    notes: list[str] = []
    given = data.get("updated_at") is not None
    when = storable.capped(records.moment(data), at, notes) if given else at
    key = records.required_text(data, "id", 200)
    if (owner := records.optional_text(data, "of_customer", 200)) and lifecycle.is_alias(owner):
        return ()  # The system deletes whom it has merged; the record has gone on as another's.
    # Some systems tell of an object property by property, and each is a record.
    parts = bool(data.get("parts"))
    for one in records.parts_of(key) if parts else [key]:
        notes += records.delete(one, when, keep=parts)
    return notes


def restore(data: dict[str, Any], at: datetime) -> None:
    when = storable.capped(records.moment(data), at, [])
    records.restore(records.required_text(data, "id", 200), when)


def merge(data: dict[str, Any], at: datetime) -> None:
    lifecycle.merge(*(records.required_text(data, name, 200) for name in ("from", "into")))


def erase(data: dict[str, Any], at: datetime) -> None:
    lifecycle.erase(records.required_text(data, "id", 200))


def erase_deleted(data: dict[str, Any], at: datetime) -> None:
    lifecycle.erase_deleted(records.required_text(data, "id", 200))


def complete(data: dict[str, Any], at: datetime) -> None:
    key = records.required_text(data, "idempotency_key", 64)
    if not action_answers.tell(key, action_answers.parse(data)):
        raise storable.RecordError(f"no request has the idempotency_key {key!r}")


UPSERTED = "record.upserted"
TYPES: dict[str, Apply] = {
    UPSERTED: upsert,
    "record.deleted": each(delete),
    "record.restored": each(restore),
    "customer.merged": each(merge),
    "customer.erased": each(erase),
    "customer.deleted": each(erase_deleted),
    action_answers.COMPLETED: each(complete),
}


# --- application


@shared_task(name="crm.tasks.apply_inbound")
def apply_inbound() -> int:
    """Apply what the CRM sent. New records are found by words and numbers at once; by meaning,
    once they are embedded."""
    count = apply_pending()
    if count:
        background.soon(jobs.embed)
    return count


def apply_pending() -> int:
    """All that wait, oldest first. Returns how many were applied."""
    count = 0
    while applied := apply_some():
        count += applied
    return count


def apply_some() -> int:
    """Some that were never tried, then fewer of those whose worker died of one of them: these are
    not put off for long, and put off the others for no longer than they take."""
    set_aside()
    begun = (begin(tries, most) for tries, most in enumerate(TOGETHER))
    return sum(together(ids) for ids in begun if ids)


def together(ids: list[int]) -> int:
    """In one transaction; where one spoils it, each half in its own, down to that one."""
    try:
        with transaction.atomic():
            carry_out(list(waiting().filter(id__in=ids)))
    except Exception:
        if len(ids) == 1:
            apply_one(ids[0])
        else:
            half = len(ids) // 2
            together(ids[:half])
            together(ids[half:])
    return len(ids)


def waiting() -> QuerySet[InboundEvent]:
    """Locked, oldest first; those that another process is applying are left to it."""
    rows = InboundEvent.objects.filter(state=State.RECEIVED).order_by("id")
    return rows.select_for_update(skip_locked=True)


@transaction.atomic
def begin(tries: int, most: int) -> list[int]:
    """Ids of some that were begun so often. Counted, and committed, before they are tried again."""
    ids = [one.id for one in waiting().filter(tries=tries).only("id")[:most]]
    InboundEvent.objects.filter(id__in=ids).update(tries=F("tries") + 1)
    return ids


@transaction.atomic
def set_aside() -> None:
    """Those under which the worker died each time, at last alone."""
    ids = [one.id for one in waiting().filter(tries__gte=len(TOGETHER)).only("id")]
    InboundEvent.objects.filter(id__in=ids).update(state=State.FAILED, reason=BROKEN_OFF)


def apply_one(id: int) -> None:
    """One that cannot be applied is kept as failed, with its reason."""
    with transaction.atomic():
        for one in waiting().filter(id=id):
            try:
                with transaction.atomic():
                    carry_out([one])
            except (OperationalError, InterfaceError):
                raise  # Not the event's fault: it is still waiting, and its tries are counted.
            except Exception as error:
                fail(one, error)


def carry_out(events: list[InboundEvent]) -> None:
    """In their order; neighbouring upserts together. A change that is declined, such as a merge
    with somebody who was erased, is told on its event, and the others are carried out."""
    changes = [(change, one) for one in events for change in one.changes]
    declined: dict[int, str] = {}
    for type, group in groupby(changes, key=lambda pair: pair[0]["type"]):
        rows = [(change["data"], one) for change, one in group]
        if type == UPSERTED:
            told = TYPES[type]([data for data, _ in rows], rows[0][1].received_at)
            for (_, one), notes in zip(rows, told, strict=True):
                note(one, notes)
            continue
        for data, one in rows:
            try:
                [notes] = TYPES[type]([data], one.received_at)
                note(one, notes)
            except storable.RecordError as error:
                declined[one.id] = f"{type}: {error}"
    end(events, declined)


def note(one: InboundEvent, notes: Sequence[str]) -> None:
    one.reason = "; ".join(filter(None, [one.reason, *notes]))[:LONGEST_REASON]


def end(events: list[InboundEvent], declined: dict[int, str]) -> None:
    """declined: reasons by the ids of their events."""
    for one in events:
        one.state, one.applied_at = State.APPLIED, timezone.now()
        if one.id in declined:
            one.state, one.reason = State.FAILED, declined[one.id][:LONGEST_REASON]
    InboundEvent.objects.bulk_update(events, ["state", "applied_at", "reason"])
    mentions.forget_erased(InboundEvent.objects.filter(id__in=[one.id for one in events]))


def fail(one: InboundEvent, error: Exception) -> None:
    logger.warning("event %s of %s failed: %s", one.event_id, one.source, type(error).__name__)
    # PostgreSQL goes on, on lines of its own, with the row that did not fit.
    told = str(error).partition("\n")[0]
    one.state, one.reason = State.FAILED, f"{type(error).__name__}: {told}"[:LONGEST_REASON]
    one.save(update_fields=["state", "reason"])
    mentions.forget_erased(InboundEvent.objects.filter(id=one.id))


def again(events: Any) -> int:
    """Apply failed ones again, as far as they can be."""
    count: int = events.filter(state=State.FAILED).update(state=State.RECEIVED, reason="", tries=0)
    background.soon(apply_inbound)
    return count


def remove(source: Source) -> None:
    """With its events, some at a time: there may be millions. What they told of stays."""
    Source.objects.filter(pk=source.pk).update(active=False)
    while ids := list(source.events.values_list("id", flat=True)[:AT_ONCE]):
        InboundEvent.objects.filter(id__in=ids).delete()
    source.delete()
