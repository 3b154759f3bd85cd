"""How events are carried: what goes wrong on the way is one delivery's own, and nobody else's."""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import sync_to_async
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.contrib.auth.models import Group, User
from django.core import mail
from django.db import OperationalError
from django.test import override_settings
from django.utils import timezone

from crm import tasks
from crm.models import Attempt, Delivery, Endpoint
from crm.outbound import courier, outbox
from crm.plumbing import background, destinations
from tests.crm.outbound.test_outbound import OutboundTestCase, Sink, sink

pytestmark = pytest.mark.services


def certificate(name: str, folder: Path) -> tuple[str, str]:
    """Files of a certificate for this name that vouches for itself, and of its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    (folder / "certificate").write_bytes(made.public_bytes(pem))
    return str(folder / "certificate"), str(folder / "key")


def resolver(*answers: list[str]) -> Callable[..., list[Any]]:
    """A name server that says something else each time."""
    said = iter(answers)

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", (address, port)) for address in next(said)]

    return resolve


class JourneyTests(OutboundTestCase):
    async def test_no_answer_in_time_is_a_failure(self) -> None:
        async with sink(waits=30) as crm:
            await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            with mock.patch("crm.outbound.courier.TIMEOUT", 0.05):
                await self.carried()
        self.assertEqual(courier.TIMEOUT, 15)
        attempt = await Attempt.objects.aget()
        self.assertIn("No answer within", attempt.error)
        self.assertEqual((await Delivery.objects.aget()).state, "pending")

    async def test_a_proxy_in_the_environment_is_not_asked(self) -> None:
        async with sink() as proxy, sink() as crm:
            await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            names = dict.fromkeys(["http_proxy", "HTTP_PROXY", "ALL_PROXY"], proxy.url)
            with mock.patch.dict("os.environ", names):
                await self.carried()
            self.assertEqual((len(crm.got), proxy.got), (1, []))

    async def test_a_name_is_resolved_once_and_reached_where_it_was_judged(self) -> None:
        """mallory's name server answers well when asked first, and badly after that."""
        async with sink() as crm:
            port = crm.url.split(":")[2].split("/")[0]
            rebinding = mock.Mock(side_effect=resolver(["127.0.0.1"], ["8.8.8.8"]))
            with (
                override_settings(WEBHOOK_ALLOWED=[f"localhost:{port}"]),
                mock.patch(
                    "crm.plumbing.destinations.check",
                    partial(destinations.check, resolve=rebinding),
                ),
            ):
                await sync_to_async(self.endpoint)(f"http://localhost:{port}/hook")
                await sync_to_async(self.write)()
                await self.carried()
            [(headers, _)] = crm.got
            self.assertEqual(headers["host"], f"localhost:{port}")
            self.assertEqual(rebinding.call_count, 1)

    async def test_tls_asks_for_the_name_and_checks_its_certificate(self) -> None:
        asked: list[str | None] = []
        with TemporaryDirectory() as folder:
            for name, well in (("localhost", True), ("elsewhere", False)):
                files = certificate(name, Path(folder))
                server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                server.load_cert_chain(*files)
                server.sni_callback = lambda _socket, name, _context: asked.append(name)
                with mock.patch.dict("os.environ", {"SSL_CERT_FILE": files[0]}):
                    got = await self.over_tls(server)
                self.assertEqual(bool(got), well, name)
        self.assertEqual(asked, ["localhost"] * 2)
        errors = [one.error async for one in Attempt.objects.exclude(error="")]
        self.assertIn("certificate verify failed", errors[0])

    async def over_tls(self, context: ssl.SSLContext) -> list[Any]:
        """What arrives at https://localhost, which is told to be at 127.0.0.1."""
        await Endpoint.objects.all().adelete()
        crm = Sink()
        server = await asyncio.start_server(crm.serve, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        check = partial(destinations.check, resolve=resolver(["127.0.0.1"]))
        with (
            override_settings(WEBHOOK_ALLOWED=[f"https://localhost:{port}"]),
            mock.patch("crm.plumbing.destinations.check", check),
        ):
            await sync_to_async(self.endpoint)(f"https://localhost:{port}/hook")
            await sync_to_async(self.write)(id=f"n{port}")
            await self.carried()
        server.close()
        return crm.got

    async def test_a_cloudevent_says_that_it_is_one(self) -> None:
        async with sink() as crm:
            await sync_to_async(self.endpoint)(crm.url, cloudevents=True)
            await sync_to_async(self.write)()
            await self.carried()
            [(headers, body)] = crm.got
            self.assertEqual(headers["content-type"], "application/cloudevents+json")
            self.assertEqual(json.loads(body)["id"], headers["webhook-id"])

    async def test_an_answer_is_kept_as_it_came_and_not_unpacked(self) -> None:
        async with sink(body="x" * 10_000, headers="content-encoding: gzip\r\n") as crm:
            await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            await self.carried()
            self.assertEqual(crm.got[0][0]["accept-encoding"], "identity")
        self.assertEqual((await Attempt.objects.aget()).answer, "x" * courier.KEPT_OF_ANSWER)

    async def test_whatever_goes_wrong_counts_as_a_try(self) -> None:
        async with sink() as crm:
            await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            with mock.patch("crm.outbound.courier.headers", side_effect=RuntimeError("unheard of")):
                await self.carried()
        one = await Delivery.objects.aget()
        self.assertEqual((one.state, one.tries), ("pending", 1))
        self.assertEqual((await Attempt.objects.aget()).error, "unheard of")

    async def test_a_name_server_that_does_not_answer_holds_up_nobody_else(self) -> None:
        async with sink() as crm:
            await sync_to_async(self.endpoint)("http://silent:80/")
            well = await sync_to_async(self.endpoint)(crm.url)
            for number in range(courier.PLACES):
                await sync_to_async(self.write)("x", id=f"x{number}")
            over, real = threading.Event(), destinations.check

            def check(url: str) -> Any:
                return over.wait() if "silent" in url else real(url)

            with mock.patch("crm.plumbing.destinations.check", check):
                carrying = asyncio.create_task(self.carried())
                while len(crm.got) < courier.PLACES:
                    await asyncio.sleep(0.01)
                over.set()
                await carrying
            self.assertEqual(await well.deliveries.filter(state="done").acount(), courier.PLACES)

    async def test_an_endpoint_that_asks_to_be_left_alone_is_and_others_are_not(self) -> None:
        async with sink(status=429, headers="retry-after: 900\r\n") as crm:
            busy = await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            await self.carried()
            await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)(id="n2")
            self.assertEqual(await self.carried(), 1, "the other one's")
            self.assertEqual(await busy.deliveries.filter(tries=0).acount(), 1)
            crm.status, crm.headers = 200, ""
            await sync_to_async(outbox.again)(busy.deliveries.all())
            self.assertEqual(await self.carried(), 2, "whoever asks for it knows better")


