"""Runs ORM calls in threads, off the event loop.

By default Django runs all of them on one thread of the process, where a slow query in one chat
stalls every other. On PostgreSQL each call takes a thread and a pooled connection of its own;
SQLite, which has one writer anyway, keeps to the one thread.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import cache
from typing import Any, ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings

P = ParamSpec("P")
T = TypeVar("T")
# Set in such a thread: the event loop that waits for it.
loop: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("loop", default=None)


async def in_thread(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call the function in an ORM thread. Open transactions inside the function, not around it."""
    threads = _threads(settings.DATABASE_THREADS)
    options: Any = {"thread_sensitive": False, "executor": threads} if threads else {}
    token = loop.set(asyncio.get_running_loop())
    try:
        result: T = await database_sync_to_async(function, **options)(*arguments, **named)
        return result
    finally:
        loop.reset(token)


@cache
def _threads(count: int) -> ThreadPoolExecutor | None:
    return ThreadPoolExecutor(count, "orm") if count else None
