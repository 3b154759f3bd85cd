"""Counts the questions of each gap, and names it by one of them.

A label is a customer's sentence without personal data, and must not outlive the customer's message.
So it is emptied when a question of the gap is deleted (chatbot/receivers.py) or redacted
(chatbot/privacy/retention.py), and the next run chooses it anew among the questions that are left.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Count, F, Max, Min, Q
from django.utils import timezone

from chatbot.gaps.grouping import means, newest
from chatbot.models import Gap, GapQuestion
from chatbot.privacy.known import known_of
from chatbot.privacy.redaction import redact
from chatbot.privacy.retention import typed
from crm.knowledge import search
from crm.knowledge.search import Hit
from inference.index import IndexUnavailable
from inference.text import trimmed

WEEK = timedelta(days=7)
# Gaps that one run names, which takes some 20 ms for each (2026-11-29, two shared cores).
NAMED = 300
# Characters of a label.
LONGEST = 300
# The cosine from which a record counts as near. The articles that answer 951 questions to 24
# companies (inference/reading/companies) reach it in 80 % of the cases; the nearest article of
# another company does in 41 %. (2026-11-29, all-MiniLM-L6-v2)
NEARBY = 0.25


def count() -> None:
    """Bring the counts of all gaps up to date, and delete gaps without questions."""
    Gap.objects.filter(questions=None).delete()
    now = timezone.now()
    this_week = Q(questions__at__gte=now - WEEK)
    week_before = Q(questions__at__gte=now - 2 * WEEK) & ~this_week
    counted = Gap.objects.order_by().annotate(
        now_count=Count("questions"),
        now_week=Count("questions", filter=this_week),
        now_before=Count("questions", filter=week_before),
        now_first=Min("questions__at"),
        now_last=Max("questions__at"),
    )
    same = Q(
        count=F("now_count"),
        last_week=F("now_week"),
        week_before=F("now_before"),
        first_at=F("now_first"),
        last_at=F("now_last"),
    )
    for gap in counted.exclude(same):
        Gap.objects.filter(id=gap.pk).update(
            count=gap.now_count,
            last_week=gap.now_week,
            week_before=gap.now_before,
            first_at=gap.now_first,
            last_at=gap.now_last,
        )


def name() -> None:
    """Choose a label for each gap that has none, and find the record that comes nearest to it."""
    for gap in Gap.objects.filter(label="").order_by("-count", "-id")[:NAMED]:
        name_one(gap)


def name_one(gap: Gap) -> None:
    for id in from_the_middle(gap):
        with transaction.atomic():
            # Locked: if it is deleted meanwhile, the label is emptied after this.
            question = GapQuestion.objects.select_for_update().filter(id=id).first()
            if question and (label := label_of(question)):
                Gap.objects.filter(id=gap.id).update(label=label)
                break
    else:
        return
    hit = nearest(label)
    Gap.objects.filter(id=gap.id).update(nearest=hit.record if hit else "")


def from_the_middle(gap: Gap) -> list[int]:
    """List the gap's questions, the nearest to the mean of all first."""
    questions = newest(gap.questions.all())
    if not questions.ids:
        return []
    middle = questions.vectors @ means(questions)[gap.id]
    return [questions.ids[row] for row in (-middle).argsort(kind="stable")]


def label_of(question: GapQuestion) -> str:
    """Return the customer's words without personal data, on one line."""
    conversation = question.message.conversation
    known = [*known_of(conversation.visitor.customer), *typed(conversation)]
    return trimmed(" ".join(redact(question.message.text, known).split()))[:LONGEST]


def nearest(label: str) -> Hit | None:
    """Return the passage that comes nearest to the label, of knowledge that all customers share;
    None if it is far."""
    try:
        hits = search.search_records(label, None, 1)
    except IndexUnavailable:
        return None
    return hits[0] if hits and hits[0].meaning >= NEARBY else None
