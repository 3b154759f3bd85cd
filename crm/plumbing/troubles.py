"""What is wrong with the machine and not with what was asked of it: a full disk, a database that is
away or can only be read. In words to its operators, and as a status to who asked."""

import errno
import shutil
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError, connection
from django.db import Error as DatabaseError

FULL = {errno.ENOSPC, errno.EDQUOT}
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
# PostgreSQL's, and a stem of SQLite's own words.
READ_ONLY = ("25006", "readonly", "read-only")
NO_TABLE = ("42P01", "no such table")
DISK_FULL = ("53100", "is full")
# Seconds after which it is worth asking again.
AGAIN = 5


@dataclass(frozen=True)
class Trouble:
    """`text` is for the operators."""

    status: int
    text: str

    @property
    def told(self) -> str:
        """To who asked; the operators' log says more."""
        if self.status == 507:
            return "There is no room to store this: nothing was kept. The operators' log says more."
        return "Nothing can be stored at the moment: nothing was kept. Please send it again later."


def trouble(error: BaseException) -> Trouble | None:
    """None where the error is something else."""
    if getattr(error, "errno", None) in FULL or of_database(error, DISK_FULL):
        return Trouble(507, no_room())
    if isinstance(error, OSError) and error.errno in FORBIDDEN and error.filename:
        text = f"{error.filename} may not be used by this user: mend its rights, or set DATA_DIR."
        return Trouble(503, text)
    if of_database(error, READ_ONLY):
        return Trouble(503, READ_ONLY_TEXT)
    if of_database(error, NO_TABLE):
        return Trouble(503, "The database lacks tables: type: python manage.py migrate")
    if isinstance(error, DatabaseError) and not isinstance(error, IntegrityError | DataError):
        text = f"The database cannot be used ({reason(error)}): check DATABASE_URL, DATA_DIR."
        return Trouble(503, text)
    return None


READ_ONLY_TEXT = (
    "The database can only be read (its role is read-only, or it is a standby): name in "
    "DATABASE_URL a role and a server that take writes."
)


def in_words(error: BaseException) -> str:
    found = trouble(error)
    return found.text if found else f"The operating system refused: {error}."


def of_database(error: BaseException, marks: tuple[str, ...]) -> bool:
    if not isinstance(error, DatabaseError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return any(mark == state or mark in str(error) for mark in marks)


def no_room(needed: str = "") -> str:
    free = shutil.disk_usage(settings.DATA_DIR).free // 1_000_000
    return (
        f"No space left in {settings.DATA_DIR}, or where the database lies: {needed}{free} MB are "
        "free here. Free some, or set DATA_DIR to a folder on another disk."
    )


def reason(error: BaseException) -> str:
    """In one line. A pool says only how long it has waited: then the server is asked directly."""
    if "couldn't get a connection" in str(error) and (why := refusal_of_postgresql()):
        return why
    return first_line(error)


def refusal_of_postgresql() -> str:
    """Why the server does not let us in; "" where it does."""
    import psycopg

    try:
        psycopg.connect(**parameters()).close()
    except psycopg.Error as error:
        return first_line(error)
    return ""


def parameters() -> dict[str, Any]:
    """For one connection past the pool; asked for so long, in seconds."""
    return {**connection.get_connection_params(), "connect_timeout": 2}


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
