"""Background jobs of the index."""

from celery import shared_task

from crm.knowledge import indexing
from crm.plumbing import background

# Passages embedded at a time, which takes less than half a second.
EMBEDDED = 32


@shared_task(name="crm.tasks.refresh_index")
def refresh_index() -> None:
    """Write a new snapshot if much has changed since the last one."""
    indexing.refresh()


@shared_task(name="crm.tasks.embed")
def embed() -> None:
    """Embed a few passages at a time, so that new events from the CRM need not wait."""
    if indexing.embed(most=EMBEDDED) == EMBEDDED:
        background.soon(embed)
