"""What operators see: probes, metrics, logs, and the headers that keep browsers safe."""

import io
import json
import logging
import logging.config
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import override_settings

from chatbot import actions
from chatbot.logs import configured
from chatbot.models import Inbox, Visitor
from chatbot.reply.runner import run
from inference import catalogue
from inference.generation import ServerUnreachable
from tests.fakes import ALICE, FakeModelsTestCase

ROOT = Path(__file__).parents[2]
QUESTION = "has order 50001 been sent? my canary is Zanzibar"
PRODUCTION = {
    "DEBUG": "0",
    "DEMO": "0",
    "SECRET_KEY": "x7-" * 20 + "Qw9",
    "DATABASE_URL": "postgresql://attune@db/attune",
    "REDIS_URL": "redis://redis:6379",
    "ALLOWED_HOSTS": "chat.example",
    "BEHIND_TLS_PROXY": "1",
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
        _, reply = actions.receive(actions.conversation_of(alice), "m1", QUESTION)
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
