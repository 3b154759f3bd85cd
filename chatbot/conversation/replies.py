"""The life of a reply: asked for, claimed by a worker, finished or taken over."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from chatbot.conversation.changes import (
    Author,
    State,
    announce,
    append,
    locked,
    say_if_nobody_is_there,
    supersede,
    wait_for_person,
)
from chatbot.models import Conversation, Message, Reply

MAX_ATTEMPTS = 3
GAVE_UP = (
    "I couldn't finish that answer, I'm sorry. "
    "I'm passing you to a colleague, who will answer here."
)


def ask_for_reply(conversation: Conversation, message: Message, worker: str) -> Reply | None:
    """One reply per turn: a newer message takes the place of a reply that is still open."""
    if conversation.state == State.AGENT:
        return None
    if message.seq > 1:
        supersede(conversation)
    claimed = claim_of(worker) | {"attempts": 1} if worker else {}
    return Reply.objects.create(
        conversation=conversation, question=message, version=conversation.version, **claimed
    )


# --- the reply's life


def claimable() -> Q:
    now = timezone.now()
    expired = Q(status=Reply.Status.RUNNING, lease_until__lt=now)
    return Q(status=Reply.Status.PENDING) | expired


def claim(reply_id: int, worker: str) -> Reply | None:
    """The reply, if this worker has won it: a conditional UPDATE decides between processes."""
    free = Reply.objects.filter(claimable(), id=reply_id)
    if not free.update(**claim_of(worker), attempts=F("attempts") + 1):
        return None
    reply = Reply.objects.select_related("conversation__visitor", "question").get(id=reply_id)
    if reply.attempts > MAX_ATTEMPTS:
        give_up(reply)
        return None
    return reply


def claim_of(worker: str) -> dict[str, Any]:
    return {"status": Reply.Status.RUNNING, "worker": worker, "lease_until": lease()}


def lease() -> datetime:
    return timezone.now() + timedelta(seconds=settings.REPLY_LEASE)


def mine(reply: Reply) -> QuerySet[Reply]:
    """The reply, as long as the claim on it stands."""
    return Reply.objects.filter(
        id=reply.id, status=Reply.Status.RUNNING, worker=reply.worker, attempts=reply.attempts
    )


def stands(reply: Reply) -> bool:
    """False: nothing more may be shown."""
    return unanswered_by_people(reply).exists()


def renew(reply: Reply) -> bool:
    """False: the claim no longer stands."""
    return bool(unanswered_by_people(reply).update(lease_until=lease()))


def unanswered_by_people(reply: Reply) -> QuerySet[Reply]:
    return mine(reply).exclude(conversation__state__in=[State.AGENT, State.CLOSED])


def release(worker: str) -> None:
    """The worker ends in good order: its replies wait for another, and it was no failed attempt."""
    Reply.objects.filter(worker=worker, status=Reply.Status.RUNNING).update(
        status=Reply.Status.PENDING, worker="", lease_until=None, attempts=F("attempts") - 1
    )


def finish(
    reply: Reply, state: str, text: str, citations: list[Any], quote: str = "", **trace: Any
) -> bool:
    """Post the answer, if the claim still stands. False: a newer message, an agent or another
    process has taken its place, and nothing was posted."""
    with transaction.atomic(savepoint=False):
        conversation = locked(reply.conversation_id)
        silent = conversation.state in {State.AGENT, State.CLOSED}
        silent = silent or conversation.version != reply.version
        status = Reply.Status.SUPERSEDED if silent else Reply.Status.DONE
        if not mine(reply).update(status=status, state=state, lease_until=None, **trace) or silent:
            return False
        after_answer(conversation, state, trace.get("reason", ""), quote)
        answer = append(conversation, Author.BOT, text, citations=citations)
        Reply.objects.filter(id=reply.id).update(answer=answer)
        announce(conversation, answer, state=conversation.state, reply="done")
        say_if_nobody_is_there(conversation)
    return True


def after_answer(conversation: Conversation, state: str, reason: str, quote: str) -> None:
    """Count what was not on record, and pass the conversation on when the answer said so."""
    if state == "answered":
        conversation.unanswered = 0
    elif state == "refused":
        conversation.unanswered += 1
    elif state == "handoff" and conversation.state == State.BOT:
        wait_for_person(conversation, reason, quote)
        conversation.unanswered = 0


def give_up(reply: Reply) -> None:
    """A reply that ended its process several times must not end another."""
    finish(reply, "handoff", GAVE_UP, [], reason=f"No answer after {MAX_ATTEMPTS} attempts.")
