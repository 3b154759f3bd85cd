"""Background tasks. Those that Celery beat starts are defined here; the others are imported, so
that Celery finds them."""

from asgiref.sync import async_to_sync
from celery import shared_task
from django.conf import settings

from chatbot.api import idempotency
from chatbot.attachments import store
from chatbot.conversation import crm_requests
from chatbot.conversation.mail import mail_alert, mail_answers, mail_transcript, mail_unread
from chatbot.conversation.mail_links import mail_link
from chatbot.conversation.summary import sum_up
from chatbot.gaps import asking
from chatbot.gaps.asking import ask_again
from chatbot.gaps.updating import update_gaps
from chatbot.people import away
from chatbot.privacy import retention
from chatbot.privacy.retention import carry_out as erase
from chatbot.reply import runner
from chatbot.reports import aggregate
from chatbot.teaching.fall import mail_fall
from chatbot.teaching.nightly import ask_nightly
from chatbot.teaching.runs import answer_questions, go_on_with_test_runs
from chatbot.wire import hints

__all__ = [
    "answer_questions",
    "ask_again",
    "ask_nightly",
    "erase",
    "go_on_with_test_runs",
    "mail_alert",
    "mail_answers",
    "mail_fall",
    "mail_link",
    "mail_transcript",
    "sum_up",
    "update_gaps",
]


@shared_task
def recover_replies() -> int:
    """Finish replies whose process died. Web processes do the same, but none may be alive."""
    return async_to_sync(recover)()


async def recover() -> int:
    count = await runner.recover()
    await hints.delivered()
    return count


@shared_task
def mail_unread_answers() -> int:
    """Mail agents' answers to customers who left an address and have not read them in the chat."""
    unread = away.unread() if settings.EMAIL_HOST else []
    return sum(mail_unread(id) for id in unread)


@shared_task
def bring_figures_up_to_date() -> int:
    return aggregate.bring_up_to_date()


@shared_task
def forget_idempotency_keys() -> int:
    return idempotency.forget()


@shared_task
def look_after_requests() -> int:
    """Queue conversations for a person if the CRM has not answered a request in time."""
    return crm_requests.look_after()


@shared_task
def forget_old() -> dict[str, int]:
    return retention.forget()


@shared_task
def go_on_asking_again() -> int:
    """Go on with gaps whose questions were being asked again when a process died."""
    return asking.go_on()


@shared_task
def forget_files() -> dict[str, int]:
    return store.forget()
