"""A backup of an older release is restored into this one: every row is there, under the schema of
today."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db.migrations.loader import MigrationLoader

from tests.chatbot.backup.test_drill import NUMBERS, ROOT, Attune

pytestmark = pytest.mark.slow

AT = "2026-11-01 10:00:00"
LEDGER = [
    NUMBERS,
    "SELECT id, seq, text FROM chatbot_message ORDER BY id",
    "SELECT id, name FROM crm_customer ORDER BY id",
    "SELECT id, customer_id, title, text FROM crm_record ORDER BY id",
    "SELECT record_id, position, text FROM crm_passage ORDER BY id",
]
EMPTY = {"datetime": AT, "integer": 0, "bigint": 0, "smallint": 0, "bool": 0, "real": 0}
# Before customers of several systems were told apart, and visitors followed them.
OLDER = """
import django; django.setup()
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
executor = MigrationExecutor(connection)
leaves = [one for one in executor.loader.graph.leaf_nodes() if one[0] not in {"chatbot", "crm"}]
older = [("chatbot", "0019_contact_confirmed"), ("crm", "0009_states")]
executor.migrate([*older, *leaves])
"""


@pytest.fixture
def older(tmp_path: Path) -> Attune:
    """With a database as that release has left it."""
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "attune.sqlite3"
    found = Attune(tmp_path / "data", f"sqlite://{path}")
    env = {**found.env, "DJANGO_SETTINGS_MODULE": "chatbot.settings"}
    subprocess.run([sys.executable, "-c", OLDER], cwd=ROOT, env=env, check=True)
    with closing(sqlite3.connect(path)) as database, database:
        for number in range(20):
            lived(database, number)
    return found


def lived(database: sqlite3.Connection, number: int) -> None:
    """One customer with an order, who has written."""
    customer, record = f"alice_{number}", f"order:{number}"
    put(database, "crm_customer", id=customer, name=f"Alice {number}")
    order = {"id": record, "customer_id": customer, "kind": "order", "title": f"Order {number}"}
    put(database, "crm_record", **order, text="It is on its way.")
    put(database, "crm_passage", record_id=record, customer_id=customer, text="It is on its way.")
    inbox = put(database, "chatbot_inbox", key=f"shop{number}", name="Shop")
    visitor, talk = f"a{number:031}", f"c{number:031}"
    put(database, "chatbot_visitor", id=visitor, inbox_id=inbox, customer_id=customer)
    put(database, "chatbot_conversation", id=talk, visitor_id=visitor, state="bot")
    for seq in (1, 2):
        told = {"conversation_id": talk, "seq": seq, "author": "customer"}
        put(database, "chatbot_message", **told, text=f"Where is order {number}? {seq}")


def put(database: sqlite3.Connection, table: str, **given: Any) -> int | None:
    """A row; what is needed beside the given is nothing, or a time."""
    for _, name, kind, needed, default, key in database.execute(f"PRAGMA table_info({table})"):
        if needed and default is None and name not in given and not key:
            given[name] = EMPTY.get(kind.split(" ")[0], "")
            if is_json(database, table, name):
                given[name] = "{}"
    marks = ", ".join("?" * len(given))
    row = database.execute(
        f"INSERT INTO {table} ({', '.join(given)}) VALUES ({marks})", [*given.values()]
    )
    return row.lastrowid


def is_json(database: sqlite3.Connection, table: str, column: str) -> bool:
    """Django has the database check it."""
    [[made]] = database.execute("SELECT sql FROM sqlite_master WHERE name = ?", [table])
    return f'JSON_VALID("{column}")' in made


def test_every_row_is_there_and_the_schema_is_todays(older: Attune, tmp_path: Path) -> None:
    ledger = [older.rows(query) for query in LEDGER]
    assert [len(rows) for rows in ledger] == [40, 40, 20, 20, 20]
    older.succeeds("backup", tmp_path / "older.backup")
    today = Attune(tmp_path / "today", f"sqlite://{tmp_path}/today/attune.sqlite3")
    today.folder.mkdir()
    today.succeeds("restore", tmp_path / "older.backup")
    assert [today.rows(query) for query in LEDGER] == ledger
    applied = set(today.rows("SELECT app, name FROM django_migrations"))
    assert applied >= set(MigrationLoader(None).disk_migrations)
    assert today.rows("PRAGMA foreign_key_check") == []
