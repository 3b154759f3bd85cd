"""Failures of the machine, not of the request: a full disk, a database that is away or read-only.
Each becomes a message to the operators and an HTTP status for the client."""

import errno
import shutil
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError, connection
from django.db import Error as DatabaseError

FULL = {errno.ENOSPC, errno.EDQUOT}
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
# PostgreSQL's error codes, and parts of SQLite's messages.
READ_ONLY = ("25006", "readonly", "read-only")
NO_TABLE = ("42P01", "no such table")
DISK_FULL = ("53100", "is full")
# Seconds after which a client should try again.
AGAIN = 5


@dataclass(frozen=True)
class Trouble:
    """`text` is for the operators."""

    status: int
    text: str

    @property
    def public_text(self) -> str:
        """The message to the client, which gives away nothing about the machine."""
        if self.status == 507:
            return "There is no room, so nothing was kept. The operators' log says more."
        return "Nothing can be stored now, so nothing was kept. Please send it again later."


def trouble(error: BaseException) -> Trouble | None:
    """Return the trouble behind an error, or None if the error has another cause."""
    if getattr(error, "errno", None) in FULL or of_database(error, DISK_FULL):
        return Trouble(507, no_room())
    if isinstance(error, OSError) and error.errno in FORBIDDEN and error.filename:
        text = f"This user may not use {error.filename}: change its permissions, or set DATA_DIR."
        return Trouble(503, text)
    if of_database(error, READ_ONLY):
        return Trouble(503, READ_ONLY_TEXT)
    if of_database(error, NO_TABLE):
        return Trouble(503, "The database lacks tables. Type: python manage.py migrate")
    if isinstance(error, DatabaseError) and not isinstance(error, IntegrityError | DataError):
        text = f"The database cannot be used ({reason(error)}): check DATABASE_URL and DATA_DIR."
        return Trouble(503, text)
    return None


READ_ONLY_TEXT = (
    "The database can only be read (its role is read-only, or it is a standby): set DATABASE_URL "
    "to a role and a server that accept writes."
)


def described(error: BaseException) -> str:
    known = trouble(error)
    return known.text if known else f"The operating system refused: {error}."


def of_database(error: BaseException, marks: tuple[str, ...]) -> bool:
    if not isinstance(error, DatabaseError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return any(mark == state or mark in str(error) for mark in marks)


def no_room(needed: str = "") -> str:
    free = shutil.disk_usage(settings.DATA_DIR).free // 1_000_000
    return (
        f"No space left in {settings.DATA_DIR} or on the database's disk: {needed}{free} MB are "
        "free here. Free some space, or set DATA_DIR to a folder on another disk."
    )


def reason(error: BaseException) -> str:
    """Return the reason in one line. A pool says only how long it waited, so after its error ask
    the server itself."""
    if "couldn't get a connection" in str(error) and (why := refusal_of_postgresql()):
        return why
    return first_line(error)


def refusal_of_postgresql() -> str:
    """Try to connect. Returns why the server refuses, or "" if it does not."""
    import psycopg

    try:
        psycopg.connect(**parameters()).close()
    except psycopg.Error as error:
        return first_line(error)
    return ""


def parameters() -> dict[str, Any]:
    """Return the parameters of one connection that bypasses the pool."""
    return {**connection.get_connection_params(), "connect_timeout": 2}  # seconds


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
