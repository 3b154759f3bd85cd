"""Articles in the admin: alice leads the team and writes, bob is an agent and reads, charlie may
see nothing of them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from chatbot.models import Inbox
from chatbot.people import roles
from crm.articles import editing
from crm.knowledge import search
from crm.knowledge.records import import_records
from crm.models import Article, Record
from tests.chatbot.admin.console import IMAGE, SCRIPT, rows, staff, text_of
from tests.fakes import fake_index

pytestmark = pytest.mark.django_db
LIST, ADD, PREVIEW = (f"/admin/crm/article/{path}" for path in ("", "add/", "preview/"))
FORM = {
    "title": "Returning boots",
    "kind": "article",
    "body": "Boots can be returned within **30 days**.",
    "language": "en",
    "address": "",
    "review_by": "",
}


def member(name: str, role: str) -> Client:
    client = Client()
    user = User.objects.create_user(name, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    return client


@pytest.fixture
def alice() -> Client:
    return member("alice", roles.LEAD)


@pytest.fixture
def bob() -> Client:
    return member("bob", roles.AGENT)


@pytest.fixture
def charlie() -> Client:
    return staff(Client(), "charlie", "view_record")


@pytest.fixture
def index() -> Iterator[None]:
    with fake_index():
        yield


def page(article: Article) -> str:
    return f"/admin/crm/article/{article.pk}/change/"


def save(client: Client, article: Article, button: str = "_save", **changed: Any) -> Any:
    """Press a button of the article's page, as it was opened just now."""
    article.refresh_from_db()
    values = {name: getattr(article, name) for name in FORM}
    values |= {"inboxes": article.inboxes, "review_by": article.review_by or ""}
    values |= {"seen": article.changed_at.isoformat(), button: "", **changed}
    response = client.post(page(article), values, follow=True)
    assert response.status_code == 200
    article.refresh_from_db()
    return response.content.decode()


def written(**values: Any) -> Article:
    article = Article(**{"title": "Returning boots", "body": "Within 30 days.", **values})
    editing.save(article)
    return article


def found(question: str) -> list[str]:
    return [hit.text for hit in search.search(question, None)]


def test_alice_writes_a_draft_and_publishes_it(alice: Client, index: None) -> None:
    html = alice.post(ADD, FORM | {"_save": ""}, follow=True).content.decode()
    assert "Customers do not see it until you publish it." in html
    article = Article.objects.get()
    assert (article.state, article.published, found("return boots")) == ("draft", None, [])
    html = save(alice, article, "_publish", body="Within 45 days.")
    assert "Customers of all inboxes now see version 2, which is this text." in html
    assert found("return boots") == ["Returning boots\nWithin 45 days."]


def test_edits_are_told_once_they_are_published_and_nothing_after_archiving(
    alice: Client, index: None
) -> None:
    article = written()
    save(alice, article, "_publish")
    html = save(alice, article, body="Within 60 days.")
    assert "Customers still see version 1 until you publish your changes." in html
    assert "Published, with unpublished changes." in html
    assert found("return boots") == ["Returning boots\nWithin 30 days."]
    assert "Customers do not see it" in save(alice, article, "_archive")
    assert (article.state, article.body, found("return boots")) == (
        "archived",
        "Within 60 days.",
        [],
    )
    assert "Publish again" in text_of(alice, page(article))
    save(alice, article, "_publish")
    assert found("return boots") == ["Returning boots\nWithin 60 days."]


def test_a_second_person_does_not_overwrite_the_first(alice: Client) -> None:
    article = written()
    opened = article.changed_at.isoformat()
    save(member("lena", roles.LEAD), article, body="Lena's text.")
    html = save(alice, article, seen=opened, body="Alice's text.")
    assert "lena saved this article on" in html
    assert "Alice&#x27;s text." in html
    assert article.body == "Lena's text."
    assert f'name="seen" value="{article.changed_at.isoformat()}"' in html
    save(alice, article, body="Both texts.")
    assert article.body == "Both texts."


def test_what_archives_or_imports_meanwhile_counts_as_a_change_too(alice: Client) -> None:
    article = written()
    editing.publish(article)
    opened = article.changed_at.isoformat()
    editing.archive(article)
    assert "has not been saved" in save(alice, article, "_save", seen=opened, body="New.")
    assert (article.state, article.body) == ("archived", "Within 30 days.")


