"""What operators see: probes, metrics, logs, and the headers that keep browsers safe."""

import io
import json
import logging
import logging.config
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import override_settings

from chatbot.asgi import behind_proxies
from chatbot.conversation import customers
from chatbot.models import Inbox, Visitor
from chatbot.reply.runner import run
from chatbot.telemetry.logs import configured
from inference.generation.client import ServerUnreachable
from inference.models import catalogue
from tests.fakes import ALICE, FakeModelsTestCase

ROOT = Path(__file__).parents[3]
QUESTION = "has order 50001 been sent? my canary is Zanzibar"
PRODUCTION = {
    "DEBUG": "0",
    "DEMO": "0",
    "SECRET_KEY": "x7-" * 20 + "Qw9",
    "DATABASE_URL": "postgresql://attune@db/attune",
    "REDIS_URL": "redis://redis:6379",
    "ALLOWED_HOSTS": "chat.example",
    "BEHIND_TLS_PROXY": "1",
    "TRUSTED_PROXIES": "10.0.0.5",
    "HSTS_SUBDOMAINS": "1",
    "SLM_URL": "http://vllm:8000/v1",
}


class OperationsTests(FakeModelsTestCase):
    def setUp(self) -> None:
        super().setUp()
        # A TestCase never commits: news leaves at once here.
        self.enterContext(mock.patch("django.db.transaction.on_commit", lambda news: news()))
        self.inbox = Inbox.objects.create(key="shop", name="Shop", origins=["https://shop.example"])

    def talk(self) -> None:
        alice = Visitor.objects.create(inbox=self.inbox, customer_id=ALICE)
        self.generator.answer = "Order 50001 was sent on 3 November 2026. It is pink."
        _, reply = customers.receive(customers.conversation_of(alice), "m1", QUESTION)
        async_to_sync(run)(reply.id)

    def test_metrics_count_what_happened_and_name_nobody(self) -> None:
        self.talk()
        page = self.client.get("/metrics").content.decode()
        for line in (
            'attune_messages_total{sentiment="neutral"}',
            'attune_replies_total{state="answered",tier="default"}',
            "attune_withheld_sentences_total",
            "attune_first_sentence_seconds_bucket",
            'gen_ai_client_operation_duration_seconds_count{attune_tier="default",'
            'gen_ai_operation_name="chat"',
        ):
            self.assertIn(line, page)
        self.assertNotIn(ALICE, page)
        self.assertNotIn("Zanzibar", page)

    def test_log_lines_carry_ids_and_no_text(self) -> None:
        out = io.StringIO()
        with mock.patch("sys.stderr", out):
            logging.config.dictConfig(configured(as_json=True, level="DEBUG"))
            self.generator.error = ServerUnreachable("gone")
            self.talk()
            self.client.get("/livez?said=Zanzibar")
        logging.config.dictConfig(configured(as_json=False, level=""))
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        self.assertTrue(any("conversation" in line and "reply" in line for line in lines), lines)
        self.assertTrue(any("request_id" in line for line in lines))
        ours = [line for line in lines if not line["logger"].startswith("django.db")]
        self.assertNotIn("Zanzibar", str(ours))

    def test_only_an_inboxs_own_sites_may_frame_its_widget(self) -> None:
        policy = self.client.get("/widget/shop/")["Content-Security-Policy"]
        self.assertIn("frame-ancestors 'self' https://shop.example", policy)
        self.assertNotIn("unsafe", policy)
        for path in ("/", "/admin/login/", "/api/docs", "/livez"):
            policy = self.client.get(path)["Content-Security-Policy"]
            self.assertIn("frame-ancestors 'none'", policy, path)
            self.assertIn("object-src 'none'", policy, path)

    def test_agents_see_the_tiers(self) -> None:
        self.client.force_login(User.objects.create_superuser("dora"))
        self.assertContains(self.client.get("/admin/chatbot/tier/"), "language model tier")
        self.assertContains(self.client.get("/admin/chatbot/tier/add/"), "From difficulty")

    @override_settings(DEBUG=False)
    def test_a_process_is_ready_while_one_model_server_is_well(self) -> None:
        self.generator.models = mock.AsyncMock(return_value=["fake"])
        self.assertEqual(self.client.get("/readyz").status_code, 200)
        self.generator.models = mock.AsyncMock(side_effect=ServerUnreachable("gone"))
        answer = self.client.get("/readyz")
        self.assertEqual(answer.status_code, 503)
        self.assertIn("no language model can be used: gone", answer.json()["detail"])
        self.assertEqual(self.client.get("/livez").status_code, 200)


FORWARDED = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-proto", b"https")]


@pytest.mark.parametrize(
    ("peer", "trusted", "believed"),
    [
        ("127.0.0.1", [], False),
        ("::1", [], False),
        ("10.0.0.5", [], False),
        ("10.0.0.5", ["10.0.0.5"], True),
        ("10.0.0.6", ["10.0.0.5"], False),
        ("10.1.2.3", ["10.0.0.5", "10.1.0.0/16"], True),
        ("127.0.0.1", ["10.0.0.0/8"], False),
        ("127.0.0.1", ["127.0.0.1"], True),
        ("fd00::5", ["fd00::/8"], True),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_only_a_trusted_proxy_says_who_asks(
    kind: str, peer: str, trusted: list[str], believed: bool
) -> None:
    seen = {}

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)

    with override_settings(TRUSTED_PROXIES=trusted):
        application = behind_proxies(asked)
    scope = {"type": kind, "scheme": "http", "client": (peer, 4711), "headers": FORWARDED}
    async_to_sync(application)(scope, None, None)
    assert seen["client"][0] == ("203.0.113.9" if believed else peer)
    assert (seen["scheme"] != "http") is believed


@pytest.mark.parametrize("file", ["deploy/docker/attune.Dockerfile", "serve.py"])
def test_uvicorn_itself_believes_nobody(file: str) -> None:
    """Its default believes this machine."""
    path = ROOT / "chatbot/management/commands/serve.py" if file == "serve.py" else ROOT / file
    assert '"--no-proxy-headers"' in path.read_text()


@pytest.mark.slow
def test_the_production_settings_pass_djangos_own_check(tmp_path: Path) -> None:
    lay("encoder", tmp_path)
    own = {"DATA_DIR": str(tmp_path), "ATTUNE_MODELS": str(tmp_path)}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    env = {"PATH": os.environ["PATH"], **own, **PRODUCTION}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def lay(model: str, folder: Path) -> None:
    """Files of its names and sizes, which is what the check looks at."""
    found = catalogue.find(model)
    sizes = {file.path: file.bytes for file in found.files} | dict.fromkeys(found.made, 1)
    for name, size in sizes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as file:
            file.truncate(size)
