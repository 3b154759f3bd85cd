"""SQLite's part of a backup: the database file, copied by SQLite's online backup."""

import os
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.db import connection

from chatbot.backup import archive
from chatbot.backup.archive import BackupError, Manifest, Progress, Writer

ENGINE = "sqlite"
MEMBER = "database/attune.sqlite3"


class Snapshot:
    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as database:
            return database.execute(query).fetchall()

    def add_to(self, writer: Writer) -> dict[str, Any]:
        with self.path.open("rb") as file:
            writer.add(MEMBER, file, self.path.stat().st_size)
        return {}


@contextmanager
def snapshot(near: Path) -> Iterator[Snapshot]:
    """Copy the database to a file beside the backup, while writers go on.

    In one step: with several, SQLite starts again whenever another process writes in between, and
    may never end.
    """
    if not place().exists():
        raise BackupError(f"There is no database at {place()}: nothing to back up.")
    with NamedTemporaryFile(dir=near.parent, prefix=f".{near.name}.") as draft:
        with (
            closing(sqlite3.connect(f"file:{place()}?mode=ro", uri=True)) as live,
            closing(sqlite3.connect(draft.name)) as copy,
        ):
            live.backup(copy)
            # One file, without a write-ahead log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
        yield Snapshot(Path(draft.name))


def place() -> Path:
    return Path(connection.settings_dict["NAME"])


def check_alone() -> None:
    """Raise BackupError if another process has the file open: it would write into the old one."""
    connection.close()
    if not place().exists():
        return
    try:
        with closing(sqlite3.connect(place(), timeout=0)) as database:
            # SQLite allows this only to the only connection.
            [[mode]] = database.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError:
        mode = "locked"
    if mode != "delete":
        raise BackupError(f"Something has {place()} open: stop Attune, then restore.")


def restore(tar: tarfile.TarFile, manifest: Manifest, progress: Progress) -> None:
    """Write the database beside the old one, then replace that."""
    draft = place().with_name(f".{place().name}.restored")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for _, source in archive.below(tar, "database"):
            shutil.copyfileobj(source, file, archive.PIECE)
        progress(file.tell())
        file.flush()
        os.fsync(file.fileno())
    for log in (
        "-wal",
        "-shm",
        "-journal",
    ):  # The old database's logs would be replayed into this one.
        place().with_name(f"{place().name}{log}").unlink(missing_ok=True)
    draft.replace(place())
