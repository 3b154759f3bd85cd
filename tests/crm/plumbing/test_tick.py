"""Jobs are started when they are due and have something to do, and do not hold each other up."""

import asyncio
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext

from crm.plumbing import tick
from crm.plumbing.tick import Job

pytestmark = pytest.mark.services


async def forever() -> None:
    await asyncio.Event().wait()


async def broken() -> None:
    raise ConnectionError("the database is away")


class TickTests(TransactionTestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.object(tick, "LOOKS_EVERY", 0.001))
        self.done: list[str] = []

    def job(self, name: str, rows: Any = None) -> Job:
        async def work() -> None:
            self.done.append(name)

        return Job(0.001, work, f"{name} was not done", rows)

    async def ticking(self, *jobs: Job, until: Any) -> None:
        task = asyncio.create_task(tick.tick_for_ever(jobs))
        async with asyncio.timeout(60):
            while not until():
                await asyncio.sleep(0.001)
        task.cancel()

    async def test_a_job_that_hangs_or_fails_holds_up_no_other(self) -> None:
        hangs, fails = Job(0.001, forever, "-"), Job(0.001, broken, "nothing was assigned")
        with self.assertLogs("attune.tick") as log:
            await self.ticking(
                hangs, fails, self.job("post"), until=lambda: self.done.count("post") > 3
            )
        self.assertIn("nothing was assigned: the database is away", log.output[0])

    async def test_a_job_without_rows_is_not_started_but_once_to_see_them_gone(self) -> None:
        def annas() -> Any:
            return User.objects.filter(username="anna")

        job, other = self.job("greet", annas), self.job("mail", User.objects.all)
        await User.objects.acreate(username="bob")
        job.again = other.again = False
        await tick.start_with_work([job, other])
        await asyncio.sleep(0)
        self.assertEqual(self.done, ["mail"])
        anna = await User.objects.acreate(username="anna")
        for step in (None, anna.adelete, None, None):
            if step:
                await step()
            await tick.start_with_work([job])
            await asyncio.sleep(0)
        self.assertEqual(self.done, ["mail", "greet", "greet"])

    async def test_a_job_that_is_under_way_as_its_rows_go_is_started_once_more(self) -> None:
        may_end = asyncio.Event()

        async def work() -> None:
            self.done.append("greet")
            await may_end.wait()

        job = Job(0.001, work, "nobody was greeted", User.objects.all)
        bob = await User.objects.acreate(username="bob")
        await tick.start_with_work([job])
        await bob.adelete()
        await tick.start_with_work([job])
        may_end.set()
        assert job.task
        await job.task
        for _ in range(2):
            await tick.start_with_work([job])
            await asyncio.sleep(0)
        self.assertEqual(self.done, ["greet", "greet"])

    def test_all_are_asked_for_in_one_statement(self) -> None:
        User.objects.create(username="bob")
        selections = [User.objects.all, lambda: User.objects.filter(username="anna")]
        with CaptureQueriesContext(connection) as queries:
            self.assertEqual(tick.any_rows(selections), [True, False])
        self.assertEqual(len(queries), 1)
