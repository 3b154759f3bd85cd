"""Replies as tasks of this process: claim, stream, post; and take over what others dropped.

A claim is a lease that is renewed while the process lives. Before each sentence is shown, and
again in the transaction that posts the answer, the claim must still stand: a newer message, an
agent or another process may have taken it.
"""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from structlog.contextvars import bind_contextvars

from chatbot.conversation import crm_requests, replies
from chatbot.engines import admission
from chatbot.models import Conversation, Message, Reply
from chatbot.models.replies import Ending
from chatbot.privacy.known import known_of
from chatbot.reply.pipeline import Answer, collect
from chatbot.reply.turn import Outcome, Turn
from chatbot.telemetry import metrics
from chatbot.wire import hints
from chatbot.wire.errors import Refused
from chatbot.wire.protocol import ReplyFrame
from crm.plumbing.threads import in_thread

logger = logging.getLogger("attune.reply")

WORKER = f"{socket.gethostname()[:30]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
RECOVERY_INTERVAL = 2
# Replies that one process takes over at a time.
RECOVERED = 20
HISTORY = 12
# Seconds without a sentence after which the customer is told that somebody is still at it, and
# after which that it takes unusually long.
PATIENCE, MORE_PATIENCE = 8, 25
STILL_LOOKING = (
    "I'm still looking this up. If you would rather talk to a person, just say so, "
    "and I'll pass you on."
)
STILL_AT_IT = (
    "This takes longer than usual: much is being asked at the moment. I'm still at it, and you "
    "need not wait here: the answer will stand in this chat."
)
IN_LINE = "Many customers are writing at the moment: you are number {} in line."
# The running task of each conversation here: a newer turn cancels it, which ends its generation.
_running: dict[Any, asyncio.Task[None]] = {}


class Overtaken(Exception):
    """The claim no longer stands."""


def start(reply: Reply) -> asyncio.Task[None]:
    """Answer what this process has claimed, without waiting for it. A message that follows
    another one wants to be read with those that are still being typed."""
    settle = settings.REPLY_SETTLE if cancel(reply.conversation_id) else 0.0
    return watched(reply.conversation_id, answer(reply, settle))


def watched(conversation_id: Any, work: Any) -> asyncio.Task[None]:
    task: asyncio.Task[None] = asyncio.create_task(work)
    _running[conversation_id] = task
    task.add_done_callback(lambda done: _forget(conversation_id, done))
    return task


def cancel(conversation_id: Any) -> bool:
    """Whether there was something to cancel."""
    task = _running.get(conversation_id)
    return task.cancel() if task else False


def _forget(conversation_id: Any, task: asyncio.Task[None]) -> None:
    if _running.get(conversation_id) is task:
        del _running[conversation_id]
    if not task.cancelled() and (error := task.exception()):
        # The lease ends by itself, and the reply is tried again.
        logger.error("reply broke off", exc_info=error)


async def run(reply_id: int) -> None:
    if reply := await in_thread(replies.claim, reply_id, WORKER):
        await answer(reply)


async def answer(reply: Reply, settle: float = 0.0) -> None:
    """Answer a claimed reply after `settle` seconds, unless a newer message overtakes it."""
    await asyncio.sleep(settle)
    bind_contextvars(conversation=str(reply.conversation_id), reply=reply.id)
    try:
        async with held(reply):
            await show(reply)
    except* Overtaken:
        logger.info("reply %s was overtaken and not posted", reply.id)


@asynccontextmanager
async def held(reply: Reply) -> AsyncIterator[None]:
    """The claim is renewed meanwhile; Overtaken ends the work when that is refused."""
    async with asyncio.TaskGroup() as group:
        renewing = group.create_task(renew_for_ever(reply))
        yield
        renewing.cancel()


async def renew_for_ever(reply: Reply) -> None:
    while True:
        await asyncio.sleep(settings.REPLY_LEASE / 3)
        try:
            if not await in_thread(replies.renew, reply):
                raise Overtaken
        except Overtaken:
            raise
        except Exception as error:
            # The database may be away for a moment; if for longer, another process takes over.
            logger.warning("the claim on reply %s could not be renewed: %s", reply.id, error)


async def show(reply: Reply) -> None:
    """Show each sentence as it is checked, and post the answer at the end."""
    thinking = tell(reply, ReplyFrame("thinking"))
    turn, _ = await asyncio.gather(in_thread(turn_of, reply), thinking)
    making = Answer(turn, partial(admission.line().place, partial(tell_place, reply)))
    reassuring = asyncio.create_task(reassure(reply))
    try:
        async with aclosing(making.sentences()) as sentences:
            async for sentence in sentences:
                reassuring.cancel()
                if not await in_thread(replies.stands, reply):
                    raise Overtaken
                await tell(reply, ReplyFrame("sentence", sentence))
    finally:
        reassuring.cancel()
    if not await in_thread(post, reply, making.outcome):
        raise Overtaken


async def reassure(reply: Reply) -> None:
    for seconds, text in ((PATIENCE, STILL_LOOKING), (MORE_PATIENCE, STILL_AT_IT)):
        await asyncio.sleep(seconds)
        await tell(reply, ReplyFrame("thinking", text))


