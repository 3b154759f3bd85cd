"""ORM work off the event loop.

By default Django runs all of it on one thread of the process, where a slow query in one chat
stalls every other. On PostgreSQL each call takes a thread and a pooled connection of its own;
SQLite, which has one writer anyway, keeps to the one thread.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import cache
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings

# In such a thread: the event loop that waits for it.
loop: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("loop", default=None)


def in_thread(function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """The function as a coroutine function. A transaction belongs inside, never around it."""
    threads = _threads(settings.DATABASE_THREADS)
    options: Any = {"thread_sensitive": False, "executor": threads} if threads else {}
    threaded = database_sync_to_async(function, **options)

    async def call(*arguments: Any) -> Any:
        token = loop.set(asyncio.get_running_loop())
        try:
            return await threaded(*arguments)
        finally:
            loop.reset(token)

    return call


@cache
def _threads(count: int) -> ThreadPoolExecutor | None:
    return ThreadPoolExecutor(count, "orm") if count else None
