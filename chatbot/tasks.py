"""What nobody waits for."""

from smtplib import SMTPException
from uuid import UUID

from asgiref.sync import async_to_sync
from celery import shared_task
from django.conf import settings
from django.db.models import QuerySet

from chatbot import actions, alerts, away, hints, mailing, requests, retention, summary, transcripts
from chatbot.api import idempotency
from chatbot.attachments import store
from chatbot.models import Conversation, Erasure
from chatbot.reply import runner
from chatbot.reports import aggregate
from crm.plumbing import background

MAIL_FAILED = (SMTPException, OSError)


@shared_task
def recover_replies() -> int:
    """Finish replies whose process died. Web processes do the same while one is alive."""
    return async_to_sync(recover)()


async def recover() -> int:
    count = await runner.recover()
    await hints.delivered()
    return count


@shared_task
def sum_up(conversation: str) -> None:
    async_to_sync(summed_up)(UUID(conversation))


async def summed_up(conversation: UUID) -> None:
    await summary.made(conversation)
    await hints.delivered()


@shared_task(autoretry_for=MAIL_FAILED, retry_backoff=30, max_retries=6)
def mail_alert(conversation: str, reason: str) -> None:
    for one in found(conversation):
        alerts.mail(one, reason)


@shared_task(autoretry_for=MAIL_FAILED, retry_backoff=30, max_retries=6)
def mail_transcript(conversation: str, address: str) -> None:
    for one in found(conversation):
        transcripts.mail(one, address)


@shared_task(autoretry_for=MAIL_FAILED, retry_backoff=30, max_retries=6)
def mail_link(conversation: str, address: str, what: str) -> None:
    for one in found(conversation):
        mailing.send_link(mailing.Wish(conversation, address, what), one.visitor.inbox.name)


@shared_task
def mail_unread_answers() -> int:
    """A customer who left an address and has not read what an agent wrote gets it there."""
    unread = away.unread() if settings.EMAIL_HOST else []
    return sum(mail_unread(id) for id in unread)


def mail_unread(id: UUID) -> bool:
    if seqs := [message.seq for message in actions.answers_to_mail(id)]:
        background.later(mail_answers, str(id), seqs)
    return bool(seqs)


@shared_task(autoretry_for=MAIL_FAILED, retry_backoff=30, max_retries=6)
def mail_answers(conversation: str, seqs: list[int]) -> None:
    for one in found(conversation):
        transcripts.mail_answers(one, seqs)


def found(conversation: str) -> QuerySet[Conversation]:
    """It, or nothing where it was erased meanwhile."""
    people = Conversation.objects.select_related("visitor__inbox", "visitor__customer")
    return people.filter(id=conversation)


@shared_task
def bring_figures_up_to_date() -> int:
    return aggregate.bring_up_to_date()


@shared_task
def forget_idempotency_keys() -> int:
    return idempotency.forget()


@shared_task
def look_after_requests() -> int:
    """Those that the CRM has not answered in time: a person is asked."""
    return requests.look_after()


@shared_task
def forget_old() -> dict[str, int]:
    return retention.forget()


@shared_task
def forget_files() -> dict[str, int]:
    return store.forget()


@shared_task
def erase(erasure: int) -> None:
    for one in Erasure.objects.filter(id=erasure):
        retention.erase(one)
