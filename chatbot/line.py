"""The line of customers who wait for a person: each is told their place as it changes.

Each process asks the database once for all of its sockets, however many wait.
"""

import asyncio
import logging
from collections import defaultdict
from uuid import UUID

from chatbot import hints
from chatbot.models import Conversation
from crm.orm import in_thread

logger = logging.getLogger("attune.line")
LOOKS_EVERY = 2.0
# Who stands further back is told nothing yet.
LONGEST = 1_000


async def watch_for_ever() -> None:
    told: dict[UUID, int] = {}
    while True:
        await asyncio.sleep(LOOKS_EVERY)
        try:
            told = await tell(told)
        except Exception as error:
            # The database may be away for a moment; the next look is soon.
            logger.warning("no look at the line: %s", error)


async def tell(told: dict[UUID, int]) -> dict[UUID, int]:
    """Those whose place is another than they were told; returns what they know now."""
    if not (here := hints.here()):
        return {}
    found = await in_thread(places)()
    now = {conversation: place for conversation, place in found.items() if conversation in here}
    for conversation, place in now.items():
        if told.get(conversation) != place:
            hints.tell_here(conversation, {"type": "queue.place", "position": place})
    return now


def places() -> dict[UUID, int]:
    """From 1, in each inbox by who has waited longest."""
    waiting = Conversation.objects.filter(state=Conversation.State.WAITING, last_seq__gt=0)
    rows = waiting.order_by("waiting_since").values_list("id", "visitor__inbox_id")[:LONGEST]
    before: dict[int, int] = defaultdict(int)
    found = {}
    for conversation, inbox in rows:
        before[inbox] += 1
        found[conversation] = before[inbox]
    return found
