"""Forgetting: personal data out of old conversations, older ones deleted, a person erased."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from auditlog.context import disable_auditlog
from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from chatbot.models import Conversation, DeletedCount, Erasure, Message, Summary, Visitor
from chatbot.models.crm_actions import WRITTEN
from chatbot.privacy import webhook_bodies
from chatbot.privacy.known import known_of
from chatbot.privacy.redaction import redact
from crm.customers import lifecycle, mentions
from crm.ids.aliases import all_ids
from crm.models import Customer, InboundEvent, Record
from crm.outbound import outbox

# Conversations of one transaction.
BATCH = 100
GONE = "[redacted]"


def forget(dry: bool = False) -> dict[str, int]:
    """What the settings ask for: {"redacted", "deleted"}, in conversations, and {"emptied"}, in
    webhooks. dry: only counted."""
    redacting = old(settings.REDACT_AFTER_DAYS).filter(redacted_at=None)
    deleting = old(settings.DELETE_AFTER_DAYS)
    days = [one for one in (settings.REDACT_AFTER_DAYS, settings.DELETE_AFTER_DAYS) if one]
    if dry:
        emptied = webhook_bodies.old_webhooks(min(days)).count() if days else 0
        return {"redacted": redacting.count(), "deleted": deleting.count(), "emptied": emptied}
    deleted = sum(each(deleting, delete_conversation))
    redacted = sum(each(redacting, redact_conversation))
    emptied = mentions.empty(webhook_bodies.old_webhooks(min(days))) if days else 0
    # One that was being written while somebody was erased.
    emptied += mentions.forget_erased(InboundEvent.objects.all())
    return {"redacted": redacted, "deleted": deleted, "emptied": emptied}


def old(days: int) -> QuerySet[Conversation]:
    """Open ones too: nobody has written for so long."""
    if not days:
        return Conversation.objects.none()
    return Conversation.objects.filter(last_message_at__lt=timezone.now() - timedelta(days=days))


def each(found: QuerySet[Conversation], act: Callable[[Conversation], None]) -> Iterator[int]:
    while ids := list(found.order_by("id").values_list("id", flat=True)[:BATCH]):
        with transaction.atomic():
            people = Conversation.objects.select_for_update(of=("self",))
            related = people.select_related("visitor__customer", "visitor__inbox")
            for conversation in related.filter(id__in=ids):
                act(conversation)
            outbox.erase(map(str, ids))
        yield len(ids)


def redact_conversation(conversation: Conversation) -> None:
    """Irreversible: names, numbers and addresses out of whatever people wrote."""
    known = [*known_of(conversation.visitor.customer), *typed(conversation)]
    for message in conversation.messages.all():
        message.text = redact(message.text, known) or GONE
        message.citations = message.attachments = []
        message.save(update_fields=["text", "citations", "attachments"])
    # Nobody can take personal data out of a file.
    conversation.attachments.all().delete()
    # What the model was shown, and what it said, holds the records' words.
    conversation.replies.update(passages=[], withheld=[], error="", reason="")
    conversation.notes.update(text=GONE)
    conversation.requests.update(values=[], answer="")
    Summary.objects.filter(conversation=conversation).update(problem=GONE, tried="", question="")
    conversation.redacted_at = timezone.now()
    conversation.alert_quote = conversation.handoff_quote = ""
    conversation.csat_comment = redact(conversation.csat_comment, known)
    conversation.contact_email, conversation.contact_confirmed = "", False
    changed = ["redacted_at", "alert_quote", "handoff_quote", "csat_comment", "contact_email"]
    changed += ["contact_confirmed"]
    conversation.save(update_fields=changed)


def typed(conversation: Conversation) -> list[str]:
    """What the customer wrote into forms: it stands in messages, too."""
    rows = (one for request in conversation.requests.all() for one in request.values)
    return [one["shown"] for one in rows if one["kind"] in WRITTEN]


def delete_conversation(conversation: Conversation) -> None:
    """The counts stay."""
    day = timezone.localdate(conversation.created_at)
    counts, _ = DeletedCount.objects.get_or_create(inbox=conversation.visitor.inbox, day=day)
    DeletedCount.objects.filter(id=counts.id).update(
        conversations=F("conversations") + 1, messages=F("messages") + conversation.last_seq
    )
    with disable_auditlog():
        conversation.delete()


# --- one person


@shared_task(name="chatbot.tasks.erase")
def carry_out(erasure: int) -> None:
    for one in Erasure.objects.filter(id=erasure):
        erase(one)


def erase(erasure: Erasure) -> None:
    """Records, conversations and all that hangs on them. Asked for again, it changes nothing."""
    with transaction.atomic():
        wish = Erasure.objects.select_for_update().get(id=erasure.id)
        if wish.done_at:
            return
        wish.counts, wish.done_at = counts_of(wish.customer), timezone.now()
        lifecycle.erase(wish.customer)
        wish.save(update_fields=["counts", "done_at"])


def counts_of(customer: str) -> dict[str, int]:
    """Of the person, whichever of their ids is named."""
    ids = all_ids(customer)
    theirs = Conversation.objects.filter(visitor__customer__in=ids)
    return {
        "conversations": theirs.count(),
        "messages": Message.objects.filter(conversation__in=theirs).count(),
        "records": Record.objects.filter(customer__in=ids).count(),
    }


def held(customer: Customer) -> Iterator[dict[str, Any]]:
    """Everything that is held of a person, for them to have: what kind of thing, and the thing."""
    ids = all_ids(customer.id)
    for row in Customer.objects.filter(id__in=ids).order_by("id"):
        yield {"kind": "customer"} | of(row, "id", "name")
    for record in Record.objects.filter(customer__in=ids, deleted=False):
        yield {"kind": "record"} | of(record, "id", "title", "text", "fields", "updated_at")
    talks = Conversation.objects.filter(visitor__in=Visitor.objects.filter(customer__in=ids))
    for one in talks.select_related("visitor__inbox").order_by("created_at"):
        facts = of(one, "id", "created_at", "closed_at", "mood", "csat", "csat_comment")
        facts |= of(one, "contact_email")
        yield {"kind": "conversation", "inbox": one.visitor.inbox.name} | facts
        for message in one.messages.order_by("seq"):
            said = of(message, "seq", "author", "text", "at", "label", "score", "attachments")
            yield {"kind": "message", "conversation": one.id} | said
        for request in one.requests.select_related("action").order_by("offered_at"):
            asked = of(request, "state", "values", "answer", "offered_at", "confirmed_at")
            yield {"kind": "request", "conversation": one.id, "action": request.action.name} | asked
        for note in one.notes.all():
            yield {"kind": "note", "conversation": one.id} | of(note, "text", "at")
        for summary in Summary.objects.filter(conversation=one):
            said = of(summary, "problem", "tried", "question", "at")
            yield {"kind": "summary", "conversation": one.id} | said


def of(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def as_line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=written)


def written(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
