"""Applies received events, each exactly once.

An event and its effect are committed together: if a worker dies before that, neither has happened
and another worker finds the event still waiting. An event whose worker died is tried again with
fewer others, then alone, and is set aside if that fails too.
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
# Takes the data of changes of one type, and when their event arrived; returns notes for the sender
# of each.
Apply = Callable[[list[dict[str, Any]], datetime], list[Sequence[str]]]
# Events in one statement.
AT_ONCE = 500
# Events in one transaction, by how often they have been tried.
TOGETHER = (100, 10, 1)
BROKEN_OFF = f"All {len(TOGETHER)} tries were interrupted: the worker or the database stopped."


# --- what each type of event does


def upsert(rows: list[dict[str, Any]], at: datetime) -> list[Sequence[str]]:
    parsed = [records.parse(row) for row in rows]
    for record in parsed:
        record.notes = ()  # These were reported when the event arrived.
    records.upsert(parsed, records.ImportReport())
    return [record.notes for record in parsed]


def each(act: Callable[[dict[str, Any], datetime], Sequence[str] | None]) -> Apply:
    def apply(rows: list[dict[str, Any]], at: datetime) -> list[Sequence[str]]:
        return [act(row, at) or () for row in rows]

    return apply


def delete(data: dict[str, Any], at: datetime) -> Sequence[str]:
    notes: list[str] = []
    given = data.get("updated_at") is not None
    when = storable.capped(records.moment(data), at, notes) if given else at
    key = records.own_id(data)
    if (owner := records.optional_text(data, "of_customer", 200)) and lifecycle.is_alias(owner):
        return ()  # The system deletes customers it has merged; the other one has the record now.
    # Some systems report an object property by property, and each property is a record.
    parts = bool(data.get("parts"))
    for id in records.parts_of(key) if parts else [key]:
        notes += records.delete(id, when, keep=parts)
    return notes


def restore(data: dict[str, Any], at: datetime) -> None:
    when = storable.capped(records.moment(data), at, [])
    records.restore(records.own_id(data), when)


def merge(data: dict[str, Any], at: datetime) -> None:
    lifecycle.merge(*(records.required_text(data, name, 200) for name in ("from", "into")))


def erase(data: dict[str, Any], at: datetime) -> None:
    lifecycle.erase(records.required_text(data, "id", 200))


def erase_deleted(data: dict[str, Any], at: datetime) -> None:
    lifecycle.erase_deleted(records.required_text(data, "id", 200))


def complete(data: dict[str, Any], at: datetime) -> None:
    key = records.required_text(data, "idempotency_key", 64)
    if not action_answers.publish(key, action_answers.parse(data)):
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
    """Apply waiting events. New records are found by words and numbers at once, by meaning as soon
    as they are embedded."""
    count = apply_pending()
    if count:
        background.soon(jobs.embed)
    return count


def apply_pending() -> int:
    """Apply all waiting events, oldest first. Returns how many."""
    count = 0
    while applied := apply_some():
        count += applied
    return count


def apply_some() -> int:
    """Apply a batch of new events, then a smaller one of each lot whose worker died: neither kind
    makes the other wait for long."""
    set_aside()
    begun = (begin(tries, most) for tries, most in enumerate(TOGETHER))
    return sum(together(ids) for ids in begun if ids)


def together(ids: list[int]) -> int:
    """Apply events in one transaction. If one of them breaks it, apply each half in its own, down
    to the single event."""
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
    """Lock waiting events, oldest first, without those that another process is applying."""
    rows = InboundEvent.objects.filter(state=State.RECEIVED).order_by("id")
    return rows.select_for_update(skip_locked=True)


@transaction.atomic
def begin(tries: int, most: int) -> list[int]:
    """Count one more try of up to `most` events that have had `tries`, and return their ids. The
    count is committed before the events are tried."""
    ids = [event.id for event in waiting().filter(tries=tries).only("id")[:most]]
    InboundEvent.objects.filter(id__in=ids).update(tries=F("tries") + 1)
    return ids


@transaction.atomic
def set_aside() -> None:
    """Mark as failed the events whose worker died on every try, the last time with nothing else."""
    ids = [event.id for event in waiting().filter(tries__gte=len(TOGETHER)).only("id")]
    InboundEvent.objects.filter(id__in=ids).update(state=State.FAILED, reason=BROKEN_OFF)


def apply_one(id: int) -> None:
    """Apply one event. If it cannot be applied, mark it as failed, with the reason."""
    with transaction.atomic():
        for event in waiting().filter(id=id):
            try:
                with transaction.atomic():
                    carry_out([event])
            except (OperationalError, InterfaceError):
                raise  # Not the event's fault: it goes on waiting, and its tries are counted.
            except Exception as error:
                fail(event, error)


def carry_out(events: list[InboundEvent]) -> None:
    """Carry out the changes in order, neighbouring upserts together. A change that is refused, such
    as a merge into an erased customer, fails its event; the other changes are carried out."""
    changes = [(change, event) for event in events for change in event.changes]
    declined: dict[int, str] = {}
    for type, group in groupby(changes, key=lambda pair: pair[0]["type"]):
        rows = [(change["data"], event) for change, event in group]
        if type == UPSERTED:
            notes_of_rows = TYPES[type]([data for data, _ in rows], rows[0][1].received_at)
            for (_, event), notes in zip(rows, notes_of_rows, strict=True):
                note(event, notes)
            continue
        for data, event in rows:
            try:
                [notes] = TYPES[type]([data], event.received_at)
                note(event, notes)
            except storable.RecordError as error:
                declined[event.id] = f"{type}: {error}"
    end(events, declined)


def note(event: InboundEvent, notes: Sequence[str]) -> None:
    event.reason = "; ".join(filter(None, [event.reason, *notes]))[:LONGEST_REASON]


def end(events: list[InboundEvent], declined: dict[int, str]) -> None:
    """Save the outcome of the events. declined: reasons by event id."""
    for event in events:
        event.state, event.applied_at = State.APPLIED, timezone.now()
        if event.id in declined:
            event.state, event.reason = State.FAILED, declined[event.id][:LONGEST_REASON]
    InboundEvent.objects.bulk_update(events, ["state", "applied_at", "reason"])
    mentions.forget_erased(InboundEvent.objects.filter(id__in=[event.id for event in events]))


def fail(event: InboundEvent, error: Exception) -> None:
    logger.warning("event %s of %s failed: %s", event.event_id, event.source, type(error).__name__)
    # PostgreSQL quotes the row that did not fit on the lines that follow.
    reason = str(error).partition("\n")[0]
    event.state, event.reason = State.FAILED, f"{type(error).__name__}: {reason}"[:LONGEST_REASON]
    event.save(update_fields=["state", "reason"])
    mentions.forget_erased(InboundEvent.objects.filter(id=event.id))


def again(events: Any) -> int:
    """Apply the failed ones of the events again. Returns how many there are."""
    count: int = events.filter(state=State.FAILED).update(state=State.RECEIVED, reason="", tries=0)
    background.soon(apply_inbound)
    return count


def remove(source: Source) -> None:
    """Delete a source and its events, in batches: there may be millions. The records stay."""
    Source.objects.filter(pk=source.pk).update(active=False)
    while ids := list(source.events.values_list("id", flat=True)[:AT_ONCE]):
        InboundEvent.objects.filter(id__in=ids).delete()
    source.delete()
