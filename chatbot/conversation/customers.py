"""What customers do to a conversation: write, ask for a person, leave an address, close, rate."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, QuerySet, Subquery
from django.utils import timezone

from chatbot.conversation import alerts, events
from chatbot.conversation.changes import (
    OPEN_REPLIES,
    Author,
    State,
    announce,
    append,
    by_client_id,
    change_owner,
    claimed_files,
    locked,
    say_if_nobody_is_there,
    to_lock,
    wait_for_person,
)
from chatbot.conversation.replies import ask_for_reply
from chatbot.engines import classifier
from chatbot.models import Conversation, Message, Reply, Visitor
from chatbot.people import away
from chatbot.telemetry import metrics
from chatbot.wire.errors import Refused
from crm.plumbing.compiled import Given, Select
from inference.sentiment import Sentiment
from inference.text import blank, written

RATED_WITHIN = timedelta(hours=1)


def conversation_of(visitor: Visitor) -> Conversation:
    """Return the visitor's open conversation, or a new one."""
    with transaction.atomic():
        # Two tabs may connect at once: the lock on the visitor's row lets only one of them create.
        Visitor.objects.select_for_update().get(id=visitor.id)
        open_ones = visitor.conversations.exclude(state=State.CLOSED)
        conversation = open_ones.order_by("-created_at").first()
        if conversation is None:
            conversation = Conversation.objects.create(visitor=visitor)
            events.conversation_created(conversation)
        return conversation


def receive(
    conversation: Conversation,
    client_id: str,
    text: str,
    worker: str = "",
    attachments: Sequence[str] = (),
) -> tuple[Message, Reply | None]:
    """Store a customer's message, its sentiment, its files and the Reply for it in one transaction.

    worker: the process that starts on the reply at once; the Reply is created as claimed by it.
    If the client_id was received before, returns that message and no reply.
    """
    # Files without text have no sentiment.
    text = "" if blank(text) else text
    sentiment = classifier.sentiment_classifier().score([text])[0] if text else None
    with transaction.atomic():
        row: Any = locked(conversation.id, RECEIVING, client_id=client_id)
        # If another socket had the lock, the annotations are older than the row.
        is_behind = row.last_seq != (row.newest or 0)
        if (is_behind or row.repeated) and (known := by_client_id(row, client_id)):
            return known, None
        conversation = row
        check_open(conversation, client_id)
        files = claimed_files(conversation, attachments, client_id)
        if sentiment:
            alerts.update_mood(conversation, text, sentiment)
        felt = columns(sentiment) if sentiment else {}
        message = append(conversation, Author.CUSTOMER, text, files, client_id=client_id, **felt)
        reply = ask_for_reply(conversation, message, worker, is_behind or row.replying)
        announce(conversation, message)
        transaction.on_commit(lambda: metrics.received(message.label or "none"))
    return message, reply


def to_receive() -> QuerySet[Conversation]:
    """Select a conversation to lock it, with what is needed to know about earlier messages when a
    new one comes."""
    id, client_id = Given(Conversation, "id"), Given(Message, "client_id")
    messages = Message.objects.filter(conversation=id)
    return to_lock().annotate(
        newest=Subquery(messages.order_by("-seq").values("seq")[:1]),
        repeated=Exists(messages.filter(client_id=client_id)),
        replying=Exists(Reply.objects.filter(conversation=id, status__in=OPEN_REPLIES)),
    )


RECEIVING = Select(to_receive)


def check_open(conversation: Conversation, client_id: str) -> None:
    if conversation.state == State.CLOSED:
        text = "This conversation is closed. Please start a new one."
        raise Refused("closed", text, id=client_id)
    if conversation.last_seq >= settings.CONVERSATION_MAX_MESSAGES:
        text = "This conversation is full. Please close it and start a new one."
        raise Refused("full", text, id=client_id)


def columns(sentiment: Sentiment) -> dict[str, Any]:
    return {
        "label": sentiment.label,
        "score": sentiment.score,
        "confidence": sentiment.confidence,
        "intents": sorted(sentiment.intents),
    }


# --- what the customer may do besides writing


def hand_off(conversation: Conversation, reason: str) -> None:
    with transaction.atomic():
        conversation = locked(conversation.id)
        if conversation.state != State.BOT:
            return
        wait_for_person(conversation, reason)
        if say_if_nobody_is_there(conversation):
            return
        text = "A colleague has been asked to join this conversation."
        message = append(conversation, Author.SYSTEM, text)
        announce(conversation, message, state=State.WAITING)


def leave_contact(conversation: Conversation, email: str, confirmed: bool = False) -> None:
    """Store the address to which answers are mailed; "" stands for the one on record in the CRM.
    Leaving the same one again changes nothing."""
    with transaction.atomic():
        conversation = locked(conversation.id)
        customer = conversation.visitor.customer
        address = email or (away.on_record(customer) if customer else "")
        if conversation.state == State.CLOSED:
            raise Refused("closed", "This conversation is closed. Please start a new one.")
        if not address:
            raise Refused("invalid_email", "Please write an address like name@example.com.")
        if address == conversation.contact_email and conversation.contact_confirmed >= confirmed:
            return
        conversation.contact_email, conversation.contact_confirmed = address, confirmed
        sent = settings.EMAIL_HOST and not confirmed
        message = append(conversation, Author.SYSTEM, away.LINK_SENT if sent else away.THANKS)
        events.lead_captured(conversation)
        announce(conversation, message, away=True, contact=True)


def confirm_contact(conversation_id: Any, email: str) -> None:
    """Mark the address as confirmed, unless the customer has left another one since."""
    with transaction.atomic():
        conversation = locked(conversation_id)
        conversation.contact_confirmed |= conversation.contact_email == email
        conversation.save(update_fields=["contact_confirmed"])


def close(conversation: Conversation) -> None:
    with transaction.atomic():
        conversation = locked(conversation.id)
        if change_owner(conversation, State.CLOSED):
            conversation.save()
            announce(conversation, state=State.CLOSED)


def rate(conversation: Conversation, score: int, comment: str) -> None:
    """Store how satisfied the customer was. They may change it for an hour."""
    with transaction.atomic():
        conversation = locked(conversation.id)
        closed = conversation.closed_at
        if conversation.state != State.CLOSED or closed is None:
            raise Refused("not_closed", "Please rate the conversation once it is closed.")
        if timezone.now() > closed + RATED_WITHIN:
            raise Refused("too_late", "This conversation can no longer be rated.")
        conversation.csat, conversation.csat_comment = score, written(comment)
        conversation.csat_at = timezone.now()
        conversation.save(update_fields=["csat", "csat_comment", "csat_at"])
        events.csat_submitted(conversation)
        announce(conversation)


def mark_read(conversation: Conversation, seq: int) -> bool:
    """Store that the customer has read up to `seq`. Returns False if nothing changes."""
    rows = Conversation.objects.filter(id=conversation.id, read_seq__lt=seq, last_seq__gte=seq)
    return bool(rows.update(read_seq=seq))


def give_feedback(conversation: Conversation, seq: int, value: int) -> None:
    answers = Message.objects.filter(conversation=conversation, seq=seq, author=Author.BOT)
    with transaction.atomic():
        if not answers.update(feedback=value):
            raise Refused("not_found", "You can only rate answers of the bot.")
        events.feedback_given(conversation, answers.get())
