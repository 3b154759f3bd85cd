"""What nobody waits for."""

from smtplib import SMTPException

from celery import shared_task

from crm import background, inbound, indexing, notices
from crm.models import Endpoint

# Passages: less than half a second's work.
EMBEDDED = 32


@shared_task
def refresh_index() -> None:
    """Takes the changes since the snapshot into a new one."""
    indexing.refresh()


@shared_task
def apply_inbound() -> int:
    """What the CRM sent. New records are found by words and numbers at once; by meaning, after."""
    count = inbound.apply_pending()
    if count:
        background.soon(embed)
    return count


@shared_task
def embed() -> None:
    """A few at a time: what the CRM sends meanwhile does not wait until all are done."""
    if indexing.embed(most=EMBEDDED) == EMBEDDED:
        background.soon(embed)


@shared_task(autoretry_for=(SMTPException, OSError), retry_backoff=30, max_retries=6)
def mail_switched_off(endpoint: int) -> None:
    for one in Endpoint.objects.filter(id=endpoint, active=False):
        notices.switched_off(one)
