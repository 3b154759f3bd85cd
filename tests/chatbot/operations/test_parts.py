"""Set-up faults that used to show at the first customer: a password that is wrong or unencoded, a
database or a Redis that takes no writes, a disk without room."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.test import override_settings

from chatbot.config.environment import database, taken_apart
from chatbot.models import Attachment, Message, attachment_storage
from chatbot.operations import parts
from chatbot.people import identity
from tests.chatbot.sockets import SocketTestCase

pytestmark = pytest.mark.services

ROOT = Path(__file__).parents[3]
UNENCODED = ["p@ss/w:rd#1%", "p/ss", "pa#ss", "pa?ss", "pa[ss", "a]b", "/hunter", "12/34"]


@pytest.mark.parametrize("password", UNENCODED)
@pytest.mark.parametrize("scheme", ["postgresql", "redis"])
def test_a_password_that_must_be_encoded_is_said_to_and_not_shown(
    scheme: str, password: str
) -> None:
    with pytest.raises(ValueError, match="percent-encode the password") as told:
        taken_apart(f"{scheme}://app:{password}@db:5432/attune")
    assert password not in str(told.value)


@pytest.mark.parametrize("password", ["p%2Fss%231", "plain", "a:b", "a@b", "100%25", ""])
def test_a_password_that_stands_there_whole_is_taken(password: str) -> None:
    parts = taken_apart(f"postgresql://app:{password}@db:5432/attune")
    assert (parts.hostname, parts.port, parts.path) == ("db", 5432, "/attune")


def test_a_database_url_with_such_a_password_or_port_is_refused_by_name() -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL .*percent-encode the password"):
        database("postgresql://app:p@ss/w:rd#1%@127.0.0.1:5440/attune", pool=1)
    for port in ("x", "99999", "-1"):
        with pytest.raises(ImproperlyConfigured, match="its port is not a number"):
            database(f"postgresql://app:x@db:{port}/attune", pool=1)


def test_what_a_database_url_asks_for_besides_reaches_the_server() -> None:
    options: Any = database("postgresql://app:x@db/attune?sslmode=verify-full", pool=1)["OPTIONS"]
    assert options["sslmode"] == "verify-full"


def ids(messages: list[Any]) -> list[str]:
    return [str(message.id) for message in messages]


@pytest.mark.parametrize(
    ("error", "id"),
    [
        (redis.AuthenticationError("WRONGPASS invalid username-password pair"), "attune.E009"),
        (redis.AuthenticationError("NOAUTH Authentication required."), "attune.E009"),
        (redis.exceptions.ReadOnlyError("You can't write against a read only replica"), "E011"),
        (redis.exceptions.OutOfMemoryError("command not allowed"), "attune.E011"),
        (redis.exceptions.NoPermissionError("NOPERM no permissions"), "attune.E011"),
        (redis.ConnectionError("Connection refused"), "attune.I001"),
        (redis.TimeoutError("Timeout"), "attune.I001"),
    ],
)
@override_settings(REDIS_URL="redis://:hunter2@127.0.0.1:6390")
def test_redis_is_written_to_and_its_refusal_named(error: Exception, id: str) -> None:
    with mock.patch("redis.Redis.set", side_effect=error):
        [message] = parts.redis_server()
    assert str(message.id).endswith(id)
    assert "hunter2" not in str(message) + str(message.hint)


@override_settings(REDIS_URL="redis://:p@ss/w:rd#1%@127.0.0.1:6390")
def test_a_redis_url_that_is_none_is_not_asked() -> None:
    assert parts.redis_server() == []


@pytest.mark.skipif("ATTUNE_SERVICES" not in os.environ, reason="needs PostgreSQL and Redis")
class TestServices:
    def test_services_that_let_us_in_and_take_writes_are_left_alone(self) -> None:
        assert [*parts.database(), *parts.redis_server()] == []

    def test_a_wrong_password_is_an_error_that_says_so(self, settings: Any) -> None:
        settings.REDIS_URL = settings.REDIS_URL.replace(":", ":x", 2).replace(":x//", "://")
        assert ids(parts.redis_server()) == ["attune.E009"]
        wrong = connection.settings_dict | {"PASSWORD": "wrong"}
        with mock.patch.object(connection, "settings_dict", wrong):
            [message] = parts.database()
        assert message.id == "attune.E010"
        assert "password authentication failed" in message.msg

    def test_a_role_that_may_only_read_is_named(self) -> None:
        options = "-c default_transaction_read_only=on"
        given = connection.settings_dict
        reading = given | {"OPTIONS": given["OPTIONS"] | {"options": options}}
        with mock.patch.object(connection, "settings_dict", reading):
            assert ids(parts.database()) == ["attune.W012"]


@pytest.mark.slow
def test_a_wrong_setting_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/none/at/all.sqlite3"
    env = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "DATABASE_URL": url}
    command = [sys.executable, "manage.py", "migrate", "--skip-checks"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert "The database cannot be used (unable to open database file)" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@contextmanager
def read_only() -> Iterator[None]:
    """Meanwhile the database takes no writes, as a standby or a read-only role does not."""
    sqlite = connection.vendor == "sqlite"
    before = transaction.savepoint()
    run("PRAGMA query_only = 1" if sqlite else "SET TRANSACTION READ ONLY")
    try:
        yield
    finally:
        transaction.set_rollback(False)
        transaction.savepoint_rollback(before)  # PostgreSQL may write again by that.
        if sqlite:
            run("PRAGMA query_only = 0")


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


class TroubledTests(SocketTestCase):
    def session(self) -> Any:
        return self.client.post("/api/inboxes/shop/session/", {}, content_type="application/json")

    def upload(self) -> Any:
        image = (ROOT / "docs/widget.png").read_bytes()
        token, _ = identity.issue(self.alice)
        return self.client.post(
            "/api/attachments/",
            {"file": SimpleUploadedFile("a.png", image)},
            headers={"Authorization": f"Bearer {token}"},
        )

    def test_a_database_that_only_reads_is_not_ready(self) -> None:
        self.generator.models = mock.AsyncMock(return_value=["fake"])
        self.assertEqual(self.client.get("/readyz").status_code, 200)
        with read_only():
            answer = self.client.get("/readyz")
        self.assertEqual(answer.status_code, 503)
        self.assertIn("The database can only be read", answer.json()["detail"])

    def test_a_session_that_cannot_be_stored_is_a_problem_document(self) -> None:
        for debug in (True, False):
            with override_settings(DEBUG=debug), read_only(), self.assertLogs("attune.api") as log:
                answer = self.session()
            self.assertEqual(answer.status_code, 503)
            self.assertEqual(answer["Content-Type"], "application/problem+json")
            self.assertTrue(answer["Retry-After"])
            self.assertIn("nothing was kept", answer.json()["detail"])
            self.assertIn("a server that accept writes", "".join(log.output))

    def test_an_import_into_it_is_one_clear_line(self) -> None:
        file = Path(self.enterContext(TemporaryDirectory())) / "records.jsonl"
        file.write_text(
            '{"id": "a:1", "kind": "a", "customer": null, "title": "A", "text": "b", '
            '"updated_at": "2026-01-01T00:00:00Z"}\n'
        )
        with read_only(), self.assertRaisesMessage(CommandError, "The database can only be read"):
            call_command("import_records", str(file))

    def test_a_full_disk_refuses_an_upload_and_keeps_no_half_of_it(self) -> None:
        def half(self: Any, name: str, content: Any) -> str:
            path = Path(self.path(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read()[:10])
            raise OSError(errno.ENOSPC, "No space left on device")

        def files() -> set[Path]:
            """Other tests leave theirs there too."""
            return {
                path for path in Path(attachment_storage().path("")).rglob("*") if path.is_file()
            }

        kind, before = type(attachment_storage()), files()
        with mock.patch.object(kind, "_save", half), self.assertLogs("attune.api") as log:
            answer = self.upload()
        self.assertEqual(answer.status_code, 507)
        self.assertIn("no room", answer.json()["detail"])
        self.assertIn("set DATA_DIR", "".join(log.output))
        self.assertEqual(Attachment.objects.count(), 0)
        self.assertEqual(files(), before)

    def test_a_full_disk_of_the_database_says_so_too(self) -> None:
        full = OperationalError("database or disk is full")
        with (
            mock.patch("chatbot.people.identity.anonymous", side_effect=full),
            self.assertLogs("attune.api"),
        ):
            self.assertEqual(self.session().status_code, 507)

    async def test_a_message_that_cannot_be_stored_is_not_acknowledged(self) -> None:
        socket = await self.join()
        full = OperationalError("database or disk is full")
        with (
            mock.patch("chatbot.conversation.customers.append", side_effect=full),
            self.assertLogs("attune.socket") as log,
        ):
            await socket.say(type="message", id="m1", text="hello")
            [*_, error] = await socket.until(type="error")
        self.assertEqual((error["id"], error["code"]), ("m1", "internal"))
        self.assertTrue(error["retry_after"])
        self.assertNotIn("Traceback", "".join(log.output))
        self.assertFalse(await Message.objects.filter(client_id="m1").aexists())
        await socket.say(type="message", id="m1", text="hello")
        await socket.until(type="ack", id="m1")

    def test_a_disk_with_too_little_room_is_not_ready(self) -> None:
        if connection.vendor != "sqlite":
            self.skipTest("The disk is the database server's.")
        self.generator.models = mock.AsyncMock(return_value=["fake"])
        with mock.patch("shutil.disk_usage", return_value=mock.Mock(free=1_000_000)):
            answer = self.client.get("/readyz")
        self.assertEqual(answer.status_code, 503)
        self.assertIn("No space left in", answer.json()["detail"])
