"""Work that nobody waits for: a Celery task once the transaction is committed, and without a broker
a thread of this process."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import close_old_connections, transaction

logger = logging.getLogger("attune.background")
pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="background")


def later(task: Any, *arguments: Any) -> None:
    # Sent from a thread in both cases: a broker that is away must not hold up who commits.
    transaction.on_commit(lambda: pool.submit(start, task, arguments))


def start(task: Any, arguments: tuple[Any, ...]) -> None:
    close_old_connections()
    try:
        task.delay(*arguments) if settings.REDIS_URL else task.apply(arguments, throw=True)
    except Exception:
        logger.exception("%s could not be done", task.name)
    finally:
        close_old_connections()
