"""System checks that connect to the database and Redis: do they let Attune in and accept writes?

A server that does not answer may be started later, so that is only an Info.
"""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning, register
from django.db import connection

from chatbot.config.environment import PERCENT_ENCODE, taken_apart
from crm.plumbing import troubles

PARTS = "attune_parts"
# Seconds to wait for an answer.
PATIENCE = 2.0


@register(PARTS)
def database(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    return list(_postgresql() if connection.vendor == "postgresql" else _sqlite())


def _postgresql() -> Iterator[CheckMessage]:
    # Imported here, like Redis below: every command loads this module, and few need it.
    import psycopg

    database = settings.DATABASES["default"]
    server = f"PostgreSQL at {database['HOST']}:{database['PORT'] or 5432}"
    try:
        with psycopg.connect(**troubles.parameters()) as open:
            row = open.execute("SELECT current_setting('transaction_read_only')").fetchone()
    except psycopg.Error as error:
        why = troubles.first_line(error)
        if "FATAL" not in why:
            yield Info(f"{server} does not answer: {why}.", id="attune.I002")
            return
        text = f"{server} does not let Attune in: {why.partition('FATAL:')[2].strip()}."
        hint = f"Check user, password and name in DATABASE_URL; {PERCENT_ENCODE}."
        yield Error(text, hint=hint, id="attune.E010")
    else:
        if row and row[0] == "on":
            yield _read_only()


def _sqlite() -> Iterator[CheckMessage]:
    name = str(settings.DATABASES["default"]["NAME"])
    if os.path.exists(name) and not os.access(name, os.W_OK):  # noqa: PTH110 also :memory:
        yield _read_only()


def _read_only() -> CheckMessage:
    return Warning(
        "The database is read-only: no message and no record can be stored.",
        hint=troubles.READ_ONLY_TEXT,
        id="attune.W012",
    )


@register(PARTS)
def redis_server(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    return list(_redis()) if settings.REDIS_URL else []


def _redis() -> Iterator[CheckMessage]:
    """Check Redis by writing: a replica or a full server answers every read."""
    import redis

    try:
        taken_apart(settings.REDIS_URL)
        client = redis.Redis.from_url(
            f"{settings.REDIS_URL}/2", socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        )
    except ValueError:
        return  # E001 reports it.
    server = f"Redis at {urlsplit(settings.REDIS_URL).netloc.rpartition('@')[2]}"
    try:
        client.set("attune:check", 1, ex=1)
    except redis.AuthenticationError as error:
        hint = f"Set REDIS_URL=redis://:password@host:6379 with its password; {PERCENT_ENCODE}."
        yield Error(f"{server} does not let Attune in: {error}.", hint=hint, id="attune.E009")
    except redis.ResponseError as error:
        hint = "Name in REDIS_URL a server with free memory that takes writes, and a user that may."
        yield Error(f"{server} takes no writes: {error}.", hint=hint, id="attune.E011")
    except (redis.RedisError, OSError) as error:
        yield Info(f"{server} does not answer: {error}.", id="attune.I001")
    finally:
        client.close()
