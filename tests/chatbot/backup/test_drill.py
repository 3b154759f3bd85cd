"""A drill: Attune is backed up under load, destroyed and restored, and whatever had been promised
before the backup is there."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

# Each starts ten processes of Attune: too long for the fast tests, which have test_archive.py.
pytestmark = [
    pytest.mark.skipif("ATTUNE_SERVICES" not in os.environ, reason="make test-services drills"),
    pytest.mark.services,
]

ROOT = Path(__file__).parents[3]
SEEN = 6
NUMBERS = "SELECT conversation_id, seq FROM chatbot_message ORDER BY conversation_id, seq"
FILES = "SELECT file FROM chatbot_attachment"


class Attune:
    """One that is run by its commands, on a database and a folder of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.env = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(folder),
            "DATABASE_URL": url,
            "SECRET_KEY": "alice's",
        }

    def manage(self, *words: object) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "manage.py", *map(str, words)]
        return subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=300
        )

    def succeeds(self, *words: object) -> str:
        done = self.manage(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fails(self, *words: object) -> str:
        done = self.manage(*words)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr

    @contextmanager
    def busy(self) -> Iterator[list[list[str]]]:
        """Messages and files come in; yields what has been promised, once that is some of each."""
        promised: list[list[str]] = []
        running = [self.load("writer", "40", "shop"), self.load("uploads", "20", "art")]
        try:
            for process in running:
                promised += [self.heard(process) for _ in range(SEEN)]
            yield promised
        finally:
            for process in running:
                process.kill()
                process.communicate()

    def load(self, name: str, rate: str, inbox: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", f"tests.load.{name}", "5000", rate, inbox]
        return subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, text=True)

    def heard(self, process: "subprocess.Popen[str]") -> list[str]:
        assert process.stdout
        line = process.stdout.readline()
        assert line, "the load has ended"
        return line.split()

    def rows(self, query: str) -> list[Any]:
        url = self.env["DATABASE_URL"]
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(urlsplit(url).path)) as database:
                return database.execute(query).fetchall()
        with psycopg.connect(url) as database:
            return database.execute(query).fetchall()


@pytest.fixture(params=["PostgreSQL", "SQLite"])
def attune(tmp_path: Path, request: pytest.FixtureRequest) -> Attune:
    """With the tables of a new database, and nothing in them."""
    folder = tmp_path / "data"
    folder.mkdir()
    if request.param == "SQLite":
        made = Attune(folder, f"sqlite://{folder / 'attune.sqlite3'}")
    else:
        made = Attune(folder, empty_database())
    made.succeeds("migrate", "-v", "0")
    return made


def empty_database() -> str:
    """Return the URL of a new database; two processes of the tests do not share it."""
    name = "drill_" + os.environ.get("PYTEST_XDIST_WORKER", "alone")
    url = urlsplit(os.environ["DATABASE_URL"])
    with psycopg.connect(url.geturl(), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name}")
        server.execute(f"CREATE DATABASE {name}")
    return urlunsplit(url._replace(path=f"/{name}"))


def destroy(attune: Attune) -> None:
    shutil.rmtree(attune.folder)
    attune.folder.mkdir()
    if attune.env["DATABASE_URL"].startswith("postgres"):
        empty_database()


def test_what_was_promised_before_a_backup_is_there_after_its_restore(
    attune: Attune, tmp_path: Path
) -> None:
    heads = attune.folder / "sentiment"
    (heads / "v1").mkdir(parents=True)
    (heads / "v1" / "heads.npz").write_bytes(b"learned here")
    (heads / "active").write_text("v1\n")
    reranker = attune.folder / "reranking"
    reranker.mkdir()
    (reranker / "model.int8.onnx").write_bytes(b"trained here")
    file = tmp_path / "monday.backup"
    with attune.busy() as promised:
        before = [*promised]
        attune.succeeds("backup", file)
    assert file.stat().st_mode & 0o777 == 0o600
    destroy(attune)
    assert "index refresh" in attune.succeeds("restore", file)

    numbers = attune.rows(NUMBERS)
    conversations = Counter(str(conversation).replace("-", "") for conversation, _ in numbers)
    for name, digest in before:
        if digest.isdecimal():
            assert conversations[name.replace("-", "")] >= int(digest), "a message was lost"
        else:
            data = (attune.folder / "attachments" / name).read_bytes()
            assert hashlib.sha256(data).hexdigest() == digest
    for conversation, count in Counter(conversation for conversation, _ in numbers).items():
        found = [seq for one, seq in numbers if one == conversation]
        assert found == list(range(1, count + 1)), "a number is missing or stands twice"
    for (name,) in attune.rows(FILES):
        assert (attune.folder / "attachments" / name).is_file()
    assert (heads / "v1" / "heads.npz").read_bytes() == b"learned here"
    assert (reranker / "model.int8.onnx").read_bytes() == b"trained here"


@pytest.mark.parametrize("attune", ["PostgreSQL"], indirect=True)
def test_a_restore_that_would_harm_is_refused_and_one_that_is_meant_replaces(
    attune: Attune, tmp_path: Path
) -> None:
    file, damaged = tmp_path / "monday.backup", tmp_path / "damaged.backup"
    with attune.busy():
        attune.succeeds("backup", file, "--with-secrets")
        assert "stop Attune" in attune.fails("restore", file, "--replace")
    assert "choose another name" in attune.fails("backup", file)
    written = attune.rows(NUMBERS)
    assert "not empty" in attune.fails("restore", file)
    damaged.write_bytes(file.read_bytes().replace(b"change 1", b"charge 1", 1))
    assert "is not as it was written" in attune.fails("restore", damaged, "--replace")
    assert attune.rows(NUMBERS) == written

    attune.succeeds("restore", file, "--replace")
    restored = attune.rows(NUMBERS)
    assert 0 < len(restored) <= len(written)
    assert (attune.folder / "secret_key").read_text() == "alice's"
    assert "No changes" in attune.succeeds("makemigrations", "--check", "--dry-run")
    with attune.busy() as promised:  # New rows take numbers that no old one has.
        assert len(promised) == 2 * SEEN
    assert len(attune.rows(NUMBERS)) > len(restored)
