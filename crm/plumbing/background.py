"""Work that nobody waits for: a Celery task once the transaction is committed, and without a broker
a thread of this process."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import close_old_connections, transaction

logger = logging.getLogger("attune.background")
pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="background")
# Seconds within which further wishes for the same task are one.
SOON = 0.05
_soon: set[str] = set()


def later(task: Any, *arguments: Any) -> None:
    # Sent from a thread in both cases: a broker that is away must not hold up who commits.
    transaction.on_commit(lambda: pool.submit(start, task, arguments))


def soon(task: Any) -> None:
    """For a task that does all there is to do: once, however often it is wished for meanwhile."""
    transaction.on_commit(lambda: _arm(task))


def _arm(task: Any) -> None:
    if task.name in _soon:
        return
    _soon.add(task.name)
    timer = threading.Timer(SOON, pool.submit, (_run_soon, task))
    timer.daemon = True
    timer.start()


def _run_soon(task: Any) -> None:
    _soon.discard(task.name)  # Before it starts: what comes from now on is for the next one.
    start(task, ())


def start(task: Any, arguments: tuple[Any, ...]) -> None:
    close_old_connections()
    try:
        if settings.REDIS_URL:
            task.delay(*arguments)
        else:
            task.apply(arguments, throw=True)
    except Exception:
        logger.exception("%s could not be done", task.name)
    finally:
        close_old_connections()
