"""Periodic tasks, and how many seconds apart Celery's beat starts them."""

from typing import Any


def job(seconds: int, task: str) -> dict[str, Any]:
    """Let a late run expire: a worker that was away need not catch up, since the next run does the
    same work."""
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


BEAT = {
    "recover replies": job(5, "chatbot.tasks.recover_replies"),
    # A safety net: each event also starts this task directly.
    "apply inbound events": job(5, "crm.tasks.apply_inbound"),
    "bring figures up to date": job(300, "chatbot.tasks.bring_figures_up_to_date"),
    "mail unread answers": job(60, "chatbot.tasks.mail_unread_answers"),
    "look after requests": job(60, "chatbot.tasks.look_after_requests"),
    "update unanswered questions": job(300, "chatbot.tasks.update_gaps"),
    "go on asking again": job(60, "chatbot.tasks.go_on_asking_again"),
    "forget idempotency keys": job(3600, "chatbot.tasks.forget_idempotency_keys"),
    "forget what is old": job(3600, "chatbot.tasks.forget_old"),
    "forget files that belong to nothing": job(3600, "chatbot.tasks.forget_files"),
    "ask the test questions every night": job(3600, "chatbot.tasks.ask_nightly"),
    # A safety net: each run also starts its task, and each task the next.
    "go on with test runs": job(60, "chatbot.tasks.go_on_with_test_runs"),
    # Each import also starts its task directly; this finds those whose worker has died.
    "look after imports": job(60, "crm.tasks.look_after_imports"),
    "forget imported files": job(3600, "crm.tasks.forget_imports"),
    # A safety net: each part of a run also starts the next.
    "look after websites": job(60, "crm.tasks.look_after_websites"),
    "refresh index": job(600, "crm.tasks.refresh_index"),
}
