"""Events out: alice writes, the CRM listens; a sink on this machine plays the CRM."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone
from standardwebhooks import Webhook

from chatbot.conversation import agents, customers
from crm import signing
from crm.models import Attempt, Delivery, Endpoint
from crm.outbound import courier, outbox
from tests.chatbot.console.test_agents import AgentsTestCase

pytestmark = pytest.mark.services

CARD = "4111 1111 1111 1111"


@dataclass
class Sink:
    """An endpoint's server: answers as it is told, keeps what it was sent."""

    status: int = 200
    headers: str = ""
    body: str = "ok"
    waits: float = 0.0
    port: int = 0
    got: list[tuple[dict[str, str], str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def open(self) -> None:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Whoever connects now is refused."""
        self.server.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await self.head(reader):
            lines = head.decode().split("\r\n")[1:-2]
            named = {name.lower(): value for name, value in (one.split(": ", 1) for one in lines)}
            body = (await reader.readexactly(int(named["content-length"]))).decode()
            self.got.append((named, body))
            await asyncio.sleep(self.waits)
            answer = f"HTTP/1.1 {self.status} x\r\ncontent-length: {len(self.body)}\r\n"
            writer.write(f"{answer}{self.headers}\r\n{self.body}".encode())
            await writer.drain()

    async def head(self, reader: asyncio.StreamReader) -> bytes:
        """b"" where the courier has hung up."""
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]


@asynccontextmanager
async def sink(**values: Any) -> AsyncIterator[Sink]:
    made = Sink(**values)
    await made.open()
    with override_settings(WEBHOOK_ALLOWED=[f"127.0.0.1:{made.port}"]):
        yield made
    made.close()


class OutboundTestCase(AgentsTestCase):
    def setUp(self) -> None:
        super().setUp()
        outbox.forget()
        self.addCleanup(outbox.forget)

    def endpoint(self, url: str = "http://crm:80/", **values: Any) -> Endpoint:
        made = Endpoint.objects.create(url=url, secrets=signing.rotated([]), **values)
        outbox.forget()
        return made

    def write(self, text: str = "hello", id: str = "n1") -> None:
        customers.receive(self.conversation, id, text)

    def types(self) -> list[str]:
        return list(Delivery.objects.order_by("id").values_list("type", flat=True))

    async def carried(self) -> int:
        """Everything that is due, once."""
        async with courier.client() as sender:
            found = await sync_to_async(courier.claim)([], 100)
            sent = await asyncio.gather(*(courier.send(sender, one) for one in found))
            rows = [(one, *result) for one, result in zip(found, sent, strict=True)]
            await sync_to_async(courier.keep)(rows)
        return len(found)

    def make_due(self) -> None:
        Delivery.objects.filter(state="pending").update(next_at=timezone.now())


class EventTests(OutboundTestCase):
    def test_each_change_is_told_in_its_own_words(self) -> None:
        self.endpoint()
        self.write("this is terrible")
        agents.take_over(self.conversation, self.dora)
        agents.resolve(self.conversation, self.dora)
        customers.rate(self.conversation, 4, "fine")
        self.assertEqual(
            self.types(),
            [
                "sentiment.alert",
                "message.created",
                "conversation.assigned",
                "message.created",
                "conversation.resolved",
                "message.created",
                "csat.submitted",
            ],
        )

    def test_a_change_that_is_rolled_back_is_not_told(self) -> None:
        from django.db import transaction

        self.endpoint()
        with pytest.raises(RuntimeError), transaction.atomic():
            self.write()
            raise RuntimeError
        self.assertEqual(self.types(), [])

    def test_an_endpoint_is_told_what_it_wants(self) -> None:
        self.endpoint(events=["conversation.handed_off"])
        self.endpoint(inboxes=["other"])
        self.write()
        customers.hand_off(self.conversation, "The customer asked for a person.")
        self.assertEqual(self.types(), ["conversation.handed_off"])

    def test_thin_full_and_masked(self) -> None:
        self.endpoint(events=["message.created"])
        self.endpoint(events=["message.created"], full=True)
        self.endpoint(events=["message.created"], full=True, masked=False)
        self.write(f"my card is {CARD}")
        thin, full, plain = (
            json.loads(one.body) for one in Delivery.objects.order_by("endpoint_id")
        )
        self.assertEqual((thin["type"], "timestamp" in thin), ("message.created", True))
        self.assertNotIn("text", thin["data"]["message"])
        self.assertEqual(full["data"]["message"]["text"], "my card is [card]")
        self.assertEqual(plain["data"]["message"]["text"], f"my card is {CARD}")

    def test_in_a_cloudevents_envelope(self) -> None:
        self.endpoint(cloudevents=True)
        self.write()
        one = Delivery.objects.get()
        body = json.loads(one.body)
        self.assertEqual((body["specversion"], body["id"]), ("1.0", one.event_id))
        self.assertEqual(body["data"]["message"]["seq"], 2)


class DeliveryTests(OutboundTestCase):
    async def test_what_arrives_is_signed_and_verifies(self) -> None:
        async with sink() as crm:
            endpoint = await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)("grüß dich ✓")
            self.assertEqual(await self.carried(), 1)
            [(headers, body)] = crm.got
            secret = endpoint.secrets[0]["secret"]
            self.assertEqual(Webhook(secret).verify(body, headers)["type"], "message.created")
            self.assertEqual(headers["content-type"], "application/json")
            done = await Delivery.objects.aget()
            self.assertEqual((done.state, done.event_id), ("done", headers["webhook-id"]))
            self.assertEqual(await self.carried(), 0)

    async def test_while_a_secret_is_changed_both_sign(self) -> None:
        async with sink() as crm:
            endpoint = await sync_to_async(self.endpoint)(crm.url)
            old = endpoint.secrets[0]["secret"]
            endpoint.secrets = signing.rotated(endpoint.secrets)
            await endpoint.asave()
            await sync_to_async(self.write)()
            await self.carried()
            [(headers, body)] = crm.got
            for secret in (old, endpoint.secrets[0]["secret"]):
                Webhook(secret).verify(body, headers)

    async def test_what_fails_is_tried_again_by_the_schedule_under_the_same_id(self) -> None:
        async with sink(status=500, body="x" * 5000) as crm:
            await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            for number, seconds in enumerate([*courier.RETRY_AFTER, None], start=1):
                self.assertEqual(await self.carried(), 1)
                one = await Delivery.objects.aget()
                self.assertEqual(one.tries, number)
                if seconds is None:
                    break
                wait = (one.next_at - timezone.now()).total_seconds()
                self.assertTrue(0.9 * seconds - 5 < wait <= 1.1 * seconds + 1, (number, wait))
                self.assertEqual(await self.carried(), 0, "not before its time")
                await sync_to_async(self.make_due)()
            self.assertEqual(one.state, "failed")
            self.assertEqual(len(set(crm.ids())), 1)
            attempt = await Attempt.objects.order_by("id").afirst()
            assert attempt
            self.assertEqual((attempt.status, len(attempt.answer)), (500, courier.KEPT_OF_ANSWER))

    async def test_retry_after_is_honoured(self) -> None:
        async with sink(status=429, headers="retry-after: 900\r\n") as crm:
            await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            await self.carried()
            wait = ((await Delivery.objects.aget()).next_at - timezone.now()).total_seconds()
            self.assertTrue(890 < wait <= 901, wait)

    async def test_each_attempt_keeps_the_headers_that_were_sent(self) -> None:
        async with sink(status=503) as crm:
            await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            await self.carried()
            kept = (await Attempt.objects.aget()).request
            got, _ = crm.got[0]
            self.assertEqual(
                {name.lower(): kept[name] for name in kept}.items() - got.items(), set()
            )
            self.assertIn("webhook-signature", kept)

    async def test_a_redirect_is_a_failure_and_not_followed(self) -> None:
        async with sink() as other:
            async with sink(status=302, headers=f"location: {other.url}\r\n") as crm:
                await sync_to_async(self.endpoint)(crm.url)
                await sync_to_async(self.write)()
                await self.carried()
            self.assertEqual(other.got, [])
            self.assertEqual((await Delivery.objects.aget()).state, "pending")

    async def test_410_switches_the_endpoint_off_and_its_events_wait(self) -> None:
        async with sink(status=410) as crm:
            await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            await self.carried()
            endpoint = await Endpoint.objects.aget()
            self.assertEqual((endpoint.active, "410" in endpoint.trouble), (False, True))
            await sync_to_async(self.make_due)()
            self.assertEqual(await self.carried(), 0)
            crm.status = 200
            await Endpoint.objects.aupdate(active=True)
            self.assertEqual(await self.carried(), 1)

    async def test_after_five_days_of_failure_it_is_switched_off(self) -> None:
        async with sink(status=503) as crm:
            await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            await self.carried()
            endpoint = await Endpoint.objects.aget()
            self.assertTrue(endpoint.active and endpoint.failing_since)
            past = timezone.now() - timedelta(days=5, minutes=1)
            await Endpoint.objects.aupdate(failing_since=past)
            await sync_to_async(self.make_due)()
            await self.carried()
            self.assertFalse((await Endpoint.objects.aget()).active)

    async def test_an_endpoint_that_is_not_listed_is_never_contacted(self) -> None:
        async with sink() as crm:
            await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            with override_settings(WEBHOOK_ALLOWED=[]):
                await self.carried()
            self.assertEqual(crm.got, [])
            attempt = await Attempt.objects.aget()
            self.assertIn("refused unless listed", attempt.error)

    async def test_what_a_dead_process_was_carrying_is_carried_by_another(self) -> None:
        async with sink() as crm:
            await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            await sync_to_async(courier.claim)([], 100)
            self.assertEqual(await self.carried(), 0)
            await Delivery.objects.aupdate(lease_until=timezone.now() - timedelta(seconds=1))
            self.assertEqual(await self.carried(), 1)
            self.assertEqual(len(crm.got), 1)

    async def test_in_order_one_waits_for_the_one_before(self) -> None:
        async with sink(status=500) as crm:
            await sync_to_async(self.endpoint)(crm.url, ordered=True)
            for number in range(3):
                await sync_to_async(self.write)(f"number {number}", id=str(number))
            self.assertEqual(await self.carried(), 1)
            self.assertEqual(await self.carried(), 0, "the first one is not through")
            crm.status = 200
            await sync_to_async(self.make_due)()
            while await self.carried():
                await sync_to_async(self.make_due)()
            seqs = [json.loads(body)["data"]["message"]["seq"] for _, body in crm.got]
            self.assertEqual(seqs, [2, 2, 3, 4])

    async def test_a_slow_endpoint_leaves_the_others_their_places(self) -> None:
        async with sink() as crm:
            slow = await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            await sync_to_async(self.endpoint)(crm.url)
            for number in range(20):
                await sync_to_async(self.write)("x", id=f"x{number}")
            found = await sync_to_async(courier.claim)([], 100)
            shares = [sum(one.endpoint_id == id for one in found) for id in (slow.id, slow.id + 1)]
            self.assertEqual(shares, [courier.PLACES] * 2)
            others = await sync_to_async(courier.claim)([slow.id], 100)
            self.assertEqual({one.endpoint_id for one in others}, {slow.id + 1})


class CommandTests(OutboundTestCase):
    def run_command(self, *words: str) -> Any:
        from io import StringIO

        out = StringIO()
        call_command("webhooks", *words, "--json", stdout=out)
        return json.loads(out.getvalue())

    @override_settings(WEBHOOK_ALLOWED=["127.0.0.1:9000"])
    def test_add_endpoint_prints_what_the_receiver_needs(self) -> None:
        url = "http://127.0.0.1:9000/hook"
        made = self.run_command("add-endpoint", url, "--event", "message.created")
        endpoint = Endpoint.objects.get(id=made["id"])
        self.assertEqual(made["secret"], endpoint.secrets[0]["secret"])
        self.assertEqual((endpoint.url, endpoint.events), (url, ["message.created"]))
        sent = self.run_command("send-test", str(endpoint.id))
        self.assertEqual(Delivery.objects.get().event_id, sent["event"])
        self.write()
        Delivery.objects.update(state="failed")
        self.assertEqual(self.run_command("redeliver", "--failed")["count"], 2)
        again = self.run_command("redeliver", "--endpoint", str(endpoint.id), "--since", "2h")
        self.assertEqual(again["count"], 2)

    def test_an_endpoint_elsewhere_is_refused_with_what_to_do(self) -> None:
        with pytest.raises(CommandError, match="add 8.8.8.8:443 to WEBHOOK_ALLOWED"):
            self.run_command("add-endpoint", "https://8.8.8.8/")
        for words in (["send-test", "9"], ["redeliver"], ["redeliver", "--failed", "--since", "x"]):
            with pytest.raises(CommandError):
                self.run_command(*words)
