"""What nobody waits for."""

from celery import shared_task

from crm import indexing


@shared_task
def refresh_index() -> None:
    """Takes the changes since the snapshot into a new one."""
    indexing.refresh()
