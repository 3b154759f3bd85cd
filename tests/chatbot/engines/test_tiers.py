"""Several tiers: easy turns go to the small one, hard ones to the large; nobody is left alone."""

from datetime import timedelta
from unittest import mock

from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import TestCase

from chatbot.conversation import customers
from chatbot.engines import tiers
from chatbot.models import Inbox, Reply, Server, Tier, Visitor
from chatbot.reply import replay
from chatbot.reply.answer import collect
from chatbot.reply.runner import run
from chatbot.reply.tier import Policy
from chatbot.reply.turn import Outcome, Turn
from inference.generation.client import ServerUnreachable
from tests.fakes import ALICE, FakeGenerator, FakeModelsTestCase, tier

QUESTION = "when was order 50001 shipped, and with which carrier?"
RIGHT = "Order 50001 was shipped on 3 November 2026."
WRONG = "Order 50001 was shipped on 5 November 2026."
ALL_LARGE = Policy(thresholds={"small": 0, "large": 0})


class TierTests(FakeModelsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.small, self.large = self.generator, FakeGenerator()
        self.small.answer = self.large.answer = RIGHT
        self.small.model, self.large.model = "small model", "large model"
        both = [tier(self.small, "small"), tier(self.large, "large", from_difficulty=0.9)]
        self.enterContext(mock.patch("chatbot.engines.tiers.tiers", return_value=both))

    async def ask(self, policy: Policy | None = None, text: str = QUESTION) -> Outcome:
        return await collect(Turn(text, ALICE), policy=policy)

    async def test_an_easy_turn_is_the_small_ones(self) -> None:
        outcome = await self.ask()
        self.assertEqual((outcome.model, self.large.prompts), ("small model", []))
        self.assertEqual(outcome.routing["thresholds"], {"small": 0.0, "large": 0.9})
        self.assertIn("small", outcome.routing["reason"])

    async def test_a_hard_turn_is_the_large_ones(self) -> None:
        outcome = await self.ask(ALL_LARGE)
        self.assertEqual((outcome.model, self.small.prompts), ("large model", []))

    async def test_what_the_check_withholds_the_large_one_tries_once(self) -> None:
        self.small.answer = WRONG
        outcome = await self.ask(text="tell me about order 50001")
        self.assertEqual((outcome.answer, outcome.state), (RIGHT, "answered"))
        self.assertEqual([one["tier"] for one in outcome.generations], ["small", "large"])
        self.assertEqual(len(outcome.withheld), 1)
        self.assertIn("small", outcome.routing["escalated"])

    async def test_where_the_named_order_is_there_the_large_one_looks_again(self) -> None:
        self.small.answer = "NOT ON RECORD"
        await self.ask(text="tell me about order 50001")
        self.assertEqual(len(self.large.prompts), 1)

    async def test_where_no_record_is_named_or_near_a_refusal_stands(self) -> None:
        self.small.answer = "NOT ON RECORD"
        await self.ask(text="who is your favourite composer?")
        self.assertEqual(self.large.prompts, [])

    async def test_a_line_that_answers_by_itself_is_told_and_nobody_else_asked(self) -> None:
        self.small.answer = WRONG
        outcome = await self.ask(text="what is the total of order 50001?")
        self.assertEqual(outcome.answer, "Order 50001 – Total: 41.50.")
        self.assertEqual(self.large.prompts, [])

    async def test_what_both_get_wrong_is_refused(self) -> None:
        self.small.answer = self.large.answer = "It was made in Turin in 2020."
        outcome = await self.ask(text="how heavy is order 50001?")
        self.assertEqual(outcome.state, "refused")
        self.assertEqual(len(self.large.prompts), 1)

    async def test_a_policy_may_forbid_a_second_try(self) -> None:
        self.small.answer = WRONG
        await self.ask(Policy(escalates=False), "tell me about order 50001")
        self.assertEqual(self.large.prompts, [])

    async def test_the_other_tier_answers_where_one_is_gone(self) -> None:
        for gone, policy in ((self.small, None), (self.large, ALL_LARGE)):
            gone.answer, gone.error = "", ServerUnreachable("gone")
            outcome = await self.ask(policy)
            self.assertEqual(outcome.answer, RIGHT)
            self.assertEqual(outcome.routing["fell_back"], "gone")
            gone.answer, gone.error = RIGHT, None

    def test_a_past_turn_is_replayed_under_another_policy(self) -> None:
        inbox = Inbox.objects.create(key="shop", name="Shop")
        alice = Visitor.objects.create(inbox=inbox, customer_id=ALICE)
        conversation = customers.conversation_of(alice)
        _, reply = customers.receive(conversation, "m1", QUESTION)
        async_to_sync(run)(reply.id)
        (past,) = replay.past(reply.created_at - timedelta(minutes=1))
        self.assertEqual(past.routing["thresholds"], {"small": 0.0, "large": 0.9})
        same = async_to_sync(replay.replay)(past, Policy())
        self.assertTrue(same.kept)
        self.assertEqual(len(self.small.prompts), 1)
        other = async_to_sync(replay.replay)(past, ALL_LARGE)
        self.assertTrue(other.kept)
        self.assertEqual((other.then.tier, other.now.tier), ("small", "large"))
        self.large.answer = "Swift Parcel delivers order 50001."
        self.assertFalse(async_to_sync(replay.replay)(past, ALL_LARGE).kept)
        self.assertEqual(Reply.objects.get().answer.text, RIGHT)


class TierRowTests(TestCase):
    def setUp(self) -> None:
        self.addCleanup(setattr, tiers._known, "until", 0.0)

    def add(self, *options: str) -> None:
        call_command("tier", "add", *options, stdout=mock.Mock())

    def test_without_any_the_settings_name_the_only_one(self) -> None:
        (only,) = tiers.read()
        self.assertEqual((only.name, len(only.servers)), ("default", 1))

    def test_each_has_its_servers_the_smallest_first(self) -> None:
        self.add("large", "--model=big", "--url=http://b:1/v1", "--from-difficulty=0.4")
        self.add("small", "--model=tiny", "--url=http://s1:1/v1", "--url=http://s2:1/v1")
        Tier.objects.create(name="unused", model="none")
        small, large = tiers.read()
        self.assertEqual((small.model, large.model), ("tiny", "big"))
        self.assertEqual(len(small.servers), 2)
        self.assertIs(tiers.read()[1].servers[0], large.servers[0])

    def test_no_server_outside_the_private_network(self) -> None:
        with self.assertRaisesMessage(CommandError, "outside the private network"):
            self.add("large", "--model=big", "--url=https://8.8.8.8/v1")
        self.assertFalse(Tier.objects.exists())
        with self.assertRaises(ValidationError):
            Server(tier=Tier(name="t", model="m"), url="ftp://files").full_clean()
