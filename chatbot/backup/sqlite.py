"""SQLite's part of a backup: the database's file, as its own online backup copies it."""

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
    """A copy beside the backup's file, while writers go on. In one step: SQLite begins again, and
    perhaps never ends, where another process writes between two steps."""
    if not place().exists():
        raise BackupError(f"There is no database at {place()}: there is nothing to back up.")
    with NamedTemporaryFile(dir=near.parent, prefix=f".{near.name}.") as draft:
        with (
            closing(sqlite3.connect(f"file:{place()}?mode=ro", uri=True)) as live,
            closing(sqlite3.connect(draft.name)) as copy,
        ):
            live.backup(copy)
            # One file, without a log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
        yield Snapshot(Path(draft.name))


def place() -> Path:
    return Path(connection.settings_dict["NAME"])


def check_alone() -> None:
    """Whoever has it open would go on writing into the file that is replaced."""
    connection.close()
    if not place().exists():
        return
    try:
        with closing(sqlite3.connect(place(), timeout=0)) as database:
            # SQLite refuses this to all but the only one.
            [[mode]] = database.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError:
        mode = "locked"
    if mode != "delete":
        raise BackupError(f"Something has {place()} open: stop Attune, then restore.")


def restore(tar: tarfile.TarFile, manifest: Manifest, progress: Progress) -> None:
    """Beside the old one, then in its place."""
    draft = place().with_name(f".{place().name}.restored")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for _, source in archive.below(tar, "database"):
            shutil.copyfileobj(source, file, archive.PIECE)
        progress(file.tell())
        file.flush()
        os.fsync(file.fileno())
    for log in ("-wal", "-shm", "-journal"):  # A lost database's own would be played into this one.
        place().with_name(f"{place().name}{log}").unlink(missing_ok=True)
    draft.replace(place())
