"""Test runs: question by question in the background, behind the customers' own.

A run is claimed by a conditional UPDATE and held by a lease. After SLICE seconds it is released, so
that other work gets its turn, and goes on from the first question without an answer. After a crash
another process goes on once the lease has ended.
"""

import asyncio
import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice

from asgiref.sync import async_to_sync
from celery import shared_task
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from chatbot.engines import admission
from chatbot.models import TestResult, TestRun
from chatbot.teaching import fall, results
from chatbot.teaching.judging import side
from chatbot.teaching.questions import MOST_QUESTIONS
from crm.articles import drafts
from crm.plumbing import background
from crm.plumbing.threads import in_thread
from crm.plumbing.tick import Job
from inference.index import IndexUnavailable

logger = logging.getLogger("attune.teaching")
State = TestRun.State
OPEN = [State.WAITING, State.RUNNING]
# Longer than a question takes where the model is slow: its client gives up after a minute or two.
LEASE = timedelta(minutes=5)
# Seconds: of a turn, and between two looks while customers take all places.
SLICE, LOOKS_EVERY = 60.0, 2.0
# More questions at once would take the processors from customers, whatever the model can do.
AT_ONCE = 8


def start(
    name: str,
    questions: Iterable[TestResult],
    by: User | None = None,
    *,
    with_drafts: bool = False,
    nightly: bool = False,
) -> TestRun:
    """Store a run with its questions; the background asks them."""
    rows = list(islice(questions, MOST_QUESTIONS))
    with_drafts = with_drafts and drafts.waiting().exists()
    with transaction.atomic():
        run = TestRun.objects.create(
            name=name[:200], by=by, drafts=with_drafts, nightly=nightly, total=len(rows)
        )
        for row in rows:
            row.run = run
        TestResult.objects.bulk_create(rows, batch_size=500)
        carry_on(run)
    return run


def carry_on(run: TestRun) -> None:
    """Have a worker take the run. Without a broker, the web process looks for it by itself."""
    if settings.REDIS_URL:
        background.later(answer_questions, run.pk)


def cancel(run: TestRun) -> None:
    TestRun.objects.filter(id=run.pk, state__in=OPEN).update(cancel=True)
    waiting = TestRun.objects.filter(unclaimed(), id=run.pk, state__in=OPEN)
    waiting.update(state=State.CANCELLED, finished_at=timezone.now())


# --- the background


@shared_task(name="chatbot.tasks.answer_questions")
def answer_questions(run: int) -> None:
    async_to_sync(work)(run)


@shared_task(name="chatbot.tasks.go_on_with_test_runs")
def go_on_with_test_runs() -> None:
    """Give workers the runs whose process died. Without a broker, `job` finds them."""
    for run in unclaimed_runs():
        carry_on(run)


def job() -> Job:
    """Work on runs in this web process, on a machine without a broker: in its own event loop, to
    which the model's connections belong."""

    async def go_on() -> None:
        for id in await in_thread(open_runs):
            await work(id)

    return Job(LOOKS_EVERY, go_on, "test runs have to wait", unclaimed_runs)


def unclaimed_runs() -> QuerySet[TestRun]:
    return TestRun.objects.filter(unclaimed(), state__in=OPEN)


def open_runs() -> list[int]:
    return list(unclaimed_runs().order_by("id").values_list("id", flat=True))


def unclaimed() -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=timezone.now())


async def work(id: int) -> None:
    """Ask questions of a run for a while, unless another process is at it."""
    run = await in_thread(claim, id)
    if run is None:
        return
    try:
        over = time.monotonic() + SLICE
        while time.monotonic() < over:
            rows = await in_thread(next_questions, run)
            if rows is None:
                return
            await asyncio.gather(*(answer(run, row) for row in rows))
            if not rows:
                await asyncio.sleep(LOOKS_EVERY)
        await in_thread(release, run)
    except IndexUnavailable as error:
        await in_thread(end, run, State.FAILED, str(error))


def claim(id: int) -> TestRun | None:
    lease = timezone.now() + LEASE
    free = TestRun.objects.filter(unclaimed(), id=id, state__in=OPEN)
    won = free.update(state=State.RUNNING, lease_until=lease)
    return TestRun.objects.get(id=id) if won else None


def next_questions(run: TestRun) -> list[TestResult] | None:
    """Renew the lease and return questions to ask now: none while customers take all places. None:
    the run has ended."""
    mine, lease = held(run), timezone.now() + LEASE
    if not mine.filter(cancel=False).update(lease_until=lease):
        end(run, State.CANCELLED)
        return None
    run.lease_until = lease
    places = min(AT_ONCE, admission.idle_places())
    left = run.results.filter(live={}).order_by("id")
    rows = list(left[: max(1, places)])
    if not rows:
        finish(run)
        return None
    return rows[:places]


def held(run: TestRun) -> QuerySet[TestRun]:
    """Select the run, unless another process has taken it over meanwhile."""
    return TestRun.objects.filter(id=run.pk, lease_until=run.lease_until)


async def answer(run: TestRun, row: TestResult) -> None:
    row.live = await side(row, drafts=False)
    if run.drafts:
        row.draft = await side(row, drafts=True)
    await in_thread(keep, run, row)


def keep(run: TestRun, row: TestResult) -> None:
    """Store a question's answers, unless it was deleted with its customer meanwhile, or another
    process was faster."""
    if TestResult.objects.filter(id=row.pk, live={}).update(live=row.live, draft=row.draft):
        TestRun.objects.filter(id=run.pk).update(done=F("done") + 1)


def release(run: TestRun) -> None:
    if held(run).update(lease_until=None):
        carry_on(run)


def finish(run: TestRun) -> None:
    run.figures = results.figures(run)
    if run.nightly:
        fall.compare(run)
    end(run, State.DONE, run.reason)


def end(run: TestRun, state: str, reason: str = "") -> None:
    held(run).update(
        state=state,
        reason=reason[:500],
        figures=run.figures,
        finished_at=timezone.now(),
        lease_until=None,
    )
