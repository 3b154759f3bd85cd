"""Returns conversations to the queue whose agent left while the customer waits for an answer."""

from uuid import UUID

from chatbot.conversation import agents
from chatbot.people import presence
from crm.plumbing.threads import in_thread
from crm.plumbing.tick import Job

LOOKS_EVERY = 10.0
# Looks in a row: after an outage of the database every agent seems gone until their pages report
# again, within presence.BEATS_EVERY.
GONE_AFTER = 4


def job() -> Job:
    gone: dict[UUID, int] = {}

    async def look() -> None:
        nonlocal gone
        gone = await in_thread(count_looks, gone)

    return Job(LOOKS_EVERY, look, "could not look for deserted conversations", presence.deserted)


def count_looks(gone: dict[UUID, int]) -> dict[UUID, int]:
    """Count for how many looks each conversation has been deserted, and return old ones to the
    queue."""
    now = {id: gone.get(id, 0) + 1 for id in presence.deserted().values_list("id", flat=True)}
    for id, looks in now.items():
        if looks >= GONE_AFTER:
            agents.requeue_deserted(id)
    return now
