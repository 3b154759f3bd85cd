"""A machine without a broker: what beat would do is done all the same."""

import asyncio
from typing import Any
from unittest import mock

import pytest

from chatbot.watches import beat

pytestmark = pytest.mark.services


async def looked(times: int) -> list[str]:
    """Tasks that were started within so many looks."""
    started: list[Any] = []
    now = 0.0
    with (
        mock.patch("chatbot.watches.beat.time.monotonic", lambda: now),
        mock.patch(
            "crm.plumbing.background.pool.submit", lambda _start, task, _: started.append(task.name)
        ),
    ):
        job = beat.job()
        for _ in range(times):
            now += job.seconds
            await job.work()
    return started


def test_events_that_wait_are_applied_and_replies_are_left_to_their_own_watch(
    settings: Any,
) -> None:
    settings.REDIS_URL = ""
    started = asyncio.run(looked(2))
    assert started.count("crm.tasks.apply_inbound") == 2
    assert beat.WATCHED not in started


def test_what_comes_round_once_an_hour_is_done_soon_after_the_start(settings: Any) -> None:
    settings.REDIS_URL = ""
    assert "chatbot.tasks.forget_old" not in asyncio.run(looked(2))
    assert asyncio.run(looked(13)).count("chatbot.tasks.forget_old") == 1
