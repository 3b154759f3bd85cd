"""The pages of websites: alice leads the team, bob is an agent, root runs Attune."""

from typing import Any

import pytest
from django.test import Client

from crm.articles import editing
from crm.models import Article, Website
from tests.chatbot.admin.console import SCRIPT, staff, text_of

pytestmark = pytest.mark.django_db
LIST, ADD = "/admin/crm/website/", "/admin/crm/website/add/"
EDITS = [f"{action}_website" for action in ("view", "add", "change", "delete")]
FORM = {"depth": "3", "most_pages": "500", "every_hours": "0"}


@pytest.fixture(autouse=True)
def listed(settings: Any) -> None:
    settings.KNOWLEDGE_HOSTS = ["help.corp"]


@pytest.fixture
def lead() -> Client:
    return staff(Client(), "lead", *EDITS)


@pytest.fixture
def reader() -> Client:
    return staff(Client(), "reader", "view_website")


def website(**fields: Any) -> Website:
    return Website.objects.create(**({"start": "http://help.corp/en/", "active": True} | fields))


def page(made: Website, action: str = "change") -> str:
    return f"{LIST}{made.pk}/{action}/"


def test_a_website_is_added_and_is_off_at_first(lead: Client) -> None:
    lead.post(ADD, FORM | {"start": "HTTP://Help.Corp:80/en/#top"})
    made = Website.objects.get()
    assert (made.start, made.active) == ("http://help.corp/en/", False)
    assert "Read now" not in text_of(lead, page(made))


@pytest.mark.parametrize(
    ("start", "active", "why"),
    [
        ("help.corp", "", "must begin with http://"),
        ("file:///etc/passwd", "", "must begin with http://"),
        ("http://wiki.corp/", "on", "wiki.corp:80 is not in the setting KNOWLEDGE_HOSTS"),
    ],
)
def test_what_cannot_be_read_is_refused(lead: Client, start: str, active: str, why: str) -> None:
    answer = lead.post(ADD, FORM | {"start": start, "active": active})
    assert why in answer.content.decode()
    assert not Website.objects.exists()


def test_the_form_says_that_a_host_is_not_listed(lead: Client, settings: Any) -> None:
    made = website(active=False)
    assert "KNOWLEDGE_HOSTS" not in text_of(lead, page(made))
    settings.KNOWLEDGE_HOSTS = []
    assert "help.corp:80 is not in the setting KNOWLEDGE_HOSTS" in text_of(lead, page(made))


def test_read_now_and_stop(lead: Client) -> None:
    made = website()
    assert "Read now" in text_of(lead, page(made))
    lead.post(page(made, "read"))
    made.refresh_from_db()
    assert (made.reading, made.run) == (True, 1)
    html = text_of(lead, page(made))
    assert f'data-url="{page(made, "progress")}"' in html
    assert "crm/progress.js" in html
    assert lead.get(page(made, "progress")).json() == {
        "state": "reading",
        "text": "0 read of 0 found",
        "done": 0,
        "total": 0,
    }
    lead.post(page(made, "stop"))
    made.refresh_from_db()
    assert made.cancel
    assert "It is being stopped" in text_of(lead, page(made))


def test_a_website_that_is_off_or_not_listed_is_not_read(lead: Client, settings: Any) -> None:
    made = website(active=False)
    answer = lead.post(page(made, "read"), follow=True)
    assert "it is off" in answer.content.decode()
    Website.objects.update(active=True)
    settings.KNOWLEDGE_HOSTS = []
    answer = lead.post(page(made, "read"), follow=True)
    assert "not in the setting KNOWLEDGE_HOSTS" in answer.content.decode()
    assert not Website.objects.get().reading


def test_only_people_who_may_change_a_website_read_it(reader: Client, charlie: Client) -> None:
    made = website()
    html = text_of(reader, page(made))
    assert "Read now" not in html
    assert reader.get(page(made, "progress")).status_code == 200
    for action in ("read", "stop"):
        assert reader.post(page(made, action)).status_code == 403
        assert charlie.post(page(made, action)).status_code == 403
    for url in (LIST, page(made), page(made, "progress")):
        assert charlie.get(url).status_code == 403
    assert not Website.objects.get().reading


def test_a_link_reads_nothing(lead: Client) -> None:
    made = website()
    assert lead.get(page(made, "read")).status_code == 405
    assert not Website.objects.get().reading


def test_the_report_tells_what_came_of_it(lead: Client) -> None:
    report = {
        "counts": {"left out": 2, "created": 1},
        "left_out": [[f"http://help.corp/en/{SCRIPT}", f"names {SCRIPT} as its main address"]],
        "outcome": ["The limit of 5 pages was reached, so pages may be missing."],
    }
    made = website(run=1, report=report)
    address = "http://help.corp/en/fees"
    made.pages.create(address=address, taken=True, found_in=1, read_in=1)
    editing.take(address, "Fees", "4.90 EUR")
    html = text_of(lead, page(made))
    article = Article.objects.get()
    for part in (f"/admin/crm/article/{article.pk}/change/", "The limit of 5", "1 created"):
        assert part in html
    assert "1 more are not listed here" in html
    assert SCRIPT not in html
    assert "1 created, 2 left out" in text_of(lead, LIST)


def test_pages_are_taken_again_once_they_are_to_be_published(lead: Client) -> None:
    made = website()
    row = made.pages.create(address="http://help.corp/en/", etag="1", found_in=1)
    form = FORM | {"start": made.start, "active": "on"}
    lead.post(page(made), form)
    row.refresh_from_db()
    assert row.etag == "1"
    lead.post(page(made), form | {"publish": "on"})
    row.refresh_from_db()
    assert row.etag == ""


def test_articles_stay_when_their_website_is_deleted(lead: Client) -> None:
    made = website()
    made.pages.create(address="http://help.corp/en/fees", taken=True, found_in=1)
    editing.take("http://help.corp/en/fees", "Fees", "4.90 EUR")
    assert "Its articles stay" in text_of(lead, page(made, "delete"))
    lead.post(page(made, "delete"), {"post": "yes"})
    assert not Website.objects.exists()
    assert Article.objects.exists()
