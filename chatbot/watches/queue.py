"""Tells customers who wait for a person their place in the queue, and when nobody is there any
more.

Each process asks the database once for all of its sockets, however many are waiting.
"""

from collections import defaultdict
from uuid import UUID

from django.db.models import QuerySet

from chatbot.conversation import changes
from chatbot.models import Conversation, Inbox
from chatbot.people import away
from chatbot.wire import hints
from crm.plumbing.threads import in_thread
from crm.plumbing.tick import Job

LOOKS_EVERY = 2.0
# Customers further back do not see their place yet.
LONGEST = 1_000
# Looks in a row without an agent: one who reloads their page is not gone.
GONE_AFTER = 15
Shown = tuple[int, set[int]]  # A place, and the sockets that were sent it.
Queue = tuple[int, int | None]  # An inbox, and the team that was asked for.


def job() -> Job:
    shown: dict[UUID, Shown] = {}
    alone: dict[UUID, int] = {}

    async def look() -> None:
        nonlocal shown, alone
        shown = await send_places(shown)
        alone = await in_thread(count_looks, alone)

    return Job(LOOKS_EVERY, look, "could not look at the queue", queued)


def queued() -> QuerySet[Conversation]:
    return Conversation.objects.filter(state=Conversation.State.WAITING, last_seq__gt=0)


async def send_places(shown: dict[UUID, Shown]) -> dict[UUID, Shown]:
    """Send their place to customers for whom it has changed or who have a new socket. Returns what
    each of them has been sent."""
    if not (here := hints.here()):
        return {}
    numbers = await in_thread(places)
    now = {id: (place, here[id]) for id, place in numbers.items() if id in here}
    for conversation, place in now.items():
        if shown.get(conversation) != place:
            hints.deliver_here(conversation, {"type": "queue.place", "position": place[0]})
    return now


def places() -> dict[UUID, int]:
    """Number the waiting conversations of each inbox from 1, longest wait first. Those for whom no
    agent is there have no place."""
    before: dict[int, int] = defaultdict(int)
    numbers = {}
    for conversation, (inbox, _) in waiting(manned=True):
        before[inbox] += 1
        numbers[conversation] = before[inbox]
    return numbers


def waiting(manned: bool) -> list[tuple[UUID, Queue]]:
    """List the waiting conversations for which an agent is there, or is not."""
    rows = queued() if manned else queued().filter(away_at=None)
    values = rows.order_by("waiting_since").values_list("id", "visitor__inbox_id", "team_id")
    conversations = [(id, (inbox, team)) for id, inbox, team in values[:LONGEST]]
    queues = {queue for _, queue in conversations}
    inboxes = Inbox.objects.in_bulk({inbox for inbox, _ in queues})
    there = {queue: away.somebody_is_there(inboxes[queue[0]], queue[1]) for queue in queues}
    return [(id, queue) for id, queue in conversations if there[queue] == manned]


def count_looks(alone: dict[UUID, int]) -> dict[UUID, int]:
    """Count for how many looks no agent has been there for each waiting customer, and tell them at
    last. Customers who know it already are not counted."""
    now = {id: alone.get(id, 0) + 1 for id, _ in waiting(manned=False)}
    for id, looks in now.items():
        if looks == GONE_AFTER:
            changes.nobody_came(id)
    return now
