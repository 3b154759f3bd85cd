"""Asks the questions of a gap again, with the drafts of all articles.

`start` marks the questions, and a background task asks one after the other while a place at the
language model is idle: customers come first. If its process dies, `go_on` starts another.
"""

import asyncio
import logging
from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync
from celery import shared_task
from django.db.models import Q, QuerySet
from django.utils import timezone

from chatbot.engines import admission
from chatbot.models import Gap, GapQuestion
from chatbot.models.replies import Ending
from chatbot.reply.ask import ask, before
from chatbot.reply.runner import turn_at
from chatbot.reply.turn import Turn
from crm.plumbing import background
from crm.plumbing.threads import in_thread

logger = logging.getLogger("attune.gaps")
# Questions of one gap that are asked again, the newest.
MOST = 50
# Longer than an answer may take (SLM_TOTAL_TIMEOUT); renewed before each question.
LEASE = timedelta(minutes=5)
# Seconds until another look for an idle place.
PAUSE = 1.0
FAILED = "failed"


def start(gap: Gap) -> None:
    """Have the gap's newest questions asked again."""
    ids = list(gap.questions.values_list("id", flat=True)[:MOST])
    gap.questions.filter(id__in=ids).update(waiting=True, after={})
    background.slowly(ask_again, gap.id)


def stop(gap: Gap) -> None:
    """Ask no further question. The answers that there are stay."""
    gap.questions.update(waiting=False)


def go_on() -> int:
    """Start again where questions wait that no process asks. Returns the number of gaps."""
    gaps = free().filter(questions__waiting=True).distinct().order_by()
    for gap in gaps:
        background.slowly(ask_again, gap.id)
    return len(gaps)


@shared_task(name="chatbot.tasks.ask_again")
def ask_again(gap: int) -> None:
    """Ask all waiting questions of the gap, unless another process does."""
    if free().filter(id=gap).update(lease_until=timezone.now() + LEASE):
        async_to_sync(ask_all)(gap)
        Gap.objects.filter(id=gap).update(lease_until=None)


def free() -> QuerySet[Gap]:
    return Gap.objects.filter(Q(lease_until=None) | Q(lease_until__lt=timezone.now()))


async def ask_all(gap: int) -> None:
    while question := await in_thread(next_of, gap):
        if await in_thread(admission.idle_places):
            await in_thread(keep, question, await answered(question))
        else:
            await asyncio.sleep(PAUSE)


def next_of(gap: int) -> GapQuestion | None:
    """Renew the lease, and return the gap's next waiting question."""
    Gap.objects.filter(id=gap).update(lease_until=timezone.now() + LEASE)
    related = GapQuestion.objects.select_related("message__conversation__visitor__inbox")
    return related.filter(gap=gap, waiting=True).first()


async def answered(question: GapQuestion) -> dict[str, Any]:
    """Return the answer that the customer would get now, with what was said before the question."""
    try:
        turn: Turn = await in_thread(turn_at, question.message.conversation, question.message)
        result = await ask(
            turn.text, turn.customer, talk=before(turn), inbox=turn.inbox, drafts=True
        )
    except Exception:
        # The next question must be asked all the same, and this one not for ever.
        logger.exception("question %s of a gap could not be asked again", question.pk)
        return {"answer": "", "state": FAILED}
    state = FAILED if "error" in result else result["state"]
    return {"answer": result["answer"], "state": str(state)}


def keep(question: GapQuestion, after: dict[str, Any]) -> None:
    """Store the answer, unless somebody has stopped the asking or redacted the conversation."""
    GapQuestion.objects.filter(id=question.pk, waiting=True).update(after=after, waiting=False)


# --- verdicts


def verdict(question: GapQuestion) -> str:
    """Say in a word or two what came of asking again; "" if it was not asked again."""
    if question.waiting:
        return "waiting"
    state = question.after.get("state", "")
    if state == Ending.ANSWERED:
        return "the same answer" if question.after["answer"] == said(question) else "answered"
    return {
        "": "",
        Ending.REFUSED: "refused",
        Ending.HANDED_OFF: "handed to a person",
        Ending.PROPOSED: "offered an action",
        FAILED: "could not be asked",
    }.get(state, "taken for small talk")


def said(question: GapQuestion) -> str:
    """Return what the bot said when the customer asked."""
    reply = getattr(question.message, "reply", None)
    return reply.answer.text if reply and reply.answer else ""


def all_answered(verdicts: list[str]) -> bool:
    asked = [one for one in verdicts if one]
    return bool(asked) and set(asked) <= {"answered", "offered an action"}
