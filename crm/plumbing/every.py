"""Looks that a process takes again and again while it lives."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

logger = logging.getLogger("attune.every")


async def every(seconds: float, look: Callable[[], Awaitable[Any]], without: str) -> None:
    """Take the look after each pause. One that fails is logged as `without` says: the database may
    be away for a moment, and the next look is soon."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await look()
        except Exception as error:
            logger.warning("%s: %s", without, error)
