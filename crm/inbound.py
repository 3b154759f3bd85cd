"""Webhooks in: kept as they came, answered at once, applied in the background, exactly once.

An event and its effect are committed together: a worker that dies in between has done neither, and
another finds the event still waiting. One whose worker died is tried with fewer others and then
alone, and set aside where that happens again and again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from crm import (
    adapters,
    answers,
    background,
    mentions,
    namespaces,
    people,
    records,
    signing,
    storable,
)
from crm.adapters import PayloadError
from crm.models import InboundEvent, Source
from crm.orm import in_thread

logger = logging.getLogger("attune.inbound")
State = InboundEvent.State
LONGEST_ID, LONGEST_REASON = 200, 500
# The data of changes of one type, and when their event came; returns what each one's sender should
# know.
Apply = Callable[[list[dict[str, Any]], datetime], list[Sequence[str]]]
# Events of one insert; and of one transaction that applies them, by how often they were begun.
STORED, TOGETHER = 500, (100, 10, 1)
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
    if (owner := records.optional_text(data, "of_customer", 200)) and people.is_alias(owner):
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
    people.merge(*(records.required_text(data, name, 200) for name in ("from", "into")))


def erase(data: dict[str, Any], at: datetime) -> None:
    people.erase(records.required_text(data, "id", 200))


def erase_deleted(data: dict[str, Any], at: datetime) -> None:
    people.erase_deleted(records.required_text(data, "id", 200))


def complete(data: dict[str, Any], at: datetime) -> None:
    key = records.required_text(data, "idempotency_key", 64)
    if not answers.tell(key, answers.parse(data)):
        raise records.RecordError(f"no request has the idempotency_key {key!r}")


UPSERTED = "record.upserted"
TYPES: dict[str, Apply] = {
    UPSERTED: upsert,
    "record.deleted": each(delete),
    "record.restored": each(restore),
    "customer.merged": each(merge),
    "customer.erased": each(erase),
    "customer.deleted": each(erase_deleted),
    answers.COMPLETED: each(complete),
}


# --- reception


def event(source: Source, delivery: adapters.Delivery) -> InboundEvent:
    """Unsaved. SignatureRefused where nobody vouches for it; what its sender has to mend makes it a
    refused one, with the reason."""
    speaks = adapters.dialect(source.dialect)
    vouched(speaks, delivery, signing.current(source.secrets))
    text = delivery.body.decode(errors="replace").replace("\x00", "\ufffd")
    found = InboundEvent(source=source, event_id=adapters.digest(delivery), body=text)
    body: Any = None
    changes: list[adapters.Change] = []
    try:
        body = adapters.parsed(delivery.body)
        found.event_id = checked_id(adapters.event_id(speaks, body, delivery))
        changes, notes = understood(speaks, body, delivery, source.namespace)
        # What a dialect has nothing to say of is kept, and does nothing.
        found.type = changes[0].type if changes else "nothing"
        found.changes = [{"type": one.type, "data": one.data} for one in changes]
        found.reason = "; ".join(notes)[:LONGEST_REASON]
    except PayloadError as error:
        found.state, found.reason = State.REFUSED, str(error)[:LONGEST_REASON]
        if body is None and (body := mentions.read(delivery.body)) is None:
            found.body = mentions.UNREADABLE.format(len(delivery.body))
    found.mentioned = {*mentioned(source, delivery, body), *mentions.ids_of(changes)}
    return found


def mentioned(source: Source, delivery: adapters.Delivery, body: Any) -> set[str]:
    """The ids in a body, as they are kept; of a refused or a dropped one too."""
    speaks = adapters.dialect(source.dialect)
    named = map(mentions.as_id, adapters.customers(speaks, body, delivery))
    spelled = (adapters.spelling(speaks, id) for id in (*mentions.ids_in(body), *named))
    placed = (namespaces.place(source.namespace, id) for id in spelled)
    return {id for id in placed if 1 <= len(id) <= mentions.LONGEST}


def preview(dialect: str, mapping: Any, body: bytes, namespace: str = "") -> list[adapters.Change]:
    """What a payload would change, were it signed; PayloadError where it does not fit. Nothing is
    kept."""
    speaks = adapters.dialect(dialect)
    delivery = adapters.Delivery(body, {}, mapping=mapping)
    return understood(speaks, adapters.parsed(body), delivery, namespace)[0]


def understood(
    speaks: Any, body: Any, delivery: adapters.Delivery, namespace: str
) -> tuple[list[adapters.Change], list[str]]:
    """The changes, in the namespace of their source and nowhere else, and what is to be said of
    them. One that does not fit refuses them all, so that its sender mends it; where the sender is a
    system that cannot, the others are taken."""
    taken: list[adapters.Change] = []
    notes: list[str] = []
    refused: list[PayloadError] = []
    for one in adapters.changes(speaks, body, delivery):
        try:
            if isinstance(one, PayloadError):
                raise one
            change = namespaces.placed(namespace, one)
            notes += [f"{one.field}: {one.note}"] if one.note else []
            notes += check(change, delivery.received)
            taken.append(change)
        except PayloadError as error:
            if not getattr(speaks, "TAKES_PARTS", False):
                raise
            refused.append(error)
    if refused and not taken:
        raise refused[0]
    return taken, [*(f"not taken: {error}" for error in refused), *notes]


def vouched(speaks: Any, delivery: adapters.Delivery, secrets: list[str]) -> None:
    """By one of the secrets."""
    failed = set()
    for secret in secrets:
        try:
            speaks.verify(delivery, secret)
        except adapters.Refused as refused:
            failed.add(refused.check)
        else:
            return
    # What the sender can mend without knowing a secret is said first.
    first = next((one for one in ("headers", "timestamp") if one in failed), "signature")
    raise SignatureRefused(REFUSALS[first])


def checked_id(id: str) -> str:
    if not 1 <= len(id) <= LONGEST_ID:
        raise PayloadError("id", f"must have 1 to {LONGEST_ID} characters")
    return id


def check(change: adapters.Change, came: datetime) -> Sequence[str]:
    """What can be said without looking into the database. A record's row is from now on as it will
    be stored."""
    notes: Sequence[str] = ()
    if change.type not in TYPES:
        raise PayloadError("type", f"must be one of {', '.join(TYPES)}, not {change.type!r}")
    needed = {"customer.merged": ("from", "into"), answers.COMPLETED: ("idempotency_key",)}
    try:
        if change.type == UPSERTED:
            record = records.parse(change.data, came)
            change.data.update(
                {name: getattr(record, name) for name in ("title", "text", "fields")},
                updated_at=record.updated_at.isoformat(),
            )
            notes = record.notes
        for name in needed.get(change.type, ("id",)):
            records.required_text(change.data, name, 200)
        if change.type == answers.COMPLETED:
            answers.parse(change.data)
        if change.data.get("updated_at") is not None:
            records.moment(change.data)
    except (records.RecordError, answers.AnswerError) as error:
        raise PayloadError(change.field, str(error)) from None
    return [f"{change.field}: {note}" for note in notes]


REFUSALS = {
    "headers": "One of the headers webhook-id, webhook-timestamp, webhook-signature is missing.",
    "signature": "The signature does not fit these bytes and this source's secret.",
    "timestamp": "The time of the request is missing, or more than five minutes off: set the "
    "sender's clock right.",
}


class SignatureRefused(Exception):
    """The sender has not shown who it is; the message says what to look at."""


class Reception:
    """Keeps events. Those that come while others are written share the next insert."""

    def __init__(self) -> None:
        self.waiting: list[tuple[InboundEvent, asyncio.Future[bool]]] = []
        self.writing: asyncio.Task[None] | None = None

    async def keep(self, event: InboundEvent) -> bool:
        """False: an event with this id is here already."""
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.waiting.append((event, kept))
        if self.writing is None or self.writing.done():
            self.writing = asyncio.create_task(self.write())
        return await kept

    async def write(self) -> None:
        while self.waiting:
            batch, self.waiting = self.waiting[:STORED], self.waiting[STORED:]
            try:
                new = await in_thread(insert)([event for event, _ in batch])
            except Exception as error:
                for kept in waiting_still(batch):
                    kept.set_exception(error)
                continue
            for (_, kept), is_new in zip(batch, new, strict=True):
                if not kept.done():
                    kept.set_result(is_new)


def waiting_still(batch: list[tuple[Any, asyncio.Future[bool]]]) -> list[asyncio.Future[bool]]:
    """Without those whose sender has hung up."""
    return [kept for _, kept in batch if not kept.done()]


reception = Reception()


def insert(events: list[InboundEvent]) -> list[bool]:
    """For each, whether it was not here before. A refused one may be sent again, mended."""
    keys = [(event.source_id, event.event_id) for event in events]
    sources, ids = {source for source, _ in keys}, {id for _, id in keys}
    with transaction.atomic():
        there = InboundEvent.objects.filter(source__in=sources, event_id__in=ids)
        there.filter(state=State.REFUSED).delete()
        known = set(there.values_list("source_id", "event_id"))
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        new = [key not in known and first[key] == place for place, key in enumerate(keys)]
        kept = [event for event, is_new in zip(events, new, strict=True) if is_new]
        InboundEvent.objects.bulk_create(kept, ignore_conflicts=True)
        mentions.keep(kept)
        mentions.forget_erased(there.filter(state=State.REFUSED))
        background.soon(apply_task())
    return new


def apply_task() -> Any:
    from crm.tasks import apply_inbound

    return apply_inbound


# --- application


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
            except records.RecordError as error:
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
    background.soon(apply_task())
    return count


def remove(source: Source) -> None:
    """With its events, some at a time: there may be millions. What they told of stays."""
    Source.objects.filter(pk=source.pk).update(active=False)
    while ids := list(source.events.values_list("id", flat=True)[:STORED]):
        InboundEvent.objects.filter(id__in=ids).delete()
    source.delete()
