"""The life of a Reply: created for a message, claimed by a worker, finished or superseded."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
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
from chatbot.conversation.wording import chosen
from chatbot.models import Conversation, Message, Reply
from chatbot.models.replies import Ending, unanswered_after
from crm.plumbing.compiled import Given, Select, Update

MAX_ATTEMPTS = 3


def ask_for_reply(
    conversation: Conversation, message: Message, worker: str, others: bool = True
) -> Reply | None:
    """Create the Reply for a customer's message, unless an agent has the conversation.

    It supersedes a reply that is still open: one reply answers the whole turn. worker: the process
    that starts on it at once; others: False if no reply is open.
    """
    if conversation.state == State.AGENT:
        return None
    if others:
        supersede(conversation)
    claimed = claim_of(worker) | {"attempts": 1} if worker else {}
    return Reply.objects.create(
        conversation=conversation, question=message, version=conversation.version, **claimed
    )


# --- claims


def claimable() -> Q:
    now = timezone.now()
    expired = Q(status=Reply.Status.RUNNING, lease_until__lt=now)
    return Q(status=Reply.Status.PENDING) | expired


def claim(reply_id: int, worker: str) -> Reply | None:
    """Claim the reply and return it, unless another worker is faster: a conditional UPDATE decides
    between processes."""
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


def still_claimed(reply: Any) -> QuerySet[Reply]:
    """Select the reply if the claim on it still stands."""
    return Reply.objects.filter(
        id=reply.id, status=Reply.Status.RUNNING, worker=reply.worker, attempts=reply.attempts
    )


def stands(reply: Reply) -> bool:
    """Say whether the reply may still be shown."""
    return STANDS.first(id=reply.id, worker=reply.worker, attempts=reply.attempts) is not None


def renew(reply: Reply) -> bool:
    """Renew the lease. Returns False if the claim no longer stands."""
    return bool(wanted(reply).update(lease_until=lease()))


def wanted(reply: Any) -> QuerySet[Reply]:
    """Select the reply if it is still claimed, and the bot still answers the conversation."""
    return still_claimed(reply).exclude(conversation__state__in=[State.AGENT, State.CLOSED])


# Placeholders for the reply that each run is given.
GIVEN = SimpleNamespace(**{name: Given(Reply, name) for name in ("id", "worker", "attempts")})
STANDS = Select(lambda: wanted(GIVEN).values_list("id"))


def release(worker: str) -> None:
    """Release the replies of a worker that shuts down cleanly; it does not count as an attempt."""
    Reply.objects.filter(worker=worker, status=Reply.Status.RUNNING).update(
        status=Reply.Status.PENDING, worker="", lease_until=None, attempts=F("attempts") - 1
    )


def finish(
    reply: Reply,
    state: str,
    text: str,
    citations: list[Any],
    quote: str = "",
    choices: Sequence[str] = (),
    then: Callable[[], None] = lambda: None,
    **trace: Any,
) -> bool:
    """Post the answer, if the claim still stands. Returns False if nothing is posted, because a
    newer message, an agent or another process has taken its place. then: called in the same
    transaction if it is posted."""
    with transaction.atomic():
        conversation = locked(reply.conversation_id)
        silent = conversation.state in {State.AGENT, State.CLOSED}
        if silent or conversation.version != reply.version:
            trace |= {"status": Reply.Status.SUPERSEDED, "state": state, "lease_until": None}
            still_claimed(reply).update(**trace)
            return False
        after_answer(conversation, state, trace.get("reason", ""), quote)
        answer = append(conversation, Author.BOT, text, citations=citations, choices=list(choices))
        if not settled(reply, trace | {"state": state, "answer": answer.id}):
            transaction.set_rollback(True)
            return False
        announce(conversation, answer, state=conversation.state, reply="done")
        say_if_nobody_is_there(conversation)
        then()
    return True


TRACE = (
    *("answer", "status", "lease_until", "state", "route", "reason", "model", "routing"),
    *("generations", "passages", "withheld", "timings", "error"),
)
SETTLED = Update(lambda: still_claimed(GIVEN), *TRACE)


def settled(reply: Reply, trace: dict[str, Any]) -> bool:
    """Store how the reply ended, and end the claim. Returns False if the claim no longer stood."""
    ended = {"status": Reply.Status.DONE, "lease_until": None, **trace}
    new = {name: ended[name] if name in ended else getattr(reply, name) for name in TRACE}
    return bool(SETTLED.run(new, id=reply.id, worker=reply.worker, attempts=reply.attempts))


def after_answer(conversation: Conversation, state: str, reason: str, quote: str) -> None:
    """Count questions without an answer on record, and queue the conversation if the answer handed
    it off."""
    if state == Ending.HANDED_OFF and conversation.state != State.BOT:
        return
    if state == Ending.HANDED_OFF:
        wait_for_person(conversation, reason, quote)
    conversation.unanswered = unanswered_after(conversation.unanswered, state)


def give_up(reply: Reply) -> None:
    """Hand the conversation off: a reply that saw several processes die must not kill another."""
    inbox = reply.conversation.visitor.inbox
    words = chosen(inbox.tone, inbox.sentences)
    reason = f"No answer after {MAX_ATTEMPTS} attempts."
    finish(reply, Ending.HANDED_OFF, words.gave_up, [], reason=reason)