async def tell_place(reply: Reply, number: int) -> None:
    await tell(reply, ReplyFrame("thinking", IN_LINE.format(number)))


async def tell(reply: Reply, frame: ReplyFrame) -> None:
    event = {"type": "reply.progress", "frame": asdict(frame)}
    await hints.send(reply.conversation_id, event)


def post(reply: Reply, outcome: Outcome) -> bool:
    """False: the claim no longer stands, and nothing was posted."""
    with transaction.atomic():
        posted = replies.finish(
            reply,
            outcome.state,
            outcome.answer,
            outcome.citations,
            outcome.quote,
            route=outcome.route,
            reason=outcome.reason[:300],
            model=outcome.model,
            routing=outcome.routing,
            generations=outcome.generations,
            passages=outcome.passages,
            withheld=outcome.withheld,
            timings=outcome.timings,
            error=outcome.error,
        )
        if posted and outcome.action is not None:
            crm_requests.propose(reply.conversation, outcome.action, outcome.named)
    if posted:
        first = outcome.timings.get("first_sentence")
        metrics.answered(outcome.state, outcome.generations, len(outcome.withheld), first)
    return posted


def next_turn(conversation: Conversation, agent: User) -> Turn:
    """What the bot would answer if it had the conversation, for an agent's eyes."""
    asked = conversation.messages.filter(author=Message.Author.CUSTOMER).order_by("-seq").first()
    if asked is None:
        raise Refused("not_found", "The customer has not asked anything yet.")
    return turn_at(conversation, asked)


async def drafted(turn: Turn) -> Outcome:
    """The answer to the turn, checked as any other, posted nowhere."""
    return await collect(turn, partial(admission.line().place, unheard))


async def unheard(number: int) -> None:
    """An agent need not be told their number in line."""


def turn_of(reply: Reply) -> Turn:
    turn = turn_at(reply.conversation, reply.question)
    return replace(turn, offers=crm_requests.offers(reply.conversation))


def turn_at(conversation: Conversation, question: Message) -> Turn:
    """The customer's messages since the last answer, the bot's or an agent's, up to the question,
    are one turn. Notices are no answers, and a model that reads them says them again."""
    earlier = conversation.messages.filter(seq__lte=question.seq)
    spoken = earlier.exclude(author=Message.Author.SYSTEM)
    first = question.seq == 1
    endings = spoken.annotate(ending=F("trace__state"))
    messages = [question] if first else list(endings.order_by("-seq")[:HISTORY])[::-1]
    last = max((m.seq for m in messages if m.author != Message.Author.CUSTOMER), default=0)
    waiting = conversation.state == conversation.State.WAITING
    refused = any(m.seq == last and getattr(m, "ending", "") == Ending.REFUSED for m in messages)
    # Files are not read: what has no text says nothing.
    said = [m for m in messages if m.text]
    asked = [m.text for m in said if m.seq > last and m.author == Message.Author.CUSTOMER]
    return Turn(
        text="\n".join(asked) or question.text,
        customer=conversation.visitor.customer_id,
        history=tuple((m.author, m.text) for m in said if m.seq <= last),
        alert=conversation.alert,
        alert_quote=conversation.alert_quote,
        unanswered=conversation.unanswered,
        mood=conversation.mood or 0.0,
        offered=refused and not waiting,
        waiting=waiting,
        known=tuple(known_of(conversation.visitor.customer)) if settings.MASK_FOR_MODEL else (),
    )


# --- recovery


async def recover() -> int:
    """Finish replies whose process died, or that nobody has taken yet. Returns how many."""
    found = await in_thread(abandoned)
    tasks = [
        watched(conversation, run(reply))
        for reply, conversation in found
        if conversation not in _running
    ]
    await asyncio.gather(*tasks, return_exceptions=True)
    return len(tasks)


def abandoned() -> list[tuple[int, Any]]:
    """Open replies that their own process has had time to take."""
    settled = timezone.now() - timedelta(seconds=RECOVERY_INTERVAL + settings.REPLY_SETTLE)
    found = Reply.objects.filter(replies.claimable(), created_at__lt=settled)
    return list(found.order_by("created_at").values_list("id", "conversation_id")[:RECOVERED])


async def recover_for_ever() -> None:
    under_way: set[asyncio.Task[int]] = set()
    while True:
        await asyncio.sleep(RECOVERY_INTERVAL)
        # Not awaited: what is taken over now must not keep what dies next waiting.
        task = asyncio.create_task(recover())
        under_way.add(task)
        task.add_done_callback(lambda done: _recovered(under_way, done))


def _recovered(under_way: set[asyncio.Task[int]], task: asyncio.Task[int]) -> None:
    under_way.discard(task)
    if not task.cancelled() and (error := task.exception()):
        # The database may be away for a moment; the next round tries again.
        logger.error("recovery of replies failed: %s", error)


async def hand_over() -> None:
    """This process ends: what it was answering is free for the next one at once."""
    tasks = list(_running.values())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await in_thread(replies.release, WORKER)
