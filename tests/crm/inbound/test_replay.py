"""After an outage: the shop's CRM was down for days, and is then sent what it has missed."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.utils import timezone

from crm.models import Delivery
from crm.outbound import courier
from tests.crm.outbound.test_outbound import OutboundTestCase, Sink, sink

pytestmark = pytest.mark.services


class Crm:
    """Keeps the ids of what it took, as the specification advises, and so does nothing twice."""

    def __init__(self, received: Sink) -> None:
        self.received = received
        self.looked = 0
        self.taken: set[str] = set()
        # What it has done, in the order in which it did it: messages' numbers.
        self.done: list[int] = []

    def take(self) -> int:
        """What has come since; how many of it were repetitions."""
        new = self.received.got[self.looked :]
        self.looked = len(self.received.got)
        for headers, body in new:
            if headers["webhook-id"] not in self.taken:
                self.taken.add(headers["webhook-id"])
                self.done.append(json.loads(body)["data"]["message"]["seq"])
        return self.looked - len(self.taken)


class ReplayTests(OutboundTestCase):
    def some_messages(self, first: int, last: int) -> None:
        for seq in range(first, last + 1):
            self.write(f"message {seq}", id=str(seq))

    async def days_pass(self) -> None:
        """All tries of the schedule."""
        for _ in range(len(courier.RETRY_AFTER) + 1):
            await self.carried()
            await sync_to_async(self.make_due)()

    def redeliver(self, *words: str) -> int:
        out = StringIO()
        call_command("webhooks", "redeliver", *words, "--json", stdout=out)
        return int(json.loads(out.getvalue())["count"])

    async def states(self) -> dict[str, int]:
        found: dict[str, int] = {}
        async for state in Delivery.objects.values_list("state", flat=True):
            found[state] = found.get(state, 0) + 1
        return found

    async def carried_until_nothing_is_due(self) -> None:
        while await self.carried():
            await sync_to_async(self.make_due)()

    async def test_after_days_without_a_receiver_everything_has_its_effect_once(self) -> None:
        async with sink() as server:
            crm = Crm(server)
            endpoint = await sync_to_async(self.endpoint)(server.url)
            await sync_to_async(self.some_messages)(2, 4)
            await self.carried()  # All is well.
            crm.take()
            # It takes some and does not come to answer: those are the ones that come twice.
            server.status = 503
            await sync_to_async(self.some_messages)(5, 6)
            await self.carried()
            crm.take()
            server.close()
            await sync_to_async(self.some_messages)(7, 12)
            await self.days_pass()
            await sync_to_async(self.some_messages)(13, 14)
            await self.carried()
            self.assertEqual(await self.states(), {"done": 3, "failed": 8, "pending": 2})
            self.assertEqual(crm.take(), 0)
            server.status = 200
            await server.open()
            words = ("--endpoint", str(endpoint.id), "--since", "3h")
            self.assertEqual(await sync_to_async(self.redeliver)(*words), 13)
            await self.carried_until_nothing_is_due()
            repeated = crm.take()
            self.assertEqual(await self.states(), {"done": 13})
            self.assertEqual(sorted(crm.done), list(range(2, 15)), "each once, none missing")
            self.assertEqual(repeated, 5, "the three it had, and the two it had not answered")
            await sync_to_async(self.redeliver)(*words)
            await self.carried_until_nothing_is_due()
            self.assertEqual((crm.take(), len(crm.done)), (18, 13), "once more changes nothing")

    async def test_only_the_range_that_was_asked_for_is_sent_again(self) -> None:
        async with sink() as server:
            crm = Crm(server)
            endpoint = await sync_to_async(self.endpoint)(server.url)
            await sync_to_async(self.some_messages)(2, 4)
            before = timezone.now() - timedelta(hours=5)
            await Delivery.objects.aupdate(created_at=before)
            await sync_to_async(self.some_messages)(5, 5)
            await self.carried()
            crm.take()
            words = ("--endpoint", str(endpoint.id), "--since", "2h")
            self.assertEqual(await sync_to_async(self.redeliver)(*words), 1)
            await self.carried()
            self.assertEqual((crm.take(), sorted(crm.done)), (1, [2, 3, 4, 5]))

    async def test_in_order_it_is_caught_up_in_order(self) -> None:
        async with sink(status=503) as server:
            endpoint = await sync_to_async(self.endpoint)(server.url, ordered=True)
            await sync_to_async(self.some_messages)(2, 8)
            server.close()
            for _ in range(3):
                await self.days_pass()
            server.status = 200
            await server.open()
            words = ("--endpoint", str(endpoint.id), "--since", "3h")
            await sync_to_async(self.redeliver)(*words)
            await self.carried_until_nothing_is_due()
            crm = Crm(server)
            crm.take()
            self.assertEqual(crm.done, list(range(2, 9)))
