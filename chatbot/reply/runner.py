"""Replies as tasks of this process: claim, stream, post; and take over what others dropped."""

import asyncio
import logging
import os
import socket
import uuid
from contextlib import aclosing
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.utils import timezone

from chatbot import actions
from chatbot.models import Message, Reply
from chatbot.protocol import ReplyFrame
from chatbot.reply.pipeline import Outcome, Turn, answer

logger = logging.getLogger("attune.reply")

WORKER = f"{socket.gethostname()[:30]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
RECOVERY_INTERVAL = 5
HISTORY = 12
# The running task of each conversation here: a newer turn cancels it, which ends its generation.
_running: dict[Any, asyncio.Task[None]] = {}


def start(reply: Reply) -> asyncio.Task[None]:
    """Answer in this process, without waiting for it."""
    cancel(reply.conversation_id)
    task = asyncio.create_task(run(reply.id))
    _running[reply.conversation_id] = task
    task.add_done_callback(lambda done: _forget(reply.conversation_id, done))
    return task


def cancel(conversation_id: Any) -> None:
    if task := _running.get(conversation_id):
        task.cancel()


def _forget(conversation_id: Any, task: asyncio.Task[None]) -> None:
    if _running.get(conversation_id) is task:
        del _running[conversation_id]
    if not task.cancelled() and (error := task.exception()):
        # The lease ends by itself, and the reply is tried again.
        logger.error("reply broke off", exc_info=error)


async def run(reply_id: int) -> None:
    reply = await database_sync_to_async(actions.claim)(reply_id, WORKER)
    if reply is None:
        return
    await tell(reply, ReplyFrame("thinking"))
    turn = await database_sync_to_async(turn_of)(reply)
    outcome = Outcome()
    async with aclosing(answer(turn)) as steps:
        async for step in steps:
            if isinstance(step, Outcome):
                outcome = step
            else:
                await tell(reply, ReplyFrame("sentence", step))
    await database_sync_to_async(post)(reply, outcome)


async def tell(reply: Reply, frame: ReplyFrame) -> None:
    event = {"type": "reply.progress", "frame": asdict(frame)}
    await get_channel_layer().group_send(actions.group(reply.conversation_id), event)


def post(reply: Reply, outcome: Outcome) -> None:
    posted = actions.finish(
        reply,
        outcome.state,
        outcome.answer,
        outcome.citations,
        route=outcome.route,
        reason=outcome.reason[:300],
        model=outcome.model,
        passages=outcome.passages,
        withheld=outcome.withheld,
        timings=outcome.timings,
        error=outcome.error,
    )
    if not posted:
        logger.info("reply %s was overtaken and not posted", reply.id)


def turn_of(reply: Reply) -> Turn:
    """The customer's messages since the last answer are one turn."""
    conversation = reply.conversation
    messages = list(conversation.messages.order_by("-seq")[:HISTORY])[::-1]
    last = max((m.seq for m in messages if m.author != Message.Author.CUSTOMER), default=0)
    asked = [m.text for m in messages if m.seq > last and m.author == Message.Author.CUSTOMER]
    return Turn(
        text="\n".join(asked) or reply.question.text,
        customer=conversation.visitor.customer_id,
        history=tuple((m.author, m.text) for m in messages if m.seq <= last),
        alert=conversation.alert,
        unanswered=conversation.unanswered,
        waiting=conversation.state == conversation.State.WAITING,
    )


# --- recovery


async def recover() -> int:
    """Finish replies whose process died, or that nobody has taken yet. Returns how many."""
    ids = await database_sync_to_async(abandoned)()
    for reply_id in ids:
        await run(reply_id)
    return len(ids)


def abandoned() -> list[int]:
    """Open replies that their own process has had time to take."""
    settled = timezone.now() - timedelta(seconds=RECOVERY_INTERVAL)
    found = Reply.objects.filter(actions.claimable(), created_at__lt=settled)
    return list(found.order_by("created_at").values_list("id", flat=True)[:50])


async def recover_for_ever() -> None:
    while True:
        await asyncio.sleep(min(RECOVERY_INTERVAL, settings.REPLY_LEASE))
        try:
            await recover()
        except Exception:
            # The database may be away for a moment; the next round tries again.
            logger.exception("recovery of replies failed")
