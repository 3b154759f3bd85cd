"""Test runs in the admin: lena starts, compares and publishes; the auditor looks."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chatbot.models import Case, Inbox, TestResult, TestRun
from chatbot.teaching import results, runs
from crm.articles import editing
from crm.models import Article, Customer
from tests.chatbot.admin.console import answer, staff, talk, text_of

pytestmark = pytest.mark.django_db

LIST = "/admin/chatbot/testrun/"
LEAD = ["view_testrun", "add_testrun", "change_testrun"]


@pytest.fixture
def lena(client: Client) -> Client:
    return staff(client, "lena", *LEAD, "change_article")


def draft(title: str = "Returns") -> Article:
    article = Article(title=title, body="Within 14 days.")
    editing.save(article)
    return article


def side(outcome: str, text: str) -> dict[str, Any]:
    return {"outcome": outcome, "answer": text, "state": "answered", "citations": []}


def finished(*pairs: tuple[str, str], **values: Any) -> TestRun:
    """Store a run whose questions ended like this, live and with the drafts."""
    run = TestRun.objects.create(name="All questions", state="running", **values)
    for number, (live, with_drafts) in enumerate(pairs):
        asked = {"question": f"Question {number}", "expect": [["30"]]}
        texts = (side(live, f"{live} 30"), side(with_drafts, f"{with_drafts} 14"))
        TestResult.objects.create(run=run, asked=asked, live=texts[0], draft=texts[1])
    runs.finish(run)
    run.refresh_from_db()
    return run


def page(run: TestRun) -> str:
    return f"{LIST}{run.pk}/change/"


# --- starting


def test_lena_runs_the_active_questions_of_an_inbox(lena: Client, inbox: Inbox) -> None:
    Case.objects.create(question="Here", inbox=inbox)
    Case.objects.create(question="Anywhere")
    Case.objects.create(question="Old", active=False)
    started = lena.post(f"{LIST}add/", {"which": "cases", "inbox": inbox.pk, "with_drafts": "on"})
    run = TestRun.objects.get()
    assert started["Location"] == page(run)
    assert [str(row) for row in run.results.all()] == ["Here"]
    assert (run.name, run.by.username) == ("All active test questions, Fernhill", "lena")
    assert "There are no drafts" in text_of(lena, page(run))
    lena.post(f"{LIST}add/", {"which": "cases"})
    assert TestRun.objects.first().total == 2


def test_lena_runs_a_file(lena: Client) -> None:
    draft()
    text = b'{"question": "How long?", "expect": [["30"]]}\n'
    file = SimpleUploadedFile("mine.jsonl", text)
    lena.post(f"{LIST}add/", {"which": "file", "file": file, "with_drafts": "on"})
    run = TestRun.objects.get()
    assert (run.name, run.total, run.drafts) == ("mine.jsonl", 1, True)
    assert not Case.objects.exists()
    bad = SimpleUploadedFile("mine.jsonl", text + b"{")
    html = lena.post(f"{LIST}add/", {"which": "file", "file": bad}).content.decode()
    assert "Line 2: it is not JSON" in html
    html = lena.post(f"{LIST}add/", {"which": "file"}).content.decode()
    assert "Choose the file." in html
    assert TestRun.objects.count() == 1


def test_lena_runs_last_weeks_questions(lena: Client, inbox: Inbox) -> None:
    html = lena.post(f"{LIST}add/", {"which": "week"}).content.decode()
    assert "No questions found. Choose others, or another inbox." in html
    answer(talk(inbox), "30 days.", "How long?", state="answered")
    lena.post(f"{LIST}add/", {"which": "week"})
    assert str(TestRun.objects.get().results.get()) == "How long?"


# --- watching and comparing


def test_progress_is_told_and_a_run_is_cancelled(lena: Client) -> None:
    run = runs.start("x", [TestResult(asked={"question": "How long?"})])
    assert 'value="0" max="1"' in text_of(lena, page(run))
    told = lena.get(reverse("admin:test-run-progress", args=[run.pk])).json()
    assert told == {"done": 0, "total": 1, "open": True}
    lena.post(page(run), {"act": "cancel"})
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert "Cancelled" in text_of(lena, page(run))


def test_what_the_drafts_make_wrong_comes_first(lena: Client) -> None:
    alike = ("right", "right")
    run = finished(alike, ("wrong", "wrong"), ("right", "wrong"), alike, ("refused", "right"))
    TestResult.objects.filter(run=run, live__outcome="right", draft__outcome="right").update(
        draft=side("right", "right 30")
    )
    html = text_of(lena, page(run))
    order = [html.index(f"Question {number}</h2>") for number in (2, 1, 4, 0, 3)]
    assert order == sorted(order)
    assert html.count("but not with the drafts") == 1
    assert "the published articles is not answered right with the" in " ".join(html.split())
    assert "3 of 5" in text_of(lena, LIST)


def test_questions_and_answers_are_text(lena: Client) -> None:
    run = finished(("right", "right"))
    evil = {"question": "<script>alert(1)</script>", "expect": [["<img src=x>"]]}
    alice = Customer.objects.create(id="a", name="<b>Alice</b>")
    TestResult.objects.update(asked=evil, live=side("right", "<i>30</i>"), customer=alice)
    html = text_of(lena, page(run))
    for markup in ("<script>alert", "<img src=x", "<i>30", "<b>Alice"):
        assert markup not in html


# --- publishing


def test_when_nothing_gets_worse_one_click_publishes_what_is_ticked(lena: Client) -> None:
    first, second, bobs = draft(), draft("Parking"), draft("Bob's plans")
    run = finished(("wrong", "right"))
    later = draft("Written since")
    html = text_of(lena, page(run))
    assert html.count(" checked> <span>") == 3
    assert f'value="{later.pk}"> <span>' in html and "it has not been tested" in html
    lena.post(page(run), {"act": "publish", "article": [first.pk, second.pk, "x", "99"]})
    states = {one.title: one.state for one in Article.objects.all()}
    assert states.pop("Returns") == states.pop("Parking") == "published"
    assert set(states.values()) == {"draft"}
    assert (
        "Tick the drafts" in lena.post(page(run), {"act": "publish"}, follow=True).content.decode()
    )
    lena.post(page(run), {"act": "publish", "article": [bobs.pk]})
    assert "Bob&#x27;s plans" not in text_of(lena, page(run))


def test_a_question_that_gets_worse_is_named_before(lena: Client) -> None:
    article = draft()
    run = finished(("right", "wrong"))
    html = lena.post(page(run), {"act": "publish", "article": article.pk}).content.decode()
    assert "but not with the drafts:" in html and "Question 0" in html
    article.refresh_from_db()
    assert article.state == "draft"
    assert f'name="article" value="{article.pk}"' in html
    lena.post(page(run), {"act": "publish", "sure": "yes", "article": article.pk})
    article.refresh_from_db()
    assert article.state == "published"


def test_a_draft_that_was_changed_since_is_named_before(lena: Client) -> None:
    run = finished(("right", "right"), at=timezone.now() - timedelta(minutes=1))
    TestResult.objects.update(draft=side("right", "30"))
    article = draft("Opening hours")
    html = lena.post(page(run), {"act": "publish", "article": article.pk}).content.decode()
    assert "they have not been tested" in html and "Opening hours" in html
    article.refresh_from_db()
    assert article.state == "draft"


def test_who_may_not_change_articles_publishes_nothing(client: Client) -> None:
    article, run = draft(), finished(("right", "right"))
    somebody = staff(client, "mia", *LEAD)
    assert "Publish the ticked drafts" not in text_of(somebody, page(run))
    assert somebody.post(page(run), {"act": "publish", "article": article.pk}).status_code == 403
    article.refresh_from_db()
    assert article.state == "draft"
    assert results.worse(run) == []


def test_the_auditor_looks_and_charlie_does_not(client: Client) -> None:
    run = runs.start("x", [TestResult(asked={"question": "How long?"})])
    auditor = staff(client, "auditor", "view_testrun")
    assert "Cancel" not in text_of(auditor, page(run))
    assert auditor.post(page(run), {"act": "cancel"}).status_code == 403
    assert auditor.get(f"{LIST}add/").status_code == 403
    charlie = staff(client, "charlie")
    for url in (LIST, page(run), reverse("admin:test-run-progress", args=[run.pk])):
        assert charlie.get(url).status_code == 403
    assert TestRun.objects.get().state == "waiting"


def test_a_night_on_which_the_share_fell_has_a_badge(lena: Client) -> None:
    assert ">worse<" not in "".join(text_of(lena, LIST).split())
    TestRun.objects.create(name="x", nightly=True, state="done", figures={"fell": 12.5})
    assert ">worse<" in "".join(text_of(lena, LIST).split())
