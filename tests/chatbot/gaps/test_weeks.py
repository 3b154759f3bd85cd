"""The weekly figures."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from chatbot.gaps.collecting import collect
from chatbot.gaps.weeks import weeks
from chatbot.models import Gap
from tests.chatbot.gaps.asked import asked

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    cache.clear()


def test_the_share_of_answered_questions_is_counted_by_week() -> None:
    for _ in range(3):
        asked("When do you open?", "answered")
    asked("Do you wrap gifts?")
    asked("Do you lend tents?", "answered", feedback=-1)
    asked("Thanks.", "chat")
    asked("Do you wrap gifts?", days=7)
    asked("When do you open?", "answered", days=7)
    collect()
    this, last, *earlier = weeks()
    assert this.monday == timezone.localdate() - timedelta(days=timezone.localdate().weekday())
    assert (this.answered, this.questions) == (3, 5)
    assert (last.answered, last.questions) == (1, 2)
    assert len(earlier) == 6
    assert not any(week.questions for week in earlier)


def test_closed_gaps_are_counted_at_the_end_of_each_week() -> None:
    now = timezone.now()
    week = timedelta(weeks=1)
    Gap.objects.create(label="open", first_at=now - 3 * week)
    Gap.objects.create(
        label="closed", first_at=now - 3 * week, state="closed", closed_at=now - week
    )
    Gap.objects.create(label="ignored", first_at=now - 3 * week, state="ignored")
    assert [(week.closed, week.gaps) for week in weeks()][:5] == [
        (1, 2), (1, 2), (0, 2), (0, 2), (0, 0)
    ]  # fmt: skip
