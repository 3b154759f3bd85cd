"""The line before the language model: in turn, nobody forgotten, nobody counted twice."""

import asyncio

import pytest

from chatbot.engines.admission import LONGEST_LINE, Line
from inference.generation.client import ServerBusy

pytestmark = pytest.mark.services


class Customer:
    def __init__(self, line: Line, served: list["Customer"]) -> None:
        self.line, self.served = line, served
        self.told: list[int] = []
        self.leaves = asyncio.Event()

    async def come(self) -> None:
        async with self.line.place(self.hear):
            self.served.append(self)
            await self.leaves.wait()

    async def hear(self, number: int) -> None:
        self.told.append(number)


async def arrived(line: Line, count: int) -> tuple[list[Customer], list[asyncio.Task[None]]]:
    served: list[Customer] = []
    customers = [Customer(line, served) for _ in range(count)]
    tasks = [asyncio.create_task(customer.come()) for customer in customers]
    await asyncio.sleep(0.01)
    return customers, tasks


def test_first_come_first_served_and_everybody_knows_their_number() -> None:
    async def play() -> None:
        line = Line(1)
        (alice, bob, charlie), tasks = await arrived(line, 3)
        assert (alice.told, bob.told, charlie.told) == ([], [1], [2])
        for customer in (alice, bob, charlie):
            customer.leaves.set()
        await asyncio.gather(*tasks)
        assert alice.served == [alice, bob, charlie]
        assert (line.inside, len(line.waiting)) == (0, 0)

    asyncio.run(play())


def test_who_gives_up_leaves_no_gap() -> None:
    async def play() -> None:
        line = Line(1)
        (alice, _, charlie), tasks = await arrived(line, 3)
        tasks[1].cancel()
        alice.leaves.set()
        charlie.leaves.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert alice.served == [alice, charlie]
        assert line.inside == 0

    asyncio.run(play())


def test_who_is_called_and_gives_up_at_once_lets_the_next_one_in() -> None:
    async def play() -> None:
        line = Line(1)
        (alice, _, charlie), tasks = await arrived(line, 3)
        alice.leaves.set()
        charlie.leaves.set()
        await tasks[0]  # bob has just been called
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert charlie in alice.served
        assert line.inside == 0

    asyncio.run(play())


def test_a_line_that_is_too_long_sends_people_away() -> None:
    async def play() -> None:
        line = Line(1)
        _, tasks = await arrived(line, 1 + LONGEST_LINE)
        with pytest.raises(ServerBusy):
            await Customer(line, []).come()
        for task in tasks:
            task.cancel()

    asyncio.run(play())
