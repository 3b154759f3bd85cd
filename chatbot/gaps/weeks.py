"""The weekly figures: what share of questions was answered, and what share of gaps is closed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.core.cache import cache
from django.utils import timezone

from chatbot.gaps.collecting import WEEKS
from chatbot.models import Gap, GapQuestion, Reply
from chatbot.models.replies import Ending

# Seconds.
REMEMBERED = 3_600


@dataclass(frozen=True)
class Week:
    monday: date
    # Questions that were answered from the records and whose answer was not disliked, and all.
    answered: int
    questions: int
    # Of the gaps that were known by the end of the week and are for the bot.
    closed: int
    gaps: int


def weeks() -> Iterator[Week]:
    """Yield the last weeks, this one first."""
    today = timezone.localdate()
    this = today - timedelta(days=today.weekday())
    return (week(this - timedelta(weeks=back)) for back in range(WEEKS))


def week(monday: date) -> Week:
    begin, end = midnight(monday), midnight(monday + timedelta(weeks=1))
    unanswered = GapQuestion.objects.filter(at__gte=begin, at__lt=end)
    disliked = unanswered.filter(why=GapQuestion.Why.THUMB).count()
    answered = replied(begin, end) - disliked
    known = Gap.objects.filter(first_at__lt=end).exclude(state=Gap.State.IGNORED)
    closed = known.filter(state=Gap.State.CLOSED, closed_at__lt=end).count()
    return Week(monday, answered, answered + unanswered.count(), closed, known.count())


def replied(begin: datetime, end: datetime) -> int:
    """Count the answers of a week. A week that has passed is remembered: all eight take a quarter
    of a second at 100,000 replies (2026-11-29, two shared cores)."""
    answers = Reply.objects.filter(created_at__gte=begin, created_at__lt=end, state=Ending.ANSWERED)
    if end > timezone.now():
        return answers.count()
    return cache.get_or_set(f"answers:{begin:%Y-%m-%d}", answers.count, REMEMBERED) or 0


def midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
