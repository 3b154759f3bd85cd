"""What Celery beat does, on a machine without a broker: its jobs, in threads of this process."""

import asyncio
import time
from typing import Any

from celery import current_app
from django.conf import settings

from crm.plumbing import background

# Seconds. Whatever comes round once an hour is done soon after the start, too.
LOOKS_EVERY, SOON = 5.0, 60.0
# It has a watch of its own.
WATCHED = "chatbot.tasks.recover_replies"


async def keep_house_for_ever() -> None:
    if settings.REDIS_URL:
        return
    # Only a worker imports the modules with tasks by itself.
    current_app.loader.import_default_modules()
    beat: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    jobs = [one for one in beat.values() if one["task"] != WATCHED]
    due = {one["task"]: time.monotonic() + min(one["schedule"], SOON) for one in jobs}
    while True:
        await asyncio.sleep(LOOKS_EVERY)
        for job in jobs:
            if time.monotonic() >= due[job["task"]]:
                due[job["task"]] = time.monotonic() + job["schedule"]
                background.pool.submit(background.start, current_app.tasks[job["task"]], ())
