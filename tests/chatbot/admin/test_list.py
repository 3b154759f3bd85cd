"""The list of conversations: who wrote, how they feel, what to look at first."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatbot.console import mood_display
from chatbot.models import Inbox
from crm.models import Customer
from tests.chatbot.admin.console import LIST, rows, say, talk, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_the_latest_activity_stands_first(root: Client, inbox: Inbox) -> None:
    now = timezone.now()
    quiet = talk(inbox, 0.1, last_message_at=now - timedelta(hours=3))
    lively = talk(inbox, 0.1, last_message_at=now - timedelta(minutes=2))
    first, second = rows(text_of(root, LIST))
    assert str(lively.visitor) in first
    assert "2\xa0minutes ago" in first
    assert str(quiet.visitor) in second
    assert "3\xa0hours ago" in second


def test_a_row_tells_who_said_what_and_how_they_feel(root: Client, inbox: Inbox) -> None:
    alice = Customer.objects.create(id="cust_1", name="Alice Ash")
    conversation = talk(inbox, 0.4, -0.64, customer=alice, state="waiting")
    say(conversation, 3, "bot", "It was shipped on Tuesday. " * 20)
    (row,) = rows(text_of(root, LIST))
    assert "Alice Ash" in row
    assert "<b>Bot</b> <bdi>It was shipped on Tuesday." in row
    assert "…" in row
    assert "upset" in row
    assert "−0.64" in row
    assert "Waiting for a person" in row
    assert "<title>Scores of the last 2 messages, oldest first: +0.40, −0.64</title>" in row


def test_a_visitor_without_a_name_has_a_short_one(root: Client, inbox: Inbox) -> None:
    conversation = talk(inbox, 0.1)
    (row,) = rows(text_of(root, LIST))
    assert f"Visitor {str(conversation.visitor_id)[:8]}" in row


def test_a_conversation_in_which_nothing_was_said_is_not_listed(root: Client, inbox: Inbox) -> None:
    talk(inbox)
    assert rows(text_of(root, LIST)) == []


def test_the_sparkline_holds_the_last_twenty_scores(root: Client, inbox: Inbox) -> None:
    talk(inbox, -0.99, *[0.5] * 20)
    (row,) = rows(text_of(root, LIST))
    assert "Scores of the last 20 messages" in row
    assert "−0.99" not in row


@pytest.mark.parametrize("word", mood_display.BANDS)
def test_the_mood_filter_shows_one_band(root: Client, inbox: Inbox, word: str) -> None:
    for score in (-1.0, -0.5, -0.15, 0.15, 0.5):
        talk(inbox, score)
    (row,) = rows(text_of(root, f"{LIST}?mood={word}"))
    assert f'mood-{word}"' in row


def test_a_mood_that_is_not_known_has_its_own_filter(root: Client, inbox: Inbox) -> None:
    talk(inbox, 0.5)
    talk(inbox, 0.5, mood=None)
    (row,) = rows(text_of(root, f"{LIST}?mood=unknown"))
    assert "not known yet" in row


def test_state_and_inbox_filter(root: Client, inbox: Inbox) -> None:
    trade = Inbox.objects.create(key="trade", name="Trade desk")
    talk(inbox, 0.1, state="waiting")
    talk(trade, 0.1, state="closed")
    assert "Trade desk" in rows(text_of(root, f"{LIST}?state__exact=closed"))[0]
    (row,) = rows(text_of(root, f"{LIST}?visitor__inbox__id__exact={inbox.id}"))
    assert "Fernhill" in row


def test_search_finds_name_number_words_and_visitor(root: Client, inbox: Inbox) -> None:
    alice = Customer.objects.create(id="cust_77", name="Alice Ash")
    conversation = talk(inbox, 0.1, 0.2, customer=alice)
    say(conversation, 3, "customer", "The tent pole snapped")
    bob = talk(inbox, 0.1)
    for term in ("ash", "cust_77", "pole snapped"):
        (row,) = rows(text_of(root, f"{LIST}?q={term}"))
        assert "Alice Ash" in row
    (row,) = rows(text_of(root, f"{LIST}?q={bob.visitor}"))
    assert str(bob.visitor) in row


def test_thirty_conversations_cost_as_many_queries_as_three(root: Client, inbox: Inbox) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            text_of(root, LIST)
        return len(captured)

    for number in range(3):
        alice = Customer.objects.create(id=f"cust_{number}")
        talk(inbox, 0.1, 0.3, customer=alice)
    three = queries()
    for number in range(3, 30):
        alice = Customer.objects.create(id=f"cust_{number}")
        talk(inbox, 0.1, 0.3, customer=alice)
    assert queries() == three
