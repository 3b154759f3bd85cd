"""Runs Celery beat's jobs in threads of this process, on a machine without a broker."""

import time
from typing import Any

from celery import current_app
from django.conf import settings

from crm.plumbing import background
from crm.plumbing.tick import Job

# Seconds. Jobs with a longer schedule than SOON first run so long after the start.
LOOKS_EVERY, SOON = 5.0, 60.0
# Every web process does this job itself: reply/runner.py recovery.
WATCHED = "chatbot.tasks.recover_replies"


def job() -> Job:
    # Only a Celery worker imports the modules with tasks by itself.
    current_app.loader.import_default_modules()
    beat: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    jobs = [job for job in beat.values() if job["task"] != WATCHED]
    due = {job["task"]: time.monotonic() + min(job["schedule"], SOON) for job in jobs}

    async def start() -> None:
        for job in jobs:
            if time.monotonic() >= due[job["task"]]:
                due[job["task"]] = time.monotonic() + job["schedule"]
                background.pool.submit(background.start, current_app.tasks[job["task"]], ())

    return Job(LOOKS_EVERY, start, "could not start the periodic tasks")
