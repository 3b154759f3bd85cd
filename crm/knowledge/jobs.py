"""Background jobs of the index."""

from celery import shared_task

from crm.knowledge import indexing
from crm.plumbing import background

# Passages: less than half a second's work.
EMBEDDED = 32


@shared_task(name="crm.tasks.refresh_index")
def refresh_index() -> None:
    """Take the changes since the snapshot into a new one."""
    indexing.refresh()


@shared_task(name="crm.tasks.embed")
def embed() -> None:
    """Embed a few passages at a time, so that what the CRM sends meanwhile does not wait."""
    if indexing.embed(most=EMBEDDED) == EMBEDDED:
        background.soon(embed)
