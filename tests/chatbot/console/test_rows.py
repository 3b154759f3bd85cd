"""The list: who needs a person most comes first, with the reason."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatbot.console import rows
from chatbot.console.frames import VIEWS, List
from chatbot.models import Conversation, Inbox
from tests.chatbot.admin.console import say, talk

pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox() -> Inbox:
    return Inbox.objects.create(key="shop", name="Fernhill")


@pytest.fixture
def dora() -> User:
    return User.objects.create_user("dora", first_name="Dora")


def listed(dora: User, **wanted: str) -> list[str]:
    return [row["id"] for row in rows.page(List(**wanted), dora)["rows"]]


def test_alerts_come_first_then_who_waits_the_longest_then_the_unhappy(
    inbox: Inbox, dora: User
) -> None:
    long_ago = timezone.now() - timezone.timedelta(minutes=9)
    content = talk(inbox, 0.6)
    upset = talk(inbox, -0.7)
    waits = talk(inbox, 0.1, state="waiting", waiting_since=timezone.now())
    waits_longer = talk(inbox, 0.1, state="waiting", waiting_since=long_ago)
    alerted = talk(inbox, -0.9, alert="three negative messages in a row", alert_weight=0.8)
    taken = talk(inbox, -0.95, alert="x", alert_weight=0.9, state="agent", agent=dora)
    wanted = [alerted, waits_longer, waits, taken, upset, content]
    assert listed(dora) == [str(one.id) for one in wanted]
    found = rows.page(List(), dora)["rows"]
    assert found[0]["why"] == "three negative messages in a row"
    assert (found[4]["why"], found[4]["word"]) == ("", "upset"), "the mood says it"
    assert sorted(found, key=lambda row: row["key"]) == found, "a page sorts by the same key"


def test_views_and_filters(inbox: Inbox, dora: User) -> None:
    other = Inbox.objects.create(key="other", name="Other")
    mine = talk(inbox, -0.7, state="agent", agent=dora)
    waits = talk(inbox, 0.1, state="waiting", waiting_since=timezone.now())
    closed = talk(other, 0.6, state="closed")
    say(mine, 2, "customer", "My Kettle broke on the second day")
    expected = {
        "open": [waits, mine],
        "mine": [mine],
        "unassigned": [waits],
        "waiting": [waits],
        "alert": [],
        "closed": [closed],
    }
    for view in VIEWS:
        assert listed(dora, view=view) == [str(one.id) for one in expected[view]], view
    assert listed(dora, mood="upset") == [str(mine.id)]
    assert listed(dora, inbox="other", view="closed") == [str(closed.id)]
    assert listed(dora, search="kettle broke") == [str(mine.id)]
    assert listed(dora, search="kettle waits") == []


def test_a_row_belongs_to_a_list_exactly_when_the_database_says_so(
    inbox: Inbox, dora: User
) -> None:
    for state in Conversation.State.values:
        agent = dora if state == "agent" else None
        talk(inbox, -0.7, state=state, agent=agent, alert="x", alert_weight=0.5)
        talk(inbox, 0.3, state=state)
        talk(inbox, state=state, last_seq=1)
    every = rows.rows_of(Conversation.objects.values_list("id", flat=True))
    for view in VIEWS:
        for mood in ("", "upset", "unknown"):
            wanted = List(view=view, mood=mood)
            found = {row["id"] for row in every if rows.belongs(row, wanted, dora)}
            assert found == set(listed(dora, view=view, mood=mood)), wanted


def test_a_page_of_5000_costs_as_many_queries_as_one_of_5(inbox: Inbox, dora: User) -> None:
    counts = []
    for more in (5, 60):
        for _ in range(more):
            talk(inbox, -0.2, 0.3)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(rows.page(List(), dora)["rows"]) == min(rows.PAGE, more)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 4
