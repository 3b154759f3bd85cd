"""alice writes articles, bob reads what customers are told, charlie's CRM must not touch them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from crm.articles import drafts, editing, preview
from crm.inbound import apply
from crm.knowledge import records, search
from crm.models import Article, Record
from crm.plumbing.storable import RecordError
from tests.fakes import fake_index

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture(autouse=True)
def index() -> Iterator[None]:
    with fake_index():
        yield


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def parking(alice: User) -> Article:
    article = Article(title="Parking", body="Guests park in the yard.")
    editing.save(article, alice)
    return article


def told(question: str, inbox: str = "", with_drafts: bool = False) -> list[str]:
    known = drafts.current() if with_drafts else search.NO_DRAFTS
    return [hit.text for hit in search.search(question, None, inbox=inbox, drafts=known)]


def test_a_draft_is_told_to_nobody_until_alice_publishes_it(alice: User, parking: Article) -> None:
    assert told("where do guests park?") == []
    editing.publish(parking, alice)
    assert told("where do guests park?") == ["Parking\nGuests park in the yard."]


def test_alice_edits_a_published_article_and_customers_are_told_the_old_words(
    alice: User, parking: Article
) -> None:
    editing.publish(parking, alice)
    parking.body = "Guests park in the garage."
    editing.save(parking, alice)
    assert editing.differs(parking)
    assert told("where do guests park?") == ["Parking\nGuests park in the yard."]
    assert told("where do guests park?", with_drafts=True) == [
        "Parking\nGuests park in the garage."
    ]
    editing.publish(parking, alice)
    assert not editing.differs(parking)
    assert told("where do guests park?") == ["Parking\nGuests park in the garage."]
    assert [version.number for version in parking.versions.all()] == [2, 1]


def test_an_archived_article_is_told_no_more_and_comes_back_by_its_version(
    alice: User, parking: Article
) -> None:
    editing.publish(parking, alice)
    editing.archive(parking, alice)
    assert told("where do guests park?") == []
    assert told("where do guests park?", with_drafts=True) == []
    editing.restore(parking, 1, alice)
    editing.publish(parking, alice)
    assert told("where do guests park?") == ["Parking\nGuests park in the yard."]


def test_saving_the_same_words_again_is_no_version(alice: User, parking: Article) -> None:
    editing.save(parking, alice)
    assert parking.versions.count() == 1


def test_an_article_for_one_inbox_is_told_in_no_other(alice: User, parking: Article) -> None:
    parking.inboxes = ["hotel"]
    editing.publish(parking, alice)
    assert told("where do guests park?", inbox="hotel")
    assert not told("where do guests park?", inbox="shop")
    assert not told("where do guests park?")


def test_passages_for_other_inboxes_do_not_crowd_out_what_this_one_may_tell(alice: User) -> None:
    for number in range(search.CANDIDATES + 2):
        garage = Article(title="Parking", body=f"Guests park on level {number}.", inboxes=["hotel"])
        editing.publish(garage, alice)
    editing.publish(Article(title="Parking", body="Shoppers may park and pay."), alice)
    assert told("where do guests park?", inbox="shop") == ["Parking\nShoppers may park and pay."]


@pytest.mark.parametrize("act", ["upsert", "delete", "restore"])
def test_charlies_crm_cannot_touch_an_article(act: str, alice: User, parking: Article) -> None:
    editing.publish(parking, alice)
    data = {
        "id": parking.record,
        "kind": "article",
        "customer": None,
        "title": "Parking",
        "text": "There is none.",
        "updated_at": "2026-11-29T12:00:00Z",
    }
    at = Record.objects.get(id=parking.record).updated_at
    with pytest.raises(RecordError, match="articles written in Attune"):
        if act == "upsert":
            apply.upsert([data], at)
        else:
            getattr(apply, act)(data, at)
    assert told("where do guests park?") == ["Parking\nGuests park in the yard."]
    assert records.import_records([data]).errors


def test_a_file_that_is_taken_again_updates_its_article(alice: User) -> None:
    take = editing.take
    assert take("terms.md", "Terms", "Pay in 14 days.") == "created"
    assert take("terms.md", "Terms", "Pay in 14 days.") == "unchanged"
    assert told("when do I pay?") == []
    assert take("terms.md", "Terms", "Pay in 14 days.", publish=True) == "updated"
    assert take("terms.md", "Terms", "Pay in 30 days.") == "updated"
    assert told("when do I pay?") == ["Terms\nPay in 14 days."]
    assert take("terms.md", "Terms", "Pay in 30 days.", publish=True) == "updated"
    assert told("when do I pay?") == ["Terms\nPay in 30 days."]


def test_what_alice_changed_here_is_not_overwritten_by_the_file(alice: User) -> None:
    editing.take("terms.md", "Terms", "Pay in 14 days.")
    terms = Article.objects.get()
    terms.body = "Pay within 14 days of the invoice."
    editing.save(terms, alice)
    assert editing.take("terms.md", "Terms", "Pay in 30 days.", publish=True) == "edited here"
    assert not editing.withdraw("terms.md")
    assert Article.objects.get().body == "Pay within 14 days of the invoice."


def test_a_page_that_vanishes_is_archived_and_comes_back_with_its_page(alice: User) -> None:
    page = "https://help.intranet/pay"
    editing.take(page, "Paying", "Pay in 14 days.", address=page, publish=True)
    assert editing.withdraw(page)
    assert not editing.withdraw(page)
    assert told("when do I pay?") == []
    assert editing.take(page, "Paying", "Pay in 14 days.", address=page, publish=True) == "updated"
    assert told("when do I pay?") == ["Paying\nPay in 14 days."]


def test_an_article_that_alice_archived_stays_archived(alice: User) -> None:
    editing.take("terms.md", "Terms", "Pay in 14 days.", publish=True)
    editing.archive(Article.objects.get(), alice)
    assert editing.take("terms.md", "Terms", "Pay in 14 days.", publish=True) == "edited here"
    assert told("when do I pay?") == []


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("**14 days**", "<strong>14 days</strong>"),
        ("| Day | Open |\n|---|---|\n| Monday | 9 |", "<td>Monday</td>"),
        ("<script>alert(1)</script>", "&lt;script&gt;"),
        ('<img src="https://tracker.example/a.png">', "&lt;img"),
        ("![a](https://tracker.example/a.png)", "!<a"),
        ("[x](javascript:alert(1))", "[x](javascript"),
        ("[site](https://shop.example)", '<a href="https://shop.example">site</a>'),
    ],
)
def test_the_preview_is_safe(body: str, shown: str) -> None:
    html = preview.as_html(body)
    assert shown in html
    assert "<script" not in html
    assert "<img" not in html


def test_a_clock_that_was_set_back_keeps_customers_from_no_new_text(
    alice: User, parking: Article
) -> None:
    editing.publish(parking, alice)
    Record.objects.update(updated_at=timezone.now() + timedelta(hours=1))
    parking.body = "Guests park in the garage."
    editing.publish(parking, alice)
    assert told("where do guests park?") == ["Parking\nGuests park in the garage."]
    editing.archive(parking, alice)
    assert told("where do guests park?") == []


def test_of_very_many_drafts_those_are_compared_that_share_words(
    parking: Article, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        editing.save(Article(title=f"Recipe {number}", body="Flour and water."))
    monkeypatch.setattr(drafts, "COMPARED", 2)
    found = drafts.current("where do guests park?")
    assert found.passages[0].record == parking.record
    assert (len(found.passages), len(found.replaced)) == (2, 7)
