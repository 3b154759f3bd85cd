"""Conversations whose agent has gone while the customer waits for an answer go back in line."""

import asyncio
import logging
from uuid import UUID

from chatbot.conversation import agents
from chatbot.people import presence
from crm.plumbing.threads import in_thread

logger = logging.getLogger("attune.deserted")
LOOKS_EVERY = 10.0
# Looks in a row: after an outage of the database every agent seems gone, until their pages say
# within presence.BEATS_EVERY that they are not.
GONE_AFTER = 4


async def look_for_ever() -> None:
    gone: dict[UUID, int] = {}
    while True:
        await asyncio.sleep(LOOKS_EVERY)
        try:
            gone = await in_thread(count_looks, gone)
        except Exception as error:
            # The database may be away for a moment; the next look is soon.
            logger.warning("no look for deserted conversations: %s", error)


def count_looks(gone: dict[UUID, int]) -> dict[UUID, int]:
    """For how many looks nobody has been there for those who wait for their agent."""
    now = {id: gone.get(id, 0) + 1 for id in presence.deserted().values_list("id", flat=True)}
    for id, looks in now.items():
        if looks >= GONE_AFTER:
            agents.take_from_who_left(id)
    return now
