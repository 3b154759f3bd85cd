"""Deadlines follow what the engine is seen to do: slow is not dead, and dead is not waited for."""

import asyncio
import itertools

import pytest

from inference.generation.client import DeadlineExceeded, Generator
from inference.generation.pace import MOST, REMEMBERED, SLACK, UNSEEN, Deadlines, Pace
from tests.inference.generation.test_generation import DONE, HEAD, HI, QUICK, Server, chunk, serving

LEAST = Deadlines(connect=2, first_token=20, next_token=10, total=60)


def test_an_engine_that_nothing_is_known_of_is_given_more_than_the_least() -> None:
    allowed = Pace().allowed(LEAST, load=3000, tokens=200)
    assert allowed.first_token == UNSEEN * LEAST.first_token
    assert allowed.total >= allowed.first_token


def test_a_fast_engine_has_the_least_and_no_less() -> None:
    pace = Pace()
    pace.read(0.2, load=3000)
    pace.wrote(0.05)
    assert pace.allowed(LEAST, load=3000, tokens=200) == LEAST


@pytest.mark.parametrize("seconds", [20, 30, 45])
def test_a_slow_engine_has_as_long_as_it_was_seen_to_take_and_some(seconds: float) -> None:
    pace = Pace()
    pace.read(seconds, load=3000)
    pace.wrote(6)
    allowed = pace.allowed(LEAST, load=3000, tokens=40)
    assert allowed.first_token == pytest.approx(SLACK * seconds)
    assert allowed.next_token == pytest.approx(SLACK * 6)
    assert allowed.total >= seconds + 40 * 6


def test_a_longer_prompt_and_company_take_longer() -> None:
    pace = Pace()
    pace.read(10, load=1000)
    alone, longer = (pace.allowed(LEAST, load, 40).first_token for load in (1000, 2000))
    assert longer == pytest.approx(2 * alone)


def test_nothing_is_waited_for_longer_than_the_most() -> None:
    pace = Pace()
    pace.read(10_000, load=10)
    pace.wrote(10_000)
    allowed = pace.allowed(LEAST, load=3000, tokens=200)
    assert allowed.first_token == MOST * LEAST.first_token
    assert (allowed.next_token, allowed.total) == (MOST * LEAST.next_token, MOST * LEAST.total)


def test_an_engine_that_is_fast_again_is_known_to_be() -> None:
    pace = Pace()
    pace.read(40, load=1000)
    for _ in range(REMEMBERED):
        pace.read(0.2, load=1000)
    assert pace.allowed(LEAST, load=1000, tokens=10).first_token == LEAST.first_token


def said(server: Server, pace: Pace) -> str:
    async def ask() -> str:
        async with serving(server) as generator:
            generator.pace = pace
            return "".join([piece async for piece in generator.stream(HI, 10)])

    return asyncio.run(ask())


@pytest.mark.slow
def test_a_slow_answer_is_waited_for_once_the_engine_is_known_to_be_slow() -> None:
    """The answer comes after more than twice the least deadline."""
    pace = Pace()
    pace.read(2.0, load=2)
    pace.wrote(2.0)
    wait = 2.5 * QUICK.first_token
    assert said(Server([HEAD, wait, chunk("Hel"), wait, chunk("lo"), DONE]), pace) == "Hello"


def test_what_an_engine_does_is_noted_by_the_generators_clock() -> None:
    ticks = itertools.count(0, 7)

    async def ask() -> Generator:
        async with serving(Server([HEAD, chunk("Hel"), chunk("lo"), DONE])) as generator:
            generator.clock = lambda: float(next(ticks))
            generator.deadlines = Deadlines(first_token=9999, next_token=9999, total=9999)
            async for _ in generator.stream(HI, 10):
                pass
            return generator

    generator = asyncio.run(ask())
    [reading], [gap] = generator.pace.reading, generator.pace.gaps
    assert reading > 0 and reading * len("hi") % 7 == 0
    assert gap > 0 and gap % 7 == 0
    assert generator.under_way == 0


LIST = b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\nConnection: close\r\n\r\n{"data":[{"id":"m"}]}'


def given_up(server: Server) -> Pace:
    pace = Pace()
    with pytest.raises(DeadlineExceeded):
        said(server, pace)
    return pace


@pytest.mark.slow
def test_an_answer_that_was_given_up_counts_where_the_engine_still_answers() -> None:
    busy = given_up(Server([HEAD, 9.0], [LIST]))
    assert busy.reading
    hanging = given_up(Server([HEAD, 9.0]))
    assert not hanging.reading


def test_what_the_prefix_cache_held_does_not_make_an_engine_look_fast() -> None:
    cached, whole = Pace(), Pace()
    cached.read(5, load=1000, fresh=0.25)
    whole.read(20, load=1000)
    assert cached.allowed(LEAST, 1000, 10).first_token == whole.allowed(LEAST, 1000, 10).first_token
