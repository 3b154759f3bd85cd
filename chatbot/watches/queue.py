"""The line of customers who wait for a person: each is told their place as it changes, and when
nobody is there any more.

Each process asks the database once for all of its sockets, however many wait.
"""

import asyncio
import logging
from collections import defaultdict
from uuid import UUID

from chatbot.conversation import changes
from chatbot.models import Conversation, Inbox
from chatbot.people import away
from chatbot.wire import hints
from crm.plumbing.threads import in_thread

logger = logging.getLogger("attune.line")
LOOKS_EVERY = 2.0
# Who stands further back is told nothing yet.
LONGEST = 1_000
# Looks in a row without anybody: an agent who loads their page anew is not gone.
GONE_AFTER = 15
Told = tuple[int, set[int]]  # A place, and the sockets that know of it.
Queue = tuple[int, int | None]  # An inbox, and the team that was asked for.


async def watch_for_ever() -> None:
    told: dict[UUID, Told] = {}
    alone: dict[UUID, int] = {}
    while True:
        await asyncio.sleep(LOOKS_EVERY)
        try:
            told = await tell(told)
            alone = await in_thread(count_looks, alone)
        except Exception as error:
            # The database may be away for a moment; the next look is soon.
            logger.warning("no look at the line: %s", error)


async def tell(told: dict[UUID, Told]) -> dict[UUID, Told]:
    """Those whose place is another than they were told, or who have just come back; returns what
    they know now."""
    if not (here := hints.here()):
        return {}
    found = await in_thread(places)
    now = {one: (place, here[one]) for one, place in found.items() if one in here}
    for conversation, known in now.items():
        if told.get(conversation) != known:
            hints.tell_here(conversation, {"type": "queue.place", "position": known[0]})
    return now


def places() -> dict[UUID, int]:
    """From 1, in each inbox by who has waited longest; of nobody where nobody is there."""
    before: dict[int, int] = defaultdict(int)
    found = {}
    for conversation, (inbox, _) in reached(there=True):
        before[inbox] += 1
        found[conversation] = before[inbox]
    return found


def reached(there: bool) -> list[tuple[UUID, Queue]]:
    """Those who wait, and for whom somebody is there, or nobody."""
    waiting = Conversation.objects.filter(state=Conversation.State.WAITING, last_seq__gt=0)
    if not there:
        waiting = waiting.filter(away_at=None)
    rows = waiting.order_by("waiting_since").values_list("id", "visitor__inbox_id", "team_id")
    found = [(id, (inbox, team)) for id, inbox, team in rows[:LONGEST]]
    queues = {queue for _, queue in found}
    inboxes = Inbox.objects.in_bulk({inbox for inbox, _ in queues})
    manned = {queue: away.somebody_is_there(inboxes[queue[0]], queue[1]) for queue in queues}
    return [one for one in found if manned[one[1]] == there]


def count_looks(alone: dict[UUID, int]) -> dict[UUID, int]:
    """For how many looks nobody has been there for those who were not told so yet; tells them."""
    now = {id: alone.get(id, 0) + 1 for id, _ in reached(there=False)}
    for id, looks in now.items():
        if looks == GONE_AFTER:
            changes.nobody_came(id)
    return now
