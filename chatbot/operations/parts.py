"""Checks that ask the database and Redis themselves: whether they let us in, and take what is
written. One that does not answer may be started later, so that is said and no more."""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
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
    given = settings.DATABASES["default"]
    place = f"PostgreSQL at {given['HOST']}:{given['PORT'] or 5432}"
    try:
        with psycopg.connect(**troubles.parameters()) as asked:
            row = asked.execute("SELECT current_setting('transaction_read_only')").fetchone()
    except psycopg.Error as error:
        why = troubles.first_line(error)
        if "FATAL" not in why:
            yield Info(f"{place} does not answer: {why}.", id="attune.I002")
            return
        text = f"{place} does not let us in: {why.partition('FATAL:')[2].strip()}."
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
        "The database can only be read: no message and no record could be stored.",
        hint=troubles.READ_ONLY_TEXT,
        id="attune.W012",
    )


@register(PARTS)
def redis_server(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    return list(_redis()) if settings.REDIS_URL else []


def _redis() -> Iterator[CheckMessage]:
    """By writing: a replica, or one that is full, answers every question."""
    try:
        taken_apart(settings.REDIS_URL)
        asked = redis.Redis.from_url(
            f"{settings.REDIS_URL}/2", socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        )
    except ValueError:
        return  # E001 says so.
    place = f"Redis at {urlsplit(settings.REDIS_URL).netloc.rpartition('@')[2]}"
    try:
        asked.set("attune:check", 1, ex=1)
    except redis.AuthenticationError as error:
        hint = f"Set REDIS_URL=redis://:password@host:6379 with its password; {PERCENT_ENCODE}."
        yield Error(f"{place} does not let us in: {error}.", hint=hint, id="attune.E009")
    except redis.ResponseError as error:
        hint = "Name in REDIS_URL a server that takes writes, with a user that may write, and room."
        yield Error(f"{place} takes no writes: {error}.", hint=hint, id="attune.E011")
    except (redis.RedisError, OSError) as error:
        yield Info(f"{place} does not answer: {error}.", id="attune.I001")
    finally:
        asked.close()
