"""Mail from a conversation: alerts to agents, copies and unread answers to customers."""

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
from chatbot.conversation.plain import indented, plain
from chatbot.models import Conversation, Message
from chatbot.people.names import name_of
from crm.plumbing import background

TRIED_AGAIN: Any = {
    "autoretry_for": (SMTPException, OSError),
    "retry_backoff": 30,
    "max_retries": 6,
}


def answers_to_mail(conversation_id: Any) -> list[Message]:
    """What agents wrote and the customer, who left an address, has not read; each is given once."""
    with transaction.atomic():
        conversation = locked(conversation_id)
        known = max(conversation.read_seq, conversation.mailed_seq)
        written = conversation.messages.filter(author=Author.AGENT, seq__gt=known)
        found = list(written.order_by("seq").select_related("agent"))
        if not found or not conversation.contact_confirmed:
            return []
        conversation.mailed_seq = found[-1].seq
        conversation.save(update_fields=["mailed_seq"])
    return found


NAMES = {"customer": "You", "bot": "Assistant", "agent": "Colleague", "system": "—"}
GO_ON = "Please go on in the chat on our site: answers to this e-mail are not read there."


def text_of(conversation: Conversation) -> str:
    messages = conversation.messages.order_by("seq").select_related("agent")
    head = (
        f"{conversation.visitor.inbox.name}, {timezone.localtime(conversation.created_at):%d %B %Y}"
    )
    return "\n\n".join([head, *(line(message) for message in messages)]) + "\n"


def line(message: Message) -> str:
    by = name_of(message.agent) if message.agent else NAMES[message.author]
    return f"[{timezone.localtime(message.at):%d %b %Y, %H:%M}] {by}: {indented(said(message))}"


def said(message: Message) -> str:
    files = [f"[{one['name']}, {size(one['bytes'])}]" for one in message.attachments]
    return " ".join([message.text, *files]).strip()


@shared_task(name="chatbot.tasks.mail_transcript", **TRIED_AGAIN)
def mail_transcript(conversation: str, address: str) -> None:
    for one in found(conversation):
        name = one.visitor.inbox.name
        send_mail(f"Your conversation with {name}", text_of(one), None, [address])


def mail_unread(id: UUID) -> bool:
    """Mail what agents wrote to a customer who has left an address and is not here to read it."""
    if seqs := [message.seq for message in answers_to_mail(id)]:
        background.later(mail_answers, str(id), seqs)
    return bool(seqs)


@shared_task(name="chatbot.tasks.mail_answers", **TRIED_AGAIN)
def mail_answers(conversation: str, seqs: list[int]) -> None:
    for one in found(conversation):
        written = one.messages.filter(seq__in=seqs).order_by("seq").select_related("agent")
        said = [line(message) for message in written]
        if said and one.contact_email:  # Else it was redacted meanwhile.
            name = one.visitor.inbox.name
            text = "\n\n".join([f"{name} has answered you:", *said, GO_ON])
            send_mail(f"{name} has answered you", f"{text}\n", None, [one.contact_email])


@shared_task(name="chatbot.tasks.mail_alert", **TRIED_AGAIN)
def mail_alert(conversation: str, reason: str) -> None:
    """Mail the inbox's addresses, without what was said: mail leaves the database's protection."""
    for one in found(conversation):
        inbox = one.visitor.inbox
        send_mail(
            f"{inbox.name}: a customer needs a person",
            f"{plain(str(one.visitor))} ({inbox.name}): {reason}.\n\n"
            f"{settings.PUBLIC_URL}{reverse('admin:live')}#{one.id}\n",
            None,
            inbox.alert_emails,
        )


def found(conversation: str) -> QuerySet[Conversation]:
    """The conversation, or nothing where it was erased meanwhile."""
    people = Conversation.objects.select_related("visitor__inbox", "visitor__customer")
    return people.filter(id=conversation)
