"""Background work: starts a Celery task once the transaction is committed or, without a broker,
runs it in a thread of this process."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import Q
from django.utils import timezone

logger = logging.getLogger("attune.background")
pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="background")
# For jobs of minutes, such as imports: they must not hold up events from the CRM.
slow = ThreadPoolExecutor(max_workers=2, thread_name_prefix="slow")
# Seconds within which repeated requests for the same task count as one.
SOON = 0.05
_soon: set[str] = set()


def later(task: Any, *arguments: Any) -> None:
    # A thread sends it even with a broker: one that is away must not hold up the commit.
    transaction.on_commit(lambda: pool.submit(start, task, arguments))


def slowly(task: Any, *arguments: Any) -> None:
    """Like `later`, for jobs that take minutes."""
    transaction.on_commit(lambda: slow.submit(start, task, arguments))


def soon(task: Any) -> None:
    """Run a task that does all waiting work, once for all the requests of the next SOON seconds."""
    transaction.on_commit(lambda: _arm(task))


def _arm(task: Any) -> None:
    if task.name in _soon:
        return
    _soon.add(task.name)
    timer = threading.Timer(SOON, pool.submit, (_run_soon, task))
    timer.daemon = True
    timer.start()


def _run_soon(task: Any) -> None:
    _soon.discard(task.name)  # Before it starts: later requests need another run.
    start(task, ())


def free() -> Q:
    """Select the rows that no worker holds by a lease, or whose worker has died."""
    return Q(lease_until=None) | Q(lease_until__lt=timezone.now())


def start(task: Any, arguments: tuple[Any, ...]) -> None:
    close_old_connections()
    try:
        if settings.REDIS_URL:
            task.delay(*arguments)
        else:
            task.apply(arguments, throw=True)
    except Exception:
        logger.exception("background task %s failed", task.name)
    finally:
        close_old_connections()
