"""What nobody waits for."""

from celery import shared_task

from crm import background, inbound, indexing


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
    indexing.embed()
