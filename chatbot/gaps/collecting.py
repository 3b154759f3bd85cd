"""Collects the customers' questions that the bot could not answer, each of them once."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from chatbot.models import GapQuestion, Reply
from chatbot.models.replies import Ending
from chatbot.reply.answer import NOTHING_TWICE
from chatbot.reply.questions import may_ask

# How far back replies are looked at: as far as the weekly figures go. A customer may judge an
# answer long after it was given, and the judgement has no date of its own.
WEEKS = 8
# In one run; the next one goes on.
MOST = 5_000
# Heard in messages that ask for no record; see inference.sentiment.classifier.INTENTS.
NO_QUESTION = {"person", "chat"}

Why = GapQuestion.Why
REFUSED = Q(state=Ending.REFUSED)
HANDED_OFF = Q(state=Ending.HANDED_OFF, reason=NOTHING_TWICE)
DISLIKED = Q(state=Ending.ANSWERED, answer__feedback=-1)


def collect() -> int:
    """Store the questions that had no answer and are not stored yet. Returns how many."""
    since = timezone.now() - timedelta(weeks=WEEKS)
    # A reply with an error shows that a server was away, not that a record is missing.
    done = Reply.objects.filter(created_at__gte=since, status=Reply.Status.DONE, error="")
    new = done.filter(REFUSED | HANDED_OFF | DISLIKED, question__gap_question=None)
    replies = new.order_by("-created_at").select_related("question")[:MOST]
    found = [
        question(reply)
        for reply in replies
        if may_ask(reply.question.text) and NO_QUESTION.isdisjoint(reply.question.intents)
    ]
    GapQuestion.objects.bulk_create(found, ignore_conflicts=True)
    return len(found)


def question(reply: Reply) -> GapQuestion:
    why = {Ending.REFUSED: Why.REFUSED, Ending.HANDED_OFF: Why.HANDED_OFF}
    return GapQuestion(
        message=reply.question, why=why.get(Ending(reply.state), Why.THUMB), at=reply.question.at
    )
