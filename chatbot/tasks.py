"""What nobody waits for."""

from smtplib import SMTPException

from asgiref.sync import async_to_sync
from celery import shared_task

from chatbot import alerts, hints
from chatbot.models import Conversation
from chatbot.reply import runner

MAIL_FAILED = (SMTPException, OSError)


@shared_task
def recover_replies() -> int:
    """Finish replies whose process died. Web processes do the same while one is alive."""
    return async_to_sync(recover)()


async def recover() -> int:
    count = await runner.recover()
    await hints.delivered()
    return count


@shared_task(autoretry_for=MAIL_FAILED, retry_backoff=30, max_retries=6)
def mail_alert(conversation: str, reason: str) -> None:
    found = Conversation.objects.select_related("visitor__inbox", "visitor__customer")
    for one in found.filter(id=conversation):
        alerts.mail(one, reason)
