"""Figures: what a day came to, and that counting again changes nothing."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from chatbot.models import Conversation, Figure, Inbox, Message, Reply, Visitor
from chatbot.reports import aggregate, measures, page

pytestmark = [pytest.mark.django_db, pytest.mark.services]
NOW = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
URL = "/admin/chatbot/figure/dashboard/"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox.objects.create(key="shop", name="Shop")


@pytest.fixture
def dora() -> User:
    return User.objects.create_user("dora", is_staff=True)


def talk(inbox: Inbox, days_ago: int = 0, visitor: Visitor | None = None, **fields: Any) -> Any:
    """The customer writes at noon, the bot answers 30 seconds later."""
    at = NOW - timedelta(days=days_ago)
    one = Conversation.objects.create(
        visitor=visitor or Visitor.objects.create(inbox=inbox),
        created_at=at,
        last_seq=2,
        **{"last_message_at": at} | fields,
    )
    said = Message.objects.create(
        conversation=one, seq=1, author="customer", text="x", at=at, score=-0.5, label="negative"
    )
    answer = Message.objects.create(
        conversation=one,
        seq=2,
        author="bot",
        text="y",
        at=at + timedelta(seconds=30),
        citations=[{"id": "order:1", "title": "Order 1"}],
        feedback=1,
    )
    Reply.objects.create(
        conversation=one,
        question=said,
        answer=answer,
        created_at=at,
        status="done",
        timings={"first_sentence": 2.0},
        withheld=[{"sentence": "z", "missing": []}],
        generations=[{"prompt_tokens": 90, "completion_tokens": 10, "joules": None}],
    )
    return one


def closed(one: Any, hours: int = 1, **fields: Any) -> None:
    Conversation.objects.filter(id=one.id).update(
        state="closed", closed_at=one.created_at + timedelta(hours=hours), **fields
    )


def found(days: int = 30, agent: User | None = None) -> page.Report:
    period = page.Period(NOW.date() - timedelta(days=days), NOW.date())
    return page.report(page.figures(period, None, agent.id if agent else None))


def stored() -> list[tuple[Any, ...]]:
    names = ("day", "inbox", "agent", "measure", "topic", "count", "total", "buckets")
    return sorted(map(tuple, Figure.objects.values_list(*names)), key=str)


def test_a_day_is_counted(inbox: Inbox, dora: User) -> None:
    closed(talk(inbox), csat=5, csat_at=NOW)
    talk(inbox, handoff_reason="The customer asked for a person.", alerts=1)
    aggregate.bring_up_to_date()
    now = found()
    counts = {name: now.sums[name].count for name in ("conversations", "handled", "autonomous")}
    assert counts == {"conversations": 2, "handled": 2, "autonomous": 1}
    assert (now.share("autonomous"), now.share("handoffs"), now.share("alerts")) == (0.5, 0.5, 0.5)
    assert now.sums["csat"].mean == 5
    assert now.sums["mood"].mean == -0.5
    assert now.by_topic["order"].mean == -0.5
    assert (now.sums["tokens"].total, now.sums["withheld"].count) == (200, 2)
    assert page.value(now, "joules") == "not measured"
    assert page.value(now, "helpful") == "100.0%"


def test_a_resolution_is_durable_where_the_customer_does_not_come_back_within_a_week(
    inbox: Inbox,
) -> None:
    for days_later, durable in ((6, 0), (8, 1)):
        Conversation.objects.all().delete()
        visitor = Visitor.objects.create(inbox=inbox)
        closed(talk(inbox, 20, visitor))
        aggregate.rebuild()
        assert found().sums["durable"].count == 1
        talk(inbox, 20 - days_later, visitor, last_message_at=timezone.now())
        aggregate.bring_up_to_date()
        assert found().sums["durable"].count == durable


def test_what_dora_resolved_is_not_the_bots(inbox: Inbox, dora: User) -> None:
    one = talk(inbox)
    Message.objects.create(
        conversation=one, seq=3, author="agent", text="z", at=NOW + timedelta(minutes=5), agent=dora
    )
    closed(one, agent=dora, csat=4, csat_at=NOW)
    aggregate.bring_up_to_date()
    assert found().sums["autonomous"].count == 0
    hers = found(agent=dora)
    assert (hers.sums["messages.agent"].count, hers.sums["csat"].mean) == (1, 4)
    assert hers.sums["conversations"].count == 0


def test_counting_again_changes_nothing_and_late_changes_are_found(inbox: Inbox) -> None:
    talks = [talk(inbox, days) for days in (0, 1, 5, 9)]
    aggregate.bring_up_to_date()
    for one in talks:
        closed(one, hours=2)
    Conversation.objects.filter(id=talks[2].id).update(csat=2, csat_at=timezone.now())
    Conversation.objects.update(closed_at=timezone.now())
    aggregate.bring_up_to_date()
    step_by_step = stored()
    aggregate.rebuild()
    assert stored() == step_by_step


def test_percentiles_come_from_buckets_and_are_never_too_low() -> None:
    counts = measures.histogram([1.0] * 90 + [100.0] * 10)
    half, last = measures.percentile(counts, 0.5), measures.percentile(counts, 0.95)
    assert half is not None and 1.0 <= half <= 1.59
    assert last is not None and 100.0 <= last <= 159
    assert measures.percentile([], 0.5) is None


# --- the page


def lead(client: Client) -> Client:
    lena = User.objects.create_user("lena", is_staff=True)
    lena.user_permissions.add(Permission.objects.get(codename="view_figure"))
    client.force_login(lena)
    return client


def test_the_page_shows_values_changes_and_definitions(client: Client, inbox: Inbox) -> None:
    talk(inbox)
    talk(inbox, 40)
    aggregate.bring_up_to_date()
    html = lead(client).get(URL).content.decode()
    assert measures.DEFINITIONS["autonomous"] in html
    assert measures.DEFINITIONS["durable"] in html
    assert "+0% against the previous period" in html
    assert "Counted up to" in html


def test_of_an_agent_it_shows_what_one_person_does(
    client: Client, inbox: Inbox, dora: User
) -> None:
    closed(talk(inbox), agent=dora, csat=4, csat_at=NOW)
    aggregate.bring_up_to_date()
    html = lead(client).get(URL, {"agent": dora.id}).content.decode()
    for label in page.LABELS_OF_AGENT.values():
        assert f"<h2>{label}</h2>" in html
    for label in ("Resolved autonomously", "Mood by topic", "First response"):
        assert label not in html
    assert "4.0 of 5 (1)" in html


def test_a_share_is_compared_in_points(inbox: Inbox) -> None:
    closed(talk(inbox, 2))
    talk(inbox)
    closed(talk(inbox, 40))
    aggregate.bring_up_to_date()
    period = page.Period(NOW.date() - timedelta(days=29), NOW.date())
    now = page.report(page.figures(period, None, None))
    before = page.totals(page.figures(period.before, None, None))
    assert page.change(now, before, "autonomous") == "−50.0 points against the previous period"
    assert page.change(now, before, "conversations") == "+100% against the previous period"
    assert page.change(now, before, "mood") == "+0.00 against the previous period"
    assert page.change(now, before, "csat") == ""


def test_it_takes_a_constant_number_of_queries(
    client: Client, inbox: Inbox, django_assert_max_num_queries: Any
) -> None:
    for days in range(20):
        talk(inbox, days)
    aggregate.bring_up_to_date()
    lead(client).get(URL)
    with django_assert_max_num_queries(16):
        client.get(URL, {"days": "90"})


@pytest.mark.parametrize(
    "query", ["first=x&last=y", "first=2026-02-01&last=2026-01-01", "days=5", "inbox=99", "agent=x"]
)
def test_a_choice_that_makes_no_sense_is_none(client: Client, query: str) -> None:
    assert lead(client).get(f"{URL}?{query}").status_code == 200


def test_who_may_not_sees_nothing(client: Client) -> None:
    client.force_login(User.objects.create_user("charlie", is_staff=True))
    assert client.get(URL).status_code == 403
    assert client.get("/admin/chatbot/figure/").status_code == 403


def test_the_file_holds_numbers_and_no_formulas(client: Client, inbox: Inbox) -> None:
    talk(inbox)
    aggregate.bring_up_to_date()
    answer = lead(client).get(URL, {"csv": "1"})
    assert answer["content-disposition"].startswith('attachment; filename="attune-')
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    mood = next(row for row in rows if row["measure"] == "mood")
    assert (mood["count"], float(mood["total"])) == ("1", -0.5)
    for evil in ("=1+1", "+1", "-1", "@x", "\tx", "\rx"):
        assert page.safe(evil) == f"'{evil}"
    assert page.safe(-1.5) == -1.5
