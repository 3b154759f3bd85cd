"""Retention: redacts old conversations, deletes older ones, and erases a person on request."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from auditlog.context import disable_auditlog
from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from chatbot.models import (
    Case,
    Conversation,
    DeletedCount,
    Erasure,
    Gap,
    GapQuestion,
    Message,
    Summary,
    TestResult,
    Visitor,
)
from chatbot.models.crm_actions import WRITTEN
from chatbot.privacy import webhook_bodies
from chatbot.privacy.known import known_of
from chatbot.privacy.redaction import redact
from crm.customers import lifecycle, mentions
from crm.ids.aliases import all_ids
from crm.models import Customer, InboundEvent, Record
from crm.outbound import outbox

# Conversations in one transaction.
BATCH = 100
GONE = "[redacted]"


def forget(dry: bool = False) -> dict[str, int]:
    """Redact and delete what is older than the settings allow.

    Returns the number of conversations "redacted" and "deleted", and of webhooks "emptied". dry:
    only counts them.
    """
    redacting = old(settings.REDACT_AFTER_DAYS).filter(redacted_at=None)
    deleting = old(settings.DELETE_AFTER_DAYS)
    days = [days for days in (settings.REDACT_AFTER_DAYS, settings.DELETE_AFTER_DAYS) if days]
    if dry:
        emptied = webhook_bodies.old_webhooks(min(days)).count() if days else 0
        return {"redacted": redacting.count(), "deleted": deleting.count(), "emptied": emptied}
    deleted = sum(each(deleting, delete_conversation))
    redacted = sum(each(redacting, redact_conversation))
    emptied = mentions.empty(webhook_bodies.old_webhooks(min(days))) if days else 0
    # Also webhooks that were being written while somebody was erased.
    emptied += mentions.forget_erased(InboundEvent.objects.all())
    return {"redacted": redacted, "deleted": deleted, "emptied": emptied}


def old(days: int) -> QuerySet[Conversation]:
    """Select conversations without a message for so many days, also open ones."""
    if not days:
        return Conversation.objects.none()
    return Conversation.objects.filter(last_message_at__lt=timezone.now() - timedelta(days=days))


def each(rows: QuerySet[Conversation], act: Callable[[Conversation], None]) -> Iterator[int]:
    """Act on all conversations in batches, and yield the size of each batch."""
    while ids := list(rows.order_by("id").values_list("id", flat=True)[:BATCH]):
        with transaction.atomic():
            locked = Conversation.objects.select_for_update(of=("self",))
            related = locked.select_related("visitor__customer", "visitor__inbox")
            for conversation in related.filter(id__in=ids):
                act(conversation)
            outbox.erase(map(str, ids))
        yield len(ids)


def redact_conversation(conversation: Conversation) -> None:
    """Remove names, numbers and addresses from all that people wrote; it cannot be undone."""
    known = [*known_of(conversation.visitor.customer), *typed(conversation)]
    for message in conversation.messages.all():
        message.text = redact(message.text, known) or GONE
        message.citations = message.choices = message.attachments = []
        message.save(update_fields=["text", "citations", "choices", "attachments"])
    # Personal data cannot be removed from inside a file.
    conversation.attachments.all().delete()
    # What the model read and wrote contains text of the records.
    conversation.replies.update(passages=[], withheld=[], error="", reason="")
    conversation.notes.update(text=GONE)
    conversation.requests.update(values=[], answer="")
    forget_cases(conversation, known)
    # A vector is made from the words; both it and the label are made again from what is left.
    unanswered = GapQuestion.objects.filter(message__conversation=conversation)
    unanswered.update(after={}, waiting=False, vector=b"", encoder="")
    Gap.objects.filter(questions__in=unanswered).update(label="")
    Summary.objects.filter(conversation=conversation).update(problem=GONE, tried="", question="")
    conversation.redacted_at = timezone.now()
    conversation.alert_quote = conversation.handoff_quote = ""
    conversation.csat_comment = redact(conversation.csat_comment, known)
    conversation.contact_email, conversation.contact_confirmed = "", False
    changed = ["redacted_at", "alert_quote", "handoff_quote", "csat_comment", "contact_email"]
    changed += ["contact_confirmed"]
    conversation.save(update_fields=changed)


def forget_cases(conversation: Conversation, known: list[str]) -> None:
    """Delete the test questions of a conversation that hold personal data: without it they would
    ask something else. "How long may I return it?" stays."""
    TestResult.objects.filter(message__conversation=conversation).delete()
    for case in Case.objects.filter(message__conversation=conversation):
        texts = [case.question, case.answer, json.dumps([case.before, case.expect, case.forbid])]
        if case.customer_id or any(redact(text, known) != text for text in texts):
            with disable_auditlog():
                case.delete()


def typed(conversation: Conversation) -> list[str]:
    """List what the customer wrote into forms, since messages repeat it."""
    rows = (row for request in conversation.requests.all() for row in request.values)
    return [row["shown"] for row in rows if row["kind"] in WRITTEN]


def delete_conversation(conversation: Conversation) -> None:
    """Delete a conversation, but keep its counts for the reports."""
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
    for row in Erasure.objects.filter(id=erasure):
        erase(row)


def erase(erasure: Erasure) -> None:
    """Erase a person's records, conversations and all that belongs to them. A second call changes
    nothing."""
    with transaction.atomic():
        wish = Erasure.objects.select_for_update().get(id=erasure.id)
        if wish.done_at:
            return
        wish.counts, wish.done_at = counts_of(wish.customer), timezone.now()
        lifecycle.erase(wish.customer)
        wish.save(update_fields=["counts", "done_at"])


def counts_of(customer: str) -> dict[str, int]:
    """Count what is stored about a person, under all of their ids."""
    ids = all_ids(customer)
    theirs = Conversation.objects.filter(visitor__customer__in=ids)
    return {
        "conversations": theirs.count(),
        "messages": Message.objects.filter(conversation__in=theirs).count(),
        "records": Record.objects.filter(customer__in=ids).count(),
    }


def held(customer: Customer) -> Iterator[dict[str, Any]]:
    """Yield everything that is stored about a person, for them to have; "kind" says what it is."""
    ids = all_ids(customer.id)
    for row in Customer.objects.filter(id__in=ids).order_by("id"):
        yield {"kind": "customer"} | of(row, "id", "name")
    for record in Record.objects.filter(customer__in=ids, deleted=False):
        yield {"kind": "record"} | of(record, "id", "title", "text", "fields", "updated_at")
    talks = Conversation.objects.filter(visitor__in=Visitor.objects.filter(customer__in=ids))
    for talk in talks.select_related("visitor__inbox").order_by("created_at"):
        values = of(talk, "id", "created_at", "closed_at", "mood", "csat", "csat_comment")
        values |= of(talk, "contact_email")
        yield {"kind": "conversation", "inbox": talk.visitor.inbox.name} | values
        for message in talk.messages.order_by("seq"):
            values = of(message, "seq", "author", "text", "at", "label", "score", "attachments")
            yield {"kind": "message", "conversation": talk.id} | values
        for request in talk.requests.select_related("action").order_by("offered_at"):
            values = {"action": request.action.name}
            values |= of(request, "state", "values", "answer", "offered_at", "confirmed_at")
            yield {"kind": "request", "conversation": talk.id} | values
        for note in talk.notes.all():
            yield {"kind": "note", "conversation": talk.id} | of(note, "text", "at")
        for summary in Summary.objects.filter(conversation=talk):
            values = of(summary, "problem", "tried", "question", "at")
            yield {"kind": "summary", "conversation": talk.id} | values
    yield from taught_about(ids)


def taught_about(customers: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the test questions that were asked by these people or are asked as them."""
    theirs = Q(customer__in=customers) | Q(message__conversation__visitor__customer__in=customers)
    for case in Case.objects.filter(theirs).select_related("message").order_by("id"):
        talk = case.message.conversation_id if case.message else None
        values = of(case, "question", "before", "answer", "verdict", "at")
        yield {"kind": "test question", "conversation": talk} | values
    for row in TestResult.objects.filter(customer__in=customers):
        yield {"kind": "test answer", "asked": row.asked["question"]} | of(row, "live", "draft")


def of(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def as_line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=written)


def written(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
