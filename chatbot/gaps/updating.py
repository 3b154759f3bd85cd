"""Brings the gaps up to date, every few minutes and when a question is deleted."""

from celery import shared_task

from chatbot.gaps import collecting, counting, grouping


@shared_task(name="chatbot.tasks.update_gaps")
def update_gaps() -> int:
    """Collect new questions, group them and count them. Returns how many are new."""
    found = collecting.collect()
    grouping.group()
    counting.count()
    counting.name()
    return found
