"""Runs ORM calls in threads, off the event loop.

By default Django runs all of them on one thread of the process, where a slow query in one chat
stalls every other. On PostgreSQL each call takes a thread and a pooled connection of its own;
SQLite, which has one writer anyway, keeps to the one thread.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from functools import cache, partial
from typing import Any, ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")
# Set in such a thread: the event loop that waits for it.
loop: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("loop", default=None)


async def in_thread(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call the function in an ORM thread. Open transactions inside the function, not around it."""
    call = partial(_call, asyncio.get_running_loop(), function, *arguments, **named)
    if threads := _threads(settings.DATABASE_THREADS):
        # Not through asgiref, which takes 122 µs of CPU for a call in a thread; this takes 64 µs
        # (2026-11-29, two shared AVX2 cores, others at work).
        work = threads.submit(copy_context().run, _with_connections, call)
        return await asyncio.wrap_future(work)
    result: T = await database_sync_to_async(call)()
    return result


def _call(running: asyncio.AbstractEventLoop, function: Any, *arguments: Any, **named: Any) -> Any:
    token = loop.set(running)
    try:
        return function(*arguments, **named)
    finally:
        loop.reset(token)


def _with_connections(call: Callable[[], T]) -> T:
    """Call with a connection that works, and give it back to the pool afterwards."""
    close_old_connections()
    try:
        return call()
    finally:
        close_old_connections()


@cache
def _threads(count: int) -> ThreadPoolExecutor | None:
    return ThreadPoolExecutor(count, "orm") if count else None
