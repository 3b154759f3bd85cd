"""The reply pipeline on real vLLM: it streams, stops when nobody listens, and may die."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from contextlib import aclosing

import pytest

from inference.generation.client import (
    GenerationError,
    Generator,
    ServerBusy,
    ServerUnreachable,
    Usage,
)
from inference.generation.pace import Deadlines
from tests.live.conftest import Site, await_that
from tests.live.vllm.conftest import KEY, Server

pytestmark = pytest.mark.vllm

RUNNING = "vllm:num_requests_running"
LONG = [{"role": "user", "content": "Count from 1 to 500, each number on a line of its own."}]
SHORT = [{"role": "user", "content": "Say hello."}]


def client(server: Server, **deadlines: float) -> Generator:
    waits = {"first_token": 120, "next_token": 60, "total": 240} | deadlines
    return Generator(server.url, "slm", KEY, Deadlines(**waits))


async def pieces(server: Server, messages: list[dict[str, str]], most: int = 30) -> list[str]:
    return [piece async for piece in client(server).stream(messages, most)]


def test_tokens_come_one_by_one_and_are_counted(server: Server) -> None:
    async def count() -> tuple[list[str], Usage]:
        usage = Usage()
        return [piece async for piece in client(server).stream(SHORT, 20, usage)], usage

    heard, usage = asyncio.run(count())
    assert len(heard) > 1
    assert usage.prompt_tokens > 5
    assert len(heard) <= usage.completion_tokens + 1 <= 21


def test_who_has_no_key_is_turned_away(server: Server) -> None:
    assert server.status("/v1/models") == 200
    assert server.status("/v1/models", key="another") == 401


def test_what_nobody_waits_for_any_more_is_not_written(server: Server) -> None:
    async def leave() -> None:
        async with aclosing(client(server).stream(LONG, 1000)) as stream:
            await anext(stream)
            assert await asyncio.to_thread(server.metric, RUNNING) == 1

    asyncio.run(leave())
    await_that(lambda: server.metric(RUNNING) == 0)


def test_beyond_its_queue_it_says_at_once_that_it_is_busy(server: Server) -> None:
    async def crowd() -> list[object]:
        each = (pieces(server, LONG, 60) for _ in range(12))
        return await asyncio.gather(*each, return_exceptions=True)

    found = asyncio.run(crowd())
    answered = [one for one in found if isinstance(one, list)]
    assert answered
    assert all(isinstance(one, ServerBusy) for one in found if not isinstance(one, list))
    assert len(answered) < 12


def test_a_beginning_that_was_read_before_is_not_read_again(server: Server) -> None:
    rules = [{"role": "system", "content": "Be brief. " * 60}]
    asyncio.run(pieces(server, rules + SHORT))
    before = server.metric("vllm:prefix_cache_hits_total")
    asyncio.run(pieces(server, rules + LONG))
    assert server.metric("vllm:prefix_cache_hits_total") > before


def test_a_customer_is_answered_from_the_records(
    server: Server, make_site: Callable[..., Site]
) -> None:
    site = make_site(SLM_URL=server.url, SLM_API_KEY=KEY, SLM_FIRST_TOKEN_TIMEOUT="120")
    site.start().until_ready()
    question = "How long do I have to return something?"
    told = json.loads(site.manage("ask", "--customer", "cust_1", "--json", question))
    assert told["state"] == "answered", told
    assert told["citations"]
    assert told["usage"]["prompt_tokens"] > 0
    assert site.end() == 0


def test_an_engine_that_hangs_is_not_waited_for_and_goes_on_later(server: Server) -> None:
    engine = server.engine()
    os.kill(engine, signal.SIGSTOP)
    with pytest.raises(GenerationError):
        asyncio.run(anext_of(client(server, first_token=3)))
    os.kill(engine, signal.SIGCONT)
    await_that(lambda: server.metric(RUNNING) == 0)
    assert asyncio.run(pieces(server, SHORT))


def test_an_engine_that_dies_is_an_error_and_is_seen(server: Server) -> None:
    """This server does not come back; a later test's is another."""
    os.kill(server.engine(), signal.SIGKILL)
    with pytest.raises(ServerUnreachable):
        asyncio.run(anext_of(client(server)))
    await_that(lambda: server.status("/health") != 200)


async def anext_of(generator: Generator) -> str:
    return await anext(generator.stream(SHORT, 20))
