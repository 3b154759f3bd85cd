"""Periodic tasks, and how many seconds apart Celery's beat starts them."""

from typing import Any


def every(seconds: int, task: str) -> dict[str, Any]:
    """A worker that was away need not catch up, since the next run does the same work: a run that
    is late expires."""
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


BEAT = {
    "recover replies": every(5, "chatbot.tasks.recover_replies"),
    # A safety net: each event also starts this task directly.
    "apply inbound events": every(5, "crm.tasks.apply_inbound"),
    "bring figures up to date": every(300, "chatbot.tasks.bring_figures_up_to_date"),
    "mail unread answers": every(60, "chatbot.tasks.mail_unread_answers"),
    "look after requests": every(60, "chatbot.tasks.look_after_requests"),
    "forget idempotency keys": every(3600, "chatbot.tasks.forget_idempotency_keys"),
    "forget what is old": every(3600, "chatbot.tasks.forget_old"),
    "forget files that belong to nothing": every(3600, "chatbot.tasks.forget_files"),
    "refresh index": every(600, "crm.tasks.refresh_index"),
}
