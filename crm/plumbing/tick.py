"""Starts the jobs of a process that are due, all from one task.

Most jobs have nothing to do most of the time. One statement for all of them asks whether there is
anything, instead of a thread and a statement for each: so an idle process takes 5 ms of CPU a
second instead of 15 (2026-11-29, two shared AVX2 cores, others at work).
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from crm.plumbing.threads import in_thread

logger = logging.getLogger("attune.tick")
# Seconds from one look at what is due to the next, and the share by which pauses vary, so that the
# processes do not all ask the database at the same moment.
LOOKS_EVERY, JITTER = 1.0, 0.1
Rows = Callable[[], QuerySet[Any]]


@dataclass(eq=False)
class Job:
    """Work that is started every `seconds` seconds, unless it is still under way."""

    seconds: float
    work: Callable[[], Awaitable[Any]]
    # Begins the log line if the work fails: the database may be away for a moment.
    without: str
    # Returns the rows that it works on. While there are none, it is not started, except once after
    # the last ones have gone, so that it sees this.
    rows: Rows | None = None
    again: bool = True
    due: float = 0.0
    task: asyncio.Task[None] | None = None

    def start(self, again: bool = True) -> None:
        if self.task is None or self.task.done():
            self.again = again
            self.task = asyncio.create_task(self.run())

    async def run(self) -> None:
        try:
            await self.work()
        except Exception as error:
            self.again = True
            logger.warning("%s: %s", self.without, error)


async def tick_for_ever(jobs: Iterable[Job]) -> None:
    jobs = list(jobs)
    for job in jobs:
        job.due = time.monotonic() + random.uniform(0, job.seconds)
    finding = Job(LOOKS_EVERY, lambda: start_with_work(due), "could not look for work")
    while True:
        await asyncio.sleep(varied(LOOKS_EVERY))
        now = time.monotonic()
        due = [job for job in jobs if job.due <= now]
        for job in due:
            job.due = now + varied(job.seconds)
            if job.rows is None:
                job.start()
        finding.start()


def varied(seconds: float) -> float:
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)


async def start_with_work(jobs: list[Job]) -> None:
    """Start those of the jobs that have rows to work on."""
    asking = [job for job in jobs if job.rows]
    found = await in_thread(any_rows, [job.rows for job in asking if job.rows]) if asking else []
    for job, some in zip(asking, found, strict=True):
        if some or job.again:
            job.start(again=some)


def any_rows(selections: list[Rows]) -> list[bool]:
    """Return whether each selects any row, in one statement."""
    queries = [rows().order_by().values("pk")[:1].query.sql_with_params() for rows in selections]
    asked = ", ".join(f"EXISTS ({sql})" for sql, _ in queries)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {asked}", [value for _, values in queries for value in values])
        return [bool(found) for found in cursor.fetchone()]
