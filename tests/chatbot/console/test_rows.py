"""The list: who needs a person most comes first, with the reason."""

from itertools import product

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatbot.console import rows
from chatbot.console.frames import STATES, VIEWS, List
from chatbot.models import Conversation, Inbox
from tests.chatbot.admin.console import say, talk

pytestmark = [pytest.mark.django_db, pytest.mark.services]


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
    assert listed(dora, state="agent") == [str(mine.id)]
    assert listed(dora, state="bot") == []


def test_a_row_belongs_to_a_list_exactly_when_the_database_says_so(
    inbox: Inbox, dora: User
) -> None:
    for state in Conversation.State.values:
        agent = dora if state == "agent" else None
        talk(inbox, -0.7, state=state, agent=agent, alert="x", alert_weight=0.5)
        talk(inbox, 0.3, state=state)
        talk(inbox, state=state, last_seq=1)
    every = rows.rows_of(Conversation.objects.values_list("id", flat=True))
    for view, mood, state in product(VIEWS, ("", "upset", "unknown"), STATES):
        wanted = List(view=view, mood=mood, state=state)
        found = {row["id"] for row in every if rows.belongs(row, wanted, dora)}
        assert found == set(listed(dora, view=view, mood=mood, state=state)), wanted


def test_closed_ones_are_listed_by_their_last_activity(inbox: Inbox, dora: User) -> None:
    now = timezone.now()
    early = talk(inbox, -0.9, state="closed", last_message_at=now - timezone.timedelta(days=2))
    late = talk(inbox, 0.9, state="closed", last_message_at=now)
    assert listed(dora, view="closed") == [str(late.id), str(early.id)]
    found = rows.page(List(view="closed"), dora)["rows"]
    assert sorted(found, key=lambda row: row["key"]) == found


def test_a_page_of_5000_is_one_query_as_one_of_5_is(inbox: Inbox, dora: User) -> None:
    for more in (5, 60):
        for _ in range(more):
            talk(inbox, -0.2, 0.3)
        with CaptureQueriesContext(connection) as queries:
            found = rows.page(List(), dora)
        assert len(found["rows"]) == min(rows.PAGE, more)
        assert len(queries) == 1
    assert (found["total"], found["pages"], found["more"]) == (65, 2, False)
    last = found["rows"][-1]
    assert (last["last"]["text"], last["scores"]) == ("Sentence 2", [-0.2, 0.3])


def test_what_has_changed_is_one_query_too(inbox: Inbox) -> None:
    ids = [talk(inbox, -0.2).id for _ in range(20)]
    with CaptureQueriesContext(connection) as queries:
        assert len(rows.rows_of(ids)) == 20
    assert len(queries) == 1


def test_a_long_list_is_counted_so_far_and_no_further(
    inbox: Inbox, dora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "COUNTED", 60)
    for _ in range(70):
        talk(inbox, 0.1)
    found = rows.page(List(page=1), dora)
    assert (found["total"], found["more"], found["pages"]) == (60, True, 2)
    assert len(found["rows"]) == 20


def test_a_page_that_is_no_longer_there_is_the_first_one(inbox: Inbox, dora: User) -> None:
    one = talk(inbox, 0.1)
    found = rows.page(List(page=3), dora)
    assert (found["page"], [row["id"] for row in found["rows"]]) == (0, [str(one.id)])


def test_alerts_are_known_whatever_a_list_shows(inbox: Inbox, dora: User) -> None:
    alerted = talk(inbox, -0.9, alert="x", alert_weight=0.8)
    talk(inbox, -0.9, alert="x", alert_weight=0.8, alert_seen=True)
    assert rows.alerts() == {str(alerted.id)}
