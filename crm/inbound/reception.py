"""Receives webhooks: verifies, checks and keeps each event as it came, before it is applied."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from crm import action_answers, adapters, signing
from crm.adapters import PayloadError
from crm.customers import mentions
from crm.ids import namespaces
from crm.inbound.apply import AT_ONCE, TYPES, UPSERTED, apply_inbound
from crm.knowledge import records
from crm.models import InboundEvent, Source
from crm.plumbing import background, storable
from crm.plumbing.threads import in_thread

State = InboundEvent.State
LONGEST_ID, LONGEST_REASON = 200, 500


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
            batch, self.waiting = self.waiting[:AT_ONCE], self.waiting[AT_ONCE:]
            try:
                new = await in_thread(insert, [event for event, _ in batch])
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


arrivals = Reception()


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
        background.soon(apply_inbound)
    return new
