"""E-mails about a conversation: alerts to agents, transcripts and unread answers to customers."""

from smtplib import SMTPException
from typing import Any
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from chatbot.attachments.kinds import size
from chatbot.conversation.changes import Author, locked
from chatbot.conversation.plain import indented, without_controls
from chatbot.models import Conversation, Message
from chatbot.people.names import name_of
from crm.plumbing import background

RETRIES: Any = {
    "autoretry_for": (SMTPException, OSError),
    "retry_backoff": 30,
    "max_retries": 6,
}


def answers_to_mail(conversation_id: Any) -> list[Message]:
    """List agents' messages that the customer has not read, if their address is confirmed, and mark
    them as mailed: each is returned once."""
    with transaction.atomic():
        conversation = locked(conversation_id)
        known = max(conversation.read_seq, conversation.mailed_seq)
        unread = conversation.messages.filter(author=Author.AGENT, seq__gt=known)
        messages = list(unread.order_by("seq").select_related("agent"))
        if not messages or not conversation.contact_confirmed:
            return []
        conversation.mailed_seq = messages[-1].seq
        conversation.save(update_fields=["mailed_seq"])
    return messages


NAMES = {"customer": "You", "agent": "Colleague", "system": "—"}
GO_ON = "Please continue in the chat on our site. We do not read replies to this e-mail."


def text_of(conversation: Conversation) -> str:
    messages = conversation.messages.order_by("seq").select_related("agent")
    head = (
        f"{conversation.visitor.inbox.name}, {timezone.localtime(conversation.created_at):%d %B %Y}"
    )
    return "\n\n".join([head, *(line(message) for message in messages)]) + "\n"


def line(message: Message) -> str:
    bot = message.conversation.visitor.inbox.bot_name
    by = name_of(message.agent) if message.agent else {**NAMES, "bot": bot}[message.author]
    files = [f"[{file['name']}, {size(file['bytes'])}]" for file in message.attachments]
    text = " ".join([message.text, *files]).strip()
    return f"[{timezone.localtime(message.at):%d %b %Y, %H:%M}] {by}: {indented(text)}"


@shared_task(name="chatbot.tasks.mail_transcript", **RETRIES)
def mail_transcript(conversation: str, address: str) -> None:
    for row in by_id(conversation):
        name = row.visitor.inbox.name
        send_mail(f"Your conversation with {name}", text_of(row), None, [address])


def mail_unread(id: UUID) -> bool:
    """Mail agents' unread messages to a customer who has left an address. Returns whether there
    were any."""
    if seqs := [message.seq for message in answers_to_mail(id)]:
        background.later(mail_answers, str(id), seqs)
    return bool(seqs)


@shared_task(name="chatbot.tasks.mail_answers", **RETRIES)
def mail_answers(conversation: str, seqs: list[int]) -> None:
    for row in by_id(conversation):
        messages = row.messages.filter(seq__in=seqs).order_by("seq").select_related("agent")
        lines = [line(message) for message in messages]
        if lines and row.contact_email:  # Otherwise it has since been redacted.
            name = row.visitor.inbox.name
            text = "\n\n".join([f"{name} has answered you:", *lines, GO_ON])
            send_mail(f"{name} has answered you", f"{text}\n", None, [row.contact_email])


@shared_task(name="chatbot.tasks.mail_alert", **RETRIES)
def mail_alert(conversation: str, reason: str) -> None:
    """Mail an alert to the inbox's addresses, without the customer's words: e-mail is not protected
    like the database."""
    for row in by_id(conversation):
        inbox = row.visitor.inbox
        send_mail(
            f"{inbox.name}: a customer needs a person",
            f"{without_controls(str(row.visitor))} ({inbox.name}): {reason}.\n\n"
            f"{settings.PUBLIC_URL}{reverse('admin:live')}#{row.id}\n",
            None,
            inbox.alert_emails,
        )


def by_id(conversation: str) -> QuerySet[Conversation]:
    """Select the conversation, or nothing if it was erased meanwhile."""
    rows = Conversation.objects.select_related("visitor__inbox", "visitor__customer")
    return rows.filter(id=conversation)