def test_an_article_is_for_the_inboxes_that_are_ticked(alice: Client) -> None:
    Inbox.objects.create(key="shop", name="Fernhill")
    Inbox.objects.create(key="trade", name="Fernhill Trade")
    article = written()
    html = save(alice, article, "_publish", inboxes=["trade"])
    assert "Customers of Fernhill Trade now see" in html
    assert article.inboxes == Record.objects.get(id=article.record).inboxes == ["trade"]
    assert "is not one of the available choices" in save(alice, article, inboxes=["nowhere"])
    written(title="For all")
    assert len(rows(text_of(alice, f"{LIST}?inbox=trade"))) == 2
    assert len(rows(text_of(alice, f"{LIST}?inbox=shop"))) == 1
    Inbox.objects.get(key="trade").delete()
    html = text_of(alice, page(article))
    assert "trade (inbox deleted)" in html
    save(alice, article, body="Another text.")
    assert article.inboxes == ["trade"]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("title", "\u200b \u3164", "no visible characters"),
        ("body", "\u2060", "no visible characters"),
        ("body", "a" * 200_001, "at most 200000 characters"),
        ("body", "a\x00b", "Null characters are not allowed"),
        ("address", "javascript:alert(1)", "such as https://"),
        ("address", "ftp://shop.example/", "such as https://"),
        ("address", "https://", "such as https://"),
        ("address", "https://shop.example:port/", "such as https://"),
        ("address", "https://alice:secret@shop.example/", "such as https://"),
        ("address", "https://shop.example/a b", "such as https://"),
        ("language", "ja", "is not one of the available choices"),
        ("language", "klingon", "is not one of the available choices"),
        ("kind", "poem", "is not one of the available choices"),
        ("review_by", "soon", "Enter a valid date"),
    ],
)
def test_what_cannot_be_told_is_refused_with_a_reason(
    alice: Client, name: str, value: str, why: str
) -> None:
    html = alice.post(ADD, FORM | {name: value, "_publish": ""}).content.decode()
    assert why in html
    assert not Article.objects.exists()


def test_an_address_on_the_own_network_and_a_browsers_line_ends_are_fine(alice: Client) -> None:
    text = "One.\r\n\r\n- two\r\n- three"
    alice.post(ADD, FORM | {"address": "http://wiki:8080/returns", "body": text, "_save": ""})
    article = Article.objects.get()
    assert (article.address, article.body) == ("http://wiki:8080/returns", "One.\n\n- two\n- three")


def test_the_preview_shows_the_text_as_a_customer_and_as_search_sees_it(alice: Client) -> None:
    body = (
        f"## Boots\n\n| Size | Fit |\n| --- | --- |\n| 42 | wide |\n\n{SCRIPT}\n\n[x](javascript:a)"
    )
    html = alice.post(PREVIEW, {"title": f"Sizes {IMAGE}", "body": body}).content.decode()
    assert "<h2>Boots</h2>" in html
    assert "<td>wide</td>" in html
    assert "1 passage." in html
    assert SCRIPT not in html
    assert IMAGE not in html
    assert 'href="javascript' not in html
    assert not Article.objects.exists()


def test_the_preview_of_nothing_invites_to_write(alice: Client) -> None:
    assert "appears here while you write" in alice.post(PREVIEW).content.decode()
    assert alice.get(PREVIEW).status_code == 405


def test_versions_are_listed_compared_and_restored(alice: Client) -> None:
    article = written(body="First line.\nSecond line.")
    save(alice, article, "_publish", body=f"First line.\nAnother line.\n{SCRIPT}")
    versions = f"/admin/crm/article/{article.pk}/versions/"
    html = text_of(alice, versions)
    assert "seen by customers, current text" in html
    assert "alice" in html
    html = text_of(alice, f"{versions}1/")
    assert '<del dir="auto">Second line.</del>' in html
    assert '<ins dir="auto">Another line.</ins>' in html
    assert SCRIPT not in html
    assert "article's text is the same now" in text_of(alice, f"{versions}2/")
    html = alice.post(f"{versions}1/restore/", follow=True).content.decode()
    assert "Version 1 is the article&#x27;s text again, as version 3." in html
    assert "still see version 2" in html
    article.refresh_from_db()
    assert (article.body, article.published) == ("First line.\nSecond line.", 2)
    assert alice.get(f"{versions}9/").status_code == 404
    assert alice.post(f"{versions}9/restore/").status_code == 404
    assert alice.get(f"{versions}1/restore/").status_code == 405


def test_versions_of_a_thousand_lines_are_not_compared(alice: Client) -> None:
    article = written(body="line\n" * 3_000)
    save(alice, article, body="short")
    html = text_of(alice, f"/admin/crm/article/{article.pk}/versions/1/")
    assert "too long to compare" in html


