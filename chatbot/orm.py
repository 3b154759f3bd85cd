"""ORM work off the event loop.

By default Django runs all of it on one thread of the process, where a slow query in one chat
stalls every other. On PostgreSQL each call takes a thread and a pooled connection of its own;
SQLite, which has one writer anyway, keeps to the one thread.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings


def in_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a coroutine function. A transaction belongs inside, never around it."""
    if threads := _threads(settings.DATABASE_THREADS):
        return database_sync_to_async(function, thread_sensitive=False, executor=threads)
    return database_sync_to_async(function)


@cache
def _threads(count: int) -> ThreadPoolExecutor | None:
    return ThreadPoolExecutor(count, "orm") if count else None
