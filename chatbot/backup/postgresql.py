"""PostgreSQL's part of a backup: each table's rows, as COPY writes them, from one snapshot.

It does not use pg_dump: the containers have none, and one of another version refuses the server.
The applied migrations create the tables again.
"""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from psycopg import IsolationLevel, sql

from chatbot.backup import archive
from chatbot.backup.archive import BackupError, Manifest, Progress, Writer
from crm.plumbing import troubles

ENGINE = "postgresql"
# Bytes of a table that make one member; they are in memory until it is written.
PART = 32 << 20
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
# Generated columns are not copied: the table computes them.
COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = %s AND is_generated = 'NEVER'
ORDER BY ordinal_position
"""
SEQUENCES = """
SELECT sequencename, last_value FROM pg_sequences
WHERE schemaname = current_schema() AND last_value IS NOT NULL
"""
OTHERS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class Snapshot:
    def __init__(self, open: "psycopg.Connection[Any]") -> None:
        self.open = open

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.open.execute(query).fetchall()

    def add_to(self, writer: Writer) -> dict[str, Any]:
        """Add every table. Sequences stand outside the snapshot: read last, none is behind."""
        columns = {table: self.columns(table) for (table,) in self.rows(TABLES)}
        for table, names in columns.items():
            for number, part in enumerate(self.parts(table, names)):
                writer.add_bytes(f"database/{table}/{number:06}", part)
        return {"columns": columns, "sequences": dict(self.rows(SEQUENCES))}

    def columns(self, table: str) -> list[str]:
        return [name for (name,) in self.open.execute(COLUMNS, [table])]

    def parts(self, table: str, columns: list[str]) -> Iterator[bytes]:
        part = bytearray()
        with self.open.cursor().copy(copied(table, columns, "TO STDOUT")) as rows:
            for row in rows:
                part += row
                if len(part) >= PART:
                    yield bytes(part)
                    part.clear()
        yield bytes(part)


@contextmanager
def snapshot(near: Path) -> Iterator[Snapshot]:
    with psycopg.connect(**troubles.parameters()) as open:
        open.isolation_level, open.read_only = IsolationLevel.REPEATABLE_READ, True
        yield Snapshot(open)


def copied(table: str, columns: list[str], how: str) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) " + how).format(sql.Identifier(table), names)


def check_alone() -> None:
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    with psycopg.connect(**troubles.parameters()) as open:
        row = open.execute(OTHERS).fetchone()
    if row and row[0]:
        text = f"{row[0]} other connections to the database are open: stop Attune"
        raise BackupError(f"{text} (web, worker, beat), then restore.")


def restore(tar: tarfile.TarFile, manifest: Manifest, progress: Progress) -> None:
    """Restore in one transaction: whatever goes wrong, the database is as before."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TABLES)
        if present := [table for (table,) in cursor.fetchall()]:
            cursor.execute(sql.SQL("DROP TABLE {} CASCADE").format(listed(present)))
        make_tables(manifest)
        # The backup also holds the rows that the migrations have just inserted.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql.SQL("TRUNCATE {}").format(listed(manifest.database["columns"])))
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        fill(tar, manifest.database["columns"], progress)
        for sequence, value in manifest.database["sequences"].items():
            cursor.execute("SELECT setval(to_regclass(quote_ident(%s)), %s)", [sequence, value])


def listed(tables: Any) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, tables))


def make_tables(manifest: Manifest) -> None:
    """Create the tables by the migrations that the backup names."""
    executor = MigrationExecutor(connection)
    applied = set(manifest.migrations) & set(executor.loader.graph.nodes)
    nodes = executor.loader.graph.node_map
    last = [
        key
        for key in sorted(applied)
        if not any(child.key in applied and child.key[0] == key[0] for child in nodes[key].children)
    ]
    executor.migrate(last)


def fill(tar: tarfile.TarFile, columns: dict[str, list[str]], progress: Progress) -> None:
    parts = archive.below(tar, "database")
    for table, members in groupby(parts, key=lambda part: part[0].partition("/")[0]):
        statement = copied(table, columns[table], "FROM STDIN")
        with connection.connection.cursor().copy(statement) as rows:
            for _, source in members:
                while piece := source.read(archive.PIECE):
                    rows.write(piece)
                    progress(len(piece))
