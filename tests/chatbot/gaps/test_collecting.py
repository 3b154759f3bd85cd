"""Some of the customers' messages are collected as questions without an answer."""

import pytest

from chatbot.gaps.collecting import collect
from chatbot.models import GapQuestion
from chatbot.reply.answer import NOTHING_TWICE
from tests.chatbot.gaps.asked import asked, texts

pytestmark = pytest.mark.django_db


def test_refused_handed_off_and_disliked_questions_are_collected_once() -> None:
    asked("Do you wrap gifts?")
    asked("Do you ship to Norway?", "handoff", reason=NOTHING_TWICE)
    asked("When do you open?", "answered", feedback=-1)
    assert collect() == 3
    assert dict(GapQuestion.objects.values_list("message__text", "why")) == {
        "Do you wrap gifts?": "refused",
        "Do you ship to Norway?": "handoff",
        "When do you open?": "thumb",
    }
    assert collect() == 0
    assert GapQuestion.objects.count() == 3


def test_what_asks_for_no_record_is_none() -> None:
    asked("How are you?", "chat", feedback=-1)
    asked("Can I talk to a human?", "handoff", reason="The customer asked for a person.")
    asked("Where is a person?", intents=["person"])
    asked("What will my lawyer say?", "handoff", reason="Mood: The customer threatens.")
    asked("This is terrible.")
    asked("\U0001f600 ‮")
    asked("When do you open?", "answered")
    asked("Do you sell tents?", "answered", feedback=1)
    asked("Is the server away?", error="No server answers.")
    assert collect() == 0


def test_an_answer_may_be_disliked_days_later() -> None:
    question = asked("When do you open?", "answered", days=5)
    assert collect() == 0
    question.reply.answer.feedback = -1
    question.reply.answer.save()
    assert collect() == 1


def test_questions_from_before_the_weekly_figures_are_left() -> None:
    asked("Do you wrap gifts?", days=57)
    asked("Do you ship to Norway?", days=55)
    collect()
    assert texts() == ["Do you ship to Norway?"]
