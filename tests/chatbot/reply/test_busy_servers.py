"""A language model's server whose queue is full is asked again, for as long as there is hope."""

from collections.abc import Awaitable, Callable
from unittest import mock

from chatbot.engines.admission import QueueFull
from chatbot.reply import from_records
from chatbot.reply.turn import Outcome, Turn
from inference.generation.client import GenerationError, Generator, ServerBusy, ServerUnreachable
from inference.generation.pace import Deadlines
from tests.fakes import ALICE, FakeModelsTestCase, outcome_of

ANSWER = "It was shipped on 3 November 2026."


class BusyTests(FakeModelsTestCase):
    async def ask(self, *refusals: GenerationError) -> Outcome:
        """What the customer gets where the server refuses them so often, and then answers."""
        left, stream = list(refusals), self.generator.stream

        async def refusing(*given: object) -> object:
            if left:
                self.tries += 1
                raise left.pop(0)
            async for piece in stream(*given):
                yield piece

        self.generator.answer, self.tries, self.slept = ANSWER, 0, []
        with (
            mock.patch.object(self.generator, "stream", refusing),
            mock.patch.object(
                from_records.asyncio, "sleep", self.sleep(from_records.asyncio.sleep)
            ),
        ):
            return await outcome_of(Turn("when was order 50001 shipped?", ALICE))

    def sleep(self, real: Callable[[float], Awaitable[None]]) -> Callable[[float], Awaitable[None]]:
        async def slept(seconds: float) -> None:
            self.slept.append(seconds)
            await real(0)

        return slept

    async def test_five_refusals_in_a_row_are_waited_out(self) -> None:
        outcome = await self.ask(*[ServerBusy("busy", None)] * 5)
        self.assertEqual((outcome.answer, outcome.error), (ANSWER, ""))
        for before, after in zip(self.slept[:3], self.slept[2:], strict=True):
            self.assertLess(before, after, "each pause but one is longer than that before the last")
        self.assertLessEqual(max(self.slept), from_records.LONGEST_PAUSE)

    async def test_the_server_may_say_when_to_come_back(self) -> None:
        outcome = await self.ask(ServerBusy("busy", 7))
        self.assertEqual((outcome.answer, self.slept), (ANSWER, [7]))

    async def test_no_longer_than_the_engine_may_take_to_begin(self) -> None:
        with self.assertLogs("attune.reply"):
            outcome = await self.ask(*[ServerBusy("busy", None)] * 500)
        self.assertEqual(outcome.state, "handoff")
        self.assertLessEqual(sum(self.slept), 60)
        self.assertGreater(sum(self.slept), 60 - from_records.LONGEST_PAUSE)

    async def test_a_server_that_wants_an_hour_is_not_waited_for(self) -> None:
        with self.assertLogs("attune.reply"):
            outcome = await self.ask(ServerBusy("busy", 3_600))
        self.assertEqual((outcome.state, self.slept), ("handoff", []))

    async def test_our_own_queue_is_not_made_longer(self) -> None:
        with self.assertLogs("attune.reply"):
            outcome = await self.ask(QueueFull("full", None))
        self.assertEqual((outcome.state, self.tries), ("handoff", 1))

    async def test_one_that_is_gone_is_asked_once_more_as_before(self) -> None:
        with self.assertLogs("attune.reply"):
            outcome = await self.ask(*[ServerUnreachable("gone")] * 2)
        self.assertEqual((outcome.state, self.tries), ("handoff", 2))

    def test_patience_follows_the_engines_pace(self) -> None:
        engine = Generator("http://127.0.0.1:9", "m", deadlines=Deadlines(first_token=20))
        messages = [{"role": "user", "content": "x" * 1_000}]
        engine.pace.read(1.0, 1_000)
        self.assertEqual(engine.patience(messages), 20)
        engine.pace.read(30.0, 1_000)
        self.assertEqual(engine.patience(messages), 90)
