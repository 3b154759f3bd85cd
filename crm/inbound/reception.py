"""Receives webhooks: verifies, checks and stores each event as it arrived, before it is applied."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from crm import action_answers, dialects, signing
from crm.customers import mentions
from crm.dialects import PayloadError
from crm.ids import namespaces
from crm.inbound.apply import AT_ONCE, TYPES, UPSERTED, apply_inbound
from crm.knowledge import records
from crm.models import InboundEvent, Source
from crm.plumbing import background, storable
from crm.plumbing.threads import in_thread

State = InboundEvent.State
LONGEST_ID, LONGEST_REASON = 200, 500


def event(source: Source, delivery: dialects.IncomingWebhook) -> InboundEvent:
    """Return an unsaved event. Raises SignatureRefused if the signature is wrong; an event that
    its sender got wrong is returned as refused, with the reason."""
    dialect = dialects.dialect(source.dialect)
    check_signature(dialect, delivery, signing.current(source.secrets))
    text = delivery.body.decode(errors="replace").replace("\x00", "\ufffd")
    event = InboundEvent(source=source, event_id=dialects.digest(delivery), body=text)
    body: Any = None
    changes: list[dialects.Change] = []
    try:
        body = dialects.parsed(delivery.body)
        event.event_id = checked_id(dialects.event_id(dialect, body, delivery))
        changes, notes = changes_and_notes(dialect, body, delivery, source.namespace)
        # An event from which the dialect makes no change is stored and does nothing.
        event.type = changes[0].type if changes else "nothing"
        event.changes = [{"type": change.type, "data": change.data} for change in changes]
        event.reason = "; ".join(notes)[:LONGEST_REASON]
    except PayloadError as error:
        event.state, event.reason = State.REFUSED, str(error)[:LONGEST_REASON]
        if body is None and (body := mentions.read(delivery.body)) is None:
            event.body = mentions.UNREADABLE.format(len(delivery.body))
    event.mentioned = {*mentioned(source, delivery, body), *mentions.ids_of(changes)}
    return event


def mentioned(source: Source, delivery: dialects.IncomingWebhook, body: Any) -> set[str]:
    """Return the ids in a body as they are stored, even if the body is refused or does nothing."""
    dialect = dialects.dialect(source.dialect)
    named = map(mentions.as_id, dialects.customers(dialect, body, delivery))
    spelled = (dialects.spelling(dialect, id) for id in (*mentions.ids_in(body), *named))
    placed = (namespaces.place(source.namespace, id) for id in spelled)
    return {id for id in placed if 1 <= len(id) <= mentions.LONGEST}


def preview(dialect: str, mapping: Any, body: bytes, namespace: str = "") -> list[dialects.Change]:
    """Return what an unsigned payload would change, and store nothing. Raises PayloadError if it
    does not fit."""
    delivery = dialects.IncomingWebhook(body, {}, mapping=mapping)
    body_json = dialects.parsed(body)
    return changes_and_notes(dialects.dialect(dialect), body_json, delivery, namespace)[0]


def changes_and_notes(
    dialect: Any, body: Any, delivery: dialects.IncomingWebhook, namespace: str
) -> tuple[list[dialects.Change], list[str]]:
    """Return the changes, confined to the namespace of their source, and notes on them. A change
    that does not fit refuses them all, so that the sender corrects it; if the sender is a system
    that cannot, the other changes are accepted."""
    accepted: list[dialects.Change] = []
    notes: list[str] = []
    refused: list[PayloadError] = []
    for given in dialects.changes(dialect, body, delivery):
        try:
            if isinstance(given, PayloadError):
                raise given
            change = namespaces.placed(namespace, given)
            notes += [f"{given.field}: {given.note}"] if given.note else []
            notes += check(change, delivery.received)
            accepted.append(change)
        except PayloadError as error:
            if not getattr(dialect, "TAKES_PARTS", False):
                raise
            refused.append(error)
    if refused and not accepted:
        raise refused[0]
    return accepted, [*(f"not taken: {error}" for error in refused), *notes]


def check_signature(dialect: Any, delivery: dialects.IncomingWebhook, secrets: list[str]) -> None:
    """Raise SignatureRefused unless one of the secrets fits."""
    failed = set()
    for secret in secrets:
        try:
            dialect.verify(delivery, secret)
        except dialects.Refused as refused:
            failed.add(refused.check)
        else:
            return
    # Faults that the sender can correct without knowing a secret are reported first.
    first = next((part for part in ("headers", "timestamp") if part in failed), "signature")
    raise SignatureRefused(REFUSALS[first])


def checked_id(id: str) -> str:
    if not 1 <= len(id) <= LONGEST_ID:
        raise PayloadError("id", f"must have 1 to {LONGEST_ID} characters")
    return id


def check(change: dialects.Change, came: datetime) -> Sequence[str]:
    """Check a change without the database, and return notes. Also rewrites the row of a record to
    what will be stored."""
    notes: Sequence[str] = ()
    if change.type not in TYPES:
        raise PayloadError("type", f"must be one of {', '.join(TYPES)}, not {change.type!r}")
    needed = {"customer.merged": ("from", "into"), action_answers.COMPLETED: ("idempotency_key",)}
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
        if change.type == action_answers.COMPLETED:
            action_answers.parse(change.data)
        if change.data.get("updated_at") is not None:
            records.moment(change.data)
    except (storable.RecordError, action_answers.AnswerError) as error:
        raise PayloadError(change.field, str(error)) from None
    return [f"{change.field}: {note}" for note in notes]


REFUSALS = {
    "headers": "One of the headers webhook-id, webhook-timestamp, webhook-signature is missing.",
    "signature": "The signature does not match this body and this source's secret.",
    "timestamp": "The time of the request is missing, or more than five minutes off: set the "
    "sender's clock right.",
}


class SignatureRefused(Exception):
    """The sender has not proved its identity; the message says what to check."""


class Reception:
    """Stores events. Those that arrive while others are being written share the next insert."""

    def __init__(self) -> None:
        self.waiting: list[tuple[InboundEvent, asyncio.Future[bool]]] = []
        self.writing: asyncio.Task[None] | None = None

    async def keep(self, event: InboundEvent) -> bool:
        """Store an event. Returns False if an event with this id is stored already."""
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.waiting.append((event, kept))
        if self.writing is None or self.writing.done():
            self.writing = asyncio.create_task(self.write())
        return await kept

    async def write(self) -> None:
        while self.waiting:
            batch, self.waiting = self.waiting[:AT_ONCE], self.waiting[AT_ONCE:]
            try:
                new = await in_thread(insert, [event for event, _ in batch])
            except Exception as error:
                for _, kept in batch:
                    if not kept.done():  # Done: its sender has hung up.
                        kept.set_exception(error)
                continue
            for (_, kept), is_new in zip(batch, new, strict=True):
                if not kept.done():
                    kept.set_result(is_new)


arrivals = Reception()


def insert(events: list[InboundEvent]) -> list[bool]:
    """Store events, and return for each whether it is new. A corrected event replaces a refused one
    with the same id."""
    keys = [(event.source_id, event.event_id) for event in events]
    sources, ids = {source for source, _ in keys}, {id for _, id in keys}
    with transaction.atomic():
        stored = InboundEvent.objects.filter(source__in=sources, event_id__in=ids)
        stored.filter(state=State.REFUSED).delete()
        known = set(stored.values_list("source_id", "event_id"))
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        new = [key not in known and first[key] == place for place, key in enumerate(keys)]
        kept = [event for event, is_new in zip(events, new, strict=True) if is_new]
        InboundEvent.objects.bulk_create(kept, ignore_conflicts=True)
        mentions.keep(kept)
        mentions.forget_erased(stored.filter(state=State.REFUSED))
        background.soon(apply_inbound)
    return new
