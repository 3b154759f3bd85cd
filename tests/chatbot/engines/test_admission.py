"""The queue for the language model: served in order, nobody forgotten, nobody counted twice."""

import asyncio

import pytest

from chatbot.engines.admission import LONGEST_QUEUE, LONGEST_WAIT, Queue
from inference.generation.client import ServerBusy

pytestmark = pytest.mark.services


class Customer:
    def __init__(self, queue: Queue, served: list["Customer"]) -> None:
        self.queue, self.served = queue, served
        self.told: list[int] = []
        self.leaves = asyncio.Event()

    async def come(self) -> None:
        async with self.queue.place(self.hear):
            self.served.append(self)
            await self.leaves.wait()

    async def hear(self, number: int) -> None:
        self.told.append(number)


async def arrived(queue: Queue, count: int) -> tuple[list[Customer], list[asyncio.Task[None]]]:
    served: list[Customer] = []
    customers = [Customer(queue, served) for _ in range(count)]
    tasks = [asyncio.create_task(customer.come()) for customer in customers]
    await asyncio.sleep(0.01)
    return customers, tasks


def test_first_come_first_served_and_everybody_knows_their_number() -> None:
    async def play() -> None:
        queue = Queue(1)
        (alice, bob, charlie), tasks = await arrived(queue, 3)
        assert (alice.told, bob.told, charlie.told) == ([], [1], [2])
        for customer in (alice, bob, charlie):
            customer.leaves.set()
        await asyncio.gather(*tasks)
        assert alice.served == [alice, bob, charlie]
        assert (queue.inside, len(queue.waiting)) == (0, 0)

    asyncio.run(play())


def test_a_customer_who_gives_up_leaves_no_gap() -> None:
    async def play() -> None:
        queue = Queue(1)
        (alice, _, charlie), tasks = await arrived(queue, 3)
        tasks[1].cancel()
        alice.leaves.set()
        charlie.leaves.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert alice.served == [alice, charlie]
        assert queue.inside == 0

    asyncio.run(play())


def test_a_customer_who_is_called_and_gives_up_at_once_lets_the_next_one_in() -> None:
    async def play() -> None:
        queue = Queue(1)
        (alice, _, charlie), tasks = await arrived(queue, 3)
        alice.leaves.set()
        charlie.leaves.set()
        await tasks[0]  # bob has just been called
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert charlie in alice.served
        assert queue.inside == 0

    asyncio.run(play())


def test_a_queue_that_is_too_long_sends_people_away() -> None:
    async def play() -> None:
        queue = Queue(1)
        _, tasks = await arrived(queue, 1 + LONGEST_QUEUE)
        with pytest.raises(ServerBusy):
            await Customer(queue, []).come()
        for task in tasks:
            task.cancel()

    asyncio.run(play())


def test_a_slow_engine_has_a_shorter_queue() -> None:
    queue = Queue(2)
    assert queue.longest == 2 * LONGEST_QUEUE
    queue.held.extend([1.0, 2.0, 1.0])
    assert queue.longest == 2 * LONGEST_QUEUE
    queue.held.extend([LONGEST_WAIT / 3] * 4)
    assert queue.longest == 6
