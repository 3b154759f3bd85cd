"""Periodic checks of a process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

logger = logging.getLogger("attune.every")


async def every(seconds: float, look: Callable[[], Awaitable[Any]], without: str) -> None:
    """Call `look` after each pause, for ever. A failure is logged, beginning with `without`: the
    database may be away for a moment, and the next look comes soon."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await look()
        except Exception as error:
            logger.warning("%s: %s", without, error)