class ResultTests(OutboundTestCase):
    async def test_what_arrived_while_the_database_was_away_is_not_sent_again(self) -> None:
        async with sink() as crm, courier.client() as sender:
            await sync_to_async(self.endpoint)(crm.url)
            await sync_to_async(self.write)()
            keep = mock.Mock(side_effect=[OperationalError("gone"), None])
            carrier, real = courier.Courier(sender), courier.keep

            def once_away(results: list[Any]) -> None:
                keep(results)
                real(results)

            with (
                mock.patch("crm.outbound.courier.keep", once_away),
                mock.patch("crm.outbound.courier.LOOKS_EVERY", 0),
            ):
                await carrier.take()
                await asyncio.gather(*carrier.tasks)
                assert carrier.writing
                await carrier.writing
            self.assertEqual((await Delivery.objects.aget()).state, "done")
            self.assertEqual(keep.call_count, 2)

    async def test_a_late_failure_does_not_undo_what_another_process_delivered(self) -> None:
        await sync_to_async(self.endpoint)()
        await sync_to_async(self.write)()
        [late] = await sync_to_async(courier.claim)([], 10)
        past = timezone.now() - timedelta(seconds=1)
        await Delivery.objects.aupdate(lease_until=past)
        [again] = await sync_to_async(courier.claim)([], 10)
        well, ill = Attempt(delivery=again, status=200), Attempt(delivery=late, status=500)
        await sync_to_async(courier.keep)([(late, ill, 0.0)])
        self.assertEqual((await Delivery.objects.aget()).state, "running")
        await sync_to_async(courier.keep)([(again, well, 0.0)])
        self.assertEqual((await Delivery.objects.aget()).state, "done")

    async def test_an_endpoint_deleted_meanwhile_spoils_nobodys_results(self) -> None:
        gone = await sync_to_async(self.endpoint)()
        await sync_to_async(self.endpoint)()
        await sync_to_async(self.write)()
        found = await sync_to_async(courier.claim)([], 10)
        await gone.adelete()
        rows = [(one, Attempt(delivery=one, status=200), 0.0) for one in found]
        await sync_to_async(courier.keep)(rows)
        self.assertEqual((await Delivery.objects.aget()).state, "done")

    def test_a_message_is_stored_although_another_process_has_deleted_an_endpoint(self) -> None:
        endpoint = self.endpoint()
        outbox.endpoints()
        Endpoint.objects.filter(id=endpoint.id)._raw_delete("default")  # type: ignore[attr-defined]
        self.write("are you there?")
        self.assertEqual(self.conversation.messages.filter(text="are you there?").count(), 1)
        self.assertEqual(courier.claim([], 10), [])


class NoticeTests(OutboundTestCase):
    def test_those_who_can_mend_it_are_told_once_by_mail(self) -> None:
        ada = User.objects.create_user("ada", email="ada@shop.example", is_staff=True)
        ada.groups.add(Group.objects.get(name="Administrator"))
        User.objects.create_user("charlie", email="charlie@shop.example", is_staff=True)
        endpoint = self.endpoint("https://crm.corp:8443/hook")
        with mock.patch.object(background, "later") as later:
            for _ in range(2):
                courier.switch_off(endpoint, "It answered 410: it wants no more events.")
        self.assertEqual(later.mock_calls, [mock.call(tasks.mail_switched_off, endpoint.id)])
        tasks.mail_switched_off(endpoint.id)
        [letter] = mail.outbox
        self.assertEqual(letter.to, ["ada@shop.example"])
        for part in ("https://crm.corp:8443/hook", "410", f"/admin/crm/endpoint/{endpoint.id}/"):
            self.assertIn(part, letter.body)

    def test_the_sidebar_says_how_many_are_off(self) -> None:
        endpoint = self.endpoint("https://crm.corp:8443/hook")
        User.objects.create_superuser("root", password="x")
        self.client.force_login(User.objects.get(username="root"))
        self.assertNotContains(self.client.get("/admin/"), "1 off")
        courier.switch_off(endpoint, "It answered 410: it wants no more events.")
        self.assertContains(self.client.get("/admin/"), "1 off")
