"""Runs Celery beat's jobs in threads of this process, on a machine without a broker."""

import asyncio
import time
from typing import Any

from celery import current_app
from django.conf import settings

from crm.plumbing import background

# Seconds. Jobs with a longer schedule than SOON first run so long after the start.
LOOKS_EVERY, SOON = 5.0, 60.0
# This job has a loop of its own in every web process: reply/runner.py recover_for_ever.
WATCHED = "chatbot.tasks.recover_replies"


async def keep_house_for_ever() -> None:
    if settings.REDIS_URL:
        return
    # Only a Celery worker imports the modules with tasks by itself.
    current_app.loader.import_default_modules()
    beat: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    jobs = [job for job in beat.values() if job["task"] != WATCHED]
    due = {job["task"]: time.monotonic() + min(job["schedule"], SOON) for job in jobs}
    while True:
        await asyncio.sleep(LOOKS_EVERY)
        for job in jobs:
            if time.monotonic() >= due[job["task"]]:
                due[job["task"]] = time.monotonic() + job["schedule"]
                background.pool.submit(background.start, current_app.tasks[job["task"]], ())