def test_the_list_tells_states_and_what_is_overdue(
    alice: Client, django_assert_max_num_queries: Any
) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    late = written(title="Late", review_by=yesterday)
    changed = written(title="Changed", source="faq.html")
    gone = written(title="Gone", review_by=yesterday)
    for article in (late, changed, gone):
        editing.publish(article)
    editing.archive(gone)
    changed.body = "Other words."
    editing.save(changed)
    written(title="Draft", body="about zebras", kind="question")
    for number in range(12):
        editing.archive(written(title=f"Old {number}"))
    with django_assert_max_num_queries(22):  # As many for one article as for fifty.
        html = text_of(alice, LIST)
    assert "with unpublished changes</small>" in html
    assert "1 overdue" in html  # In the sidebar; nobody need review what is archived.
    chosen = {
        "review=overdue": "Late",
        "state=changed": "Changed",
        "state=archived&q=gone": "Gone",
        "state=draft": "Draft",
        "kind__exact=question": "Draft",
        "origin=imported": "Changed",
        "q=ZEBRAS": "Draft",
    }
    for query, title in chosen.items():
        listed = rows(text_of(alice, f"{LIST}?{query}"))
        assert len(listed) == 1, query
        assert title in listed[0], query
    assert len(rows(text_of(alice, f"{LIST}?state=published"))) == 2
    assert len(rows(text_of(alice, f"{LIST}?origin=here"))) == 15


def test_many_articles_are_published_or_archived_at_once(alice: Client) -> None:
    articles = [written(title=f"Article {number}") for number in range(3)]
    chosen = {"_selected_action": [article.pk for article in articles]}
    html = alice.post(LIST, chosen | {"action": "publish_chosen"}, follow=True).content.decode()
    assert "3 articles were published; customers now see them." in html
    assert Record.objects.filter(deleted=False).count() == 3
    html = alice.post(LIST, chosen | {"action": "archive_chosen"}, follow=True).content.decode()
    assert "3 articles were archived; customers no longer see them." in html
    assert not Record.objects.filter(deleted=False).exists()


def test_only_a_draft_that_was_never_published_is_deleted(alice: Client) -> None:
    draft, told = written(), written(title="Told")
    editing.publish(told)
    editing.archive(told)
    editing.restore(told, 1)
    for article, answer in ((told, 403), (draft, 302)):
        url = f"/admin/crm/article/{article.pk}/delete/"
        assert ("Delete" in text_of(alice, page(article))) is (article == draft)
        assert alice.post(url, {"post": "yes"}).status_code == answer
    chosen = {"_selected_action": [told.pk], "action": "delete_selected", "post": "yes"}
    alice.post(LIST, chosen)
    assert list(Article.objects.all()) == [told]


def test_the_record_and_the_article_lead_to_each_other_and_a_crms_record_stays_read_only(
    alice: Client,
) -> None:
    article = written()
    editing.publish(article)
    record = f"/admin/crm/record/articles_2F{article.pk}/change/"
    assert record in text_of(alice, page(article))
    assert page(article) in text_of(alice, record)
    row = {
        "id": "faq:1",
        "kind": "faq",
        "customer": None,
        "title": "Hours",
        "text": "Nine to five.",
    }
    import_records([row | {"updated_at": "2026-11-01T10:00:00Z"}])
    html = text_of(alice, "/admin/crm/record/faq_3A1/change/")
    assert "Written in" not in html
    assert alice.post("/admin/crm/record/faq_3A1/change/", {"title": "x"}).status_code == 403
    assert alice.post(record, {"title": "x"}).status_code == 403


def test_bob_reads_and_charlie_sees_nothing(bob: Client, charlie: Client) -> None:
    article = written(body=f"Within **30 days**. {SCRIPT}")
    editing.publish(article)
    one = f"/admin/crm/article/{article.pk}/versions/"
    for url in (LIST, page(article), one, f"{one}1/"):
        assert bob.get(url).status_code == 200, url
        assert charlie.get(url).status_code == 403, url
    html = text_of(bob, page(article))
    assert "overdue" not in html
    assert "<strong>30 days</strong>" in html
    assert SCRIPT not in html
    assert "Save" not in html.split('id="content-main"')[1]
    assert "Restore" not in text_of(bob, f"{one}1/")
    chosen = {"_selected_action": [article.pk], "action": "archive_chosen"}
    for person in (bob, charlie):
        assert person.get(ADD).status_code == 403
        for url in (page(article), PREVIEW, f"{one}1/restore/", page(article)[:-7] + "delete/"):
            assert person.post(url, FORM | {"_publish": ""}).status_code == 403, url
        person.post(LIST, chosen)
    article.refresh_from_db()
    assert (article.state, article.versions.count()) == ("published", 1)


def test_forms_from_elsewhere_are_refused(alice: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = alice.cookies
    article = written()
    one = f"/admin/crm/article/{article.pk}/versions/1/restore/"
    for url in (PREVIEW, page(article), one):
        assert strict.post(url, FORM).status_code == 403, url
