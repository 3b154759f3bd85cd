"""The door: what answers webhooks in service, before Django's middleware."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import override_settings

from crm import signing
from crm.inbound import views
from crm.inbound.reception import Reception
from crm.models import InboundEvent, Source
from tests.chatbot.console.test_agents import AgentsTestCase
from tests.crm.test_inbound import URL, order, upserted

pytestmark = pytest.mark.services


class DoorTests(AgentsTestCase):
    def setUp(self) -> None:
        super().setUp()
        views._sources.clear()
        self.addCleanup(views._sources.clear)

    async def ask(self, path: str, body: bytes, **how: Any) -> tuple[int, dict[str, str], Any]:
        headers = [(key.encode(), value.encode()) for key, value in how.get("headers", {}).items()]
        scope = {"type": "http", "path": path, "method": how.get("method", "POST")}
        halves = [body[: len(body) // 2], body[len(body) // 2 :]]
        pieces = [{"body": half, "more_body": not last} for last, half in enumerate(halves)]
        said: list[Any] = []

        async def receive() -> Any:
            return pieces.pop(0)

        async def send(message: Any) -> None:
            said.append(message)

        async def django(scope: Any, receive: Any, send: Any) -> None:
            await send({"status": 0, "headers": []})
            await send({"body": b'"Django"'})

        await views.webhooks_first(django)({**scope, "headers": headers}, receive, send)
        named = {key.decode(): value.decode() for key, value in said[0]["headers"]}
        return said[0]["status"], named, json.loads(said[1]["body"])

    async def test_an_event_is_taken_and_the_rest_is_djangos(self) -> None:
        source = await Source.objects.acreate(name="shop", secrets=signing.rotated([]))
        body = json.dumps(upserted(order())).encode()
        signed = signing.sign("e", datetime.now(UTC), body, [source.secrets[0]["secret"]])
        status, headers, said = await self.ask(URL, body, headers=signed)
        assert (status, said["status"]) == (202, "accepted")
        assert headers["content-type"] == "application/json"
        status, headers, said = await self.ask(URL, body)
        assert (status, headers["content-type"]) == (401, "application/problem+json")
        status, headers, _ = await self.ask(URL, b"", method="GET")
        assert (status, headers["allow"]) == (405, "POST")
        assert (await self.ask("/admin/", b""))[2] == "Django"
        assert (await self.ask(f"{URL}more/", b""))[2] == "Django"
        for name in ("a\x00b", "\x00", "\ud800", "a b", "ä", ""):
            status, _, said = await self.ask(f"/webhooks/crm/{name}/", body, headers=signed)
            assert (status, "no source" in said["detail"]) == (404, True), name

    @override_settings(WEBHOOK_MAX_BYTES=100)
    async def test_what_is_too_large_is_told_the_limit(self) -> None:
        await Source.objects.acreate(name="shop", secrets=[])
        status, _, said = await self.ask(URL, b"x" * 101)
        assert (status, "100 bytes" in said["detail"]) == (413, True)


class ReceptionTests(AgentsTestCase):
    async def test_a_sender_that_hangs_up_takes_no_neighbour_with_it(self) -> None:
        source = await Source.objects.acreate(name="shop", secrets=[])
        arrivals = Reception()
        made = [InboundEvent(source=source, event_id=str(n), changes=[]) for n in range(3)]
        waits = [asyncio.create_task(arrivals.keep(one)) for one in made]
        await asyncio.sleep(0)
        waits[0].cancel()
        with mock.patch("crm.inbound.reception.insert", side_effect=OperationalError("gone")):
            found = await asyncio.gather(*waits, return_exceptions=True)
        assert [type(one) for one in found[1:]] == [OperationalError] * 2
        assert await arrivals.keep(made[0])
