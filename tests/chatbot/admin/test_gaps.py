"""Alice leads the team and works on gaps; bob answers customers; charlie must see nothing."""

import re
from typing import Any

import pytest
from django.test import Client

from chatbot.gaps.updating import update_gaps
from chatbot.models import Gap, GapQuestion
from crm.articles import editing
from crm.models import Article
from tests.chatbot.admin.console import SCRIPT, record, staff, text_of
from tests.chatbot.gaps.asked import asked
from tests.fakes import fake_index

pytestmark = [pytest.mark.django_db, pytest.mark.services]
LIST = "/admin/chatbot/gap/"
GIFT = "Do you wrap gifts?"
LEAD = ["view_gap", "change_gap", "view_conversation", "view_record"]
LEAD += ["view_article", "add_article", "change_article"]


@pytest.fixture(autouse=True)
def index() -> Any:
    with fake_index():
        yield


@pytest.fixture
def gap() -> Gap:
    """Two customers want gifts wrapped."""
    asked(GIFT, days=1)
    asked(GIFT, days=9)
    update_gaps()
    return Gap.objects.get()


def page(gap: Gap) -> str:
    return f"{LIST}{gap.pk}/change/"


def post(client: Client, gap: Gap, button: str) -> Gap:
    assert client.post(f"{LIST}{gap.pk}/{button}/").status_code == 302
    gap.refresh_from_db()
    return gap


def test_the_list_has_open_gaps_with_their_trend_and_the_weekly_figures(
    client: Client, gap: Gap
) -> None:
    Gap.objects.create(label="Where is Norway?", state="closed", count=1)
    alice = staff(client, "alice", *LEAD)
    html = text_of(alice, LIST)
    assert GIFT in html
    assert "Where is Norway?" not in html
    assert "as many as in the week before" in html
    assert re.search(r"0 %<small>0 of \d question", html)
    assert "Where is Norway?" in text_of(alice, f"{LIST}?state=closed")
    both = text_of(alice, f"{LIST}?state=all")
    assert GIFT in both and "Where is Norway?" in both
    assert GIFT not in text_of(alice, f"{LIST}?q=norway")


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [(5, 2, "up from 2 in the"), (1, 4, "down from 4 in the"), (3, 3, "as many as in the")],
)
def test_the_trend_is_said_in_words(
    root: Client, gap: Gap, now: int, before: int, words: str
) -> None:
    Gap.objects.update(last_week=now, week_before=before)
    assert f"{words} week before" in text_of(root, LIST)


def test_alice_writes_an_article_from_the_gap(client: Client, gap: Gap) -> None:
    alice = staff(client, "alice", *LEAD)
    html = text_of(alice, page(gap)).replace("&amp;", "&")
    address = f"/admin/crm/article/add/?gap={gap.pk}&title=Do+you+wrap+gifts%3F"
    assert f'href="{address}"' in html
    form = {"title": GIFT, "body": "Yes, for 3 euros.", "kind": "question", "language": "en"}
    response = alice.post(address, form | {"_save": ""})
    assert response.status_code == 302, response.content.decode()
    gap.refresh_from_db()
    assert gap.article and gap.article.title == GIFT
    assert GIFT in text_of(alice, page(gap))


def test_alice_extends_the_article_that_comes_nearest(client: Client, gap: Gap) -> None:
    article = Article(title="How we wrap gifts", body="We wrap gifts in paper.")
    editing.publish(article)
    # A background task would embed it.
    from crm.knowledge import indexing

    indexing.refresh()
    html = text_of(staff(client, "alice", *LEAD), page(gap))
    assert f'href="/admin/crm/article/{article.pk}/change/?gap={gap.pk}"' in html
    assert "We wrap gifts in paper." in html


def test_a_record_of_the_crm_is_shown_but_not_extended(client: Client, gap: Gap) -> None:
    record("article:7", "Gifts", text="Gifts")
    Gap.objects.update(nearest="article:7")
    html = text_of(staff(client, "alice", *LEAD), LIST)
    assert "/admin/crm/record/article_3A7/change/" in html
    assert "Extend" not in text_of(client, page(gap))


def test_the_buttons_close_ignore_and_open(client: Client, gap: Gap) -> None:
    alice = staff(client, "alice", *LEAD)
    assert post(alice, gap, "close").closed_at
    assert "Open again" in text_of(alice, page(gap))
    assert post(alice, gap, "ignore").state == "ignored"
    assert gap.closed_at is None
    assert post(alice, gap, "open").state == "open"
    assert alice.get(f"{LIST}{gap.pk}/close/").status_code == 405


def test_asking_again_shows_before_and_after_and_offers_to_close(client: Client, gap: Gap) -> None:
    alice = staff(client, "alice", *LEAD)
    post(alice, gap, "ask")
    html = text_of(alice, page(gap))
    assert "Asking again: 0 of 2 done" in html
    assert "data-waiting" in html
    first = gap.questions.all()[0]
    GapQuestion.objects.filter(pk=first.pk).update(
        waiting=False, after={"answer": "Yes, for 3 euros.", "state": "answered"}
    )
    html = text_of(alice, page(gap))
    assert "Asking again: 1 of 2 done" in html
    assert "Yes, for 3 euros." in html
    assert "There is nothing about it in our records." in html
    assert "All of them are answered now" not in html
    GapQuestion.objects.update(
        waiting=False, after={"answer": "Yes, for 3 euros.", "state": "answered"}
    )
    assert "All of them are answered now" in text_of(alice, page(gap))
    post(alice, gap, "ask")
    post(alice, gap, "stop")
    assert not gap.questions.filter(waiting=True).exists()


def test_words_and_answers_are_shown_only_to_people_who_may_read_conversations(
    client: Client,
) -> None:
    asked("Do you wrap gifts for alice@example.com?", said="Not for you, Alice.")
    update_gaps()
    gap = Gap.objects.get()
    dora = staff(client, "dora", "view_gap")
    for html in (text_of(dora, LIST), text_of(dora, page(gap))):
        assert "Do you wrap gifts for [email]?" in html
        assert "alice@" not in html
        assert "Not for you" not in html
        assert "/admin/chatbot/conversation/" not in html
        assert "/admin/crm/article/add/" not in html
    assert dora.post(f"{LIST}{gap.pk}/close/").status_code == 403
    alice = staff(client, "alice", "view_gap", "view_conversation")
    assert "alice@example.com" in text_of(alice, page(gap))
    assert "Ask again" not in text_of(alice, page(gap))


def test_bob_and_charlie_see_no_gap(client: Client, gap: Gap) -> None:
    for name, permissions in (("bob", ["view_conversation"]), ("charlie", [])):
        client = staff(client, name, *permissions)
        assert client.get(LIST).status_code == 403
        assert client.get(page(gap)).status_code == 403
        for button in ("ask", "stop", "close", "ignore", "open"):
            assert client.post(f"{LIST}{gap.pk}/{button}/").status_code == 403
    assert Gap.objects.get().state == "open"


def test_scripts_are_shown_as_text(root: Client) -> None:
    asked(f"Do you wrap {SCRIPT}?", said=SCRIPT)
    update_gaps()
    GapQuestion.objects.update(after={"answer": SCRIPT, "state": SCRIPT})
    for url in (LIST, page(Gap.objects.get())):
        html = text_of(root, url)
        assert SCRIPT not in html
        assert "&lt;script&gt;" in html
