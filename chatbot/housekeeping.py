"""What Celery beat does, on a machine without a broker: the slow jobs, in a thread of this process.

The quick ones (replies of dead processes, events that wait) have watches of their own.
"""

import asyncio
import time
from typing import Any

from celery import current_app
from django.conf import settings

from crm import background

LOOKS_EVERY = 30.0
# Seconds; what beat does more often than this is quick.
SLOW = 60


async def keep_house_for_ever() -> None:
    if settings.REDIS_URL:
        return
    beat: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    jobs = [one for one in beat.values() if one["schedule"] >= SLOW]
    due = {one["task"]: time.monotonic() + SLOW for one in jobs}
    while True:
        await asyncio.sleep(LOOKS_EVERY)
        for job in jobs:
            if time.monotonic() >= due[job["task"]]:
                due[job["task"]] = time.monotonic() + job["schedule"]
                background.pool.submit(background.start, current_app.tasks[job["task"]], ())
