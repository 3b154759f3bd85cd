"""The checklist of a new installation: what is done is read from the data."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import timezone

from chatbot.admin import setup
from chatbot.models import ApiKey, Case, Inbox, SetupDismissed, Visitor
from crm.models import Customer, Record
from tests.chatbot.admin.console import staff, text_of

pytestmark = pytest.mark.django_db
TITLE = "Set up Attune"


@pytest.fixture(autouse=True)
def _no_demo(settings: Any) -> None:
    settings.DEMO = False


def done() -> dict[str, bool]:
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(username="root")
    return {step.title: step.done for step in setup.steps(request, Inbox.objects.first())}


def test_an_empty_installation_has_everything_to_do(root: Client) -> None:
    html = text_of(root, "/admin/")
    assert f"{TITLE}: 0 of 5 steps are done" in html
    assert 'href="/admin/chatbot/inbox/add/"' in html
    assert "data-inbox" not in html, "there is no inbox whose line could be shown"


def test_each_step_is_done_when_the_data_says_so(root: Client) -> None:
    customer = Customer.objects.create(id="cust_alice")
    inbox = Inbox.objects.create(key="shop", name="Fernhill", colour="#7a1f5c")
    assert [*done().values()] == [True, False, False, False, False, False]
    Record.objects.create(id="r1", kind="order", title="Order 1", updated_at=timezone.now())
    assert done()["What the bot knows"]
    Visitor.objects.create(inbox=inbox)
    assert not done()["The chat on your site"], "nobody is known yet"
    Visitor.objects.create(inbox=inbox, customer=customer)
    assert done()["The chat on your site"]
    User.objects.create_user("bob", is_staff=True)
    assert not done()["Hours and people"]
    Inbox.objects.update(hours={"monday": "09:00–17:00"})
    assert done()["Hours and people"]
    for number in range(5):
        Case.objects.create(question=f"Question {number}?")
    assert done()["Five test questions"]
    assert TITLE not in text_of(root, "/admin/"), "keys are optional"
    ApiKey.objects.create(name="CRM", prefix="a", digest="b")
    assert all(done().values())


def test_an_inbox_with_a_name_is_enough_and_links_lead_into_its_page(root: Client) -> None:
    inbox = Inbox.objects.create(key="shop", name="shop")
    assert not done()["Your company and its inbox"]
    Inbox.objects.update(name="Fernhill")
    assert done()["Your company and its inbox"]
    html = text_of(root, "/admin/")
    page = f"/admin/chatbot/inbox/{inbox.pk}/change/"
    form = text_of(root, page)
    for id in ("id_monday", "id_origins", "secret"):
        assert f'href="{page}#{id}"' in html and f'id="{id}"' in form


def test_the_first_page_names_pages_as_the_sidebar_does(root: Client, client: Client) -> None:
    html = text_of(root, "/admin/")
    assert html.count(">Unanswered questions<") == 2 and "Gaps" not in html
    assert "do not have access to any page yet" in text_of(staff(Client(), "charlie"), "/admin/")


def test_the_sites_code_has_the_inboxs_key_and_not_its_secret(root: Client, inbox: Inbox) -> None:
    html = text_of(root, "/admin/")
    assert 'src="http://testserver/widget.js" data-inbox="shop"' in html
    assert '"aud": "shop"' in html
    assert 'audience: "shop"' in html
    assert inbox.secret not in html


def test_the_list_is_put_away_for_everybody_and_stays_within_reach(root: Client) -> None:
    assert root.get("/admin/chatbot/inbox/setup/dismiss/").status_code == 405
    assert root.post("/admin/chatbot/inbox/setup/dismiss/").status_code == 302
    assert SetupDismissed.objects.get().by == User.objects.get(username="root")
    assert TITLE not in text_of(root, "/admin/")
    assert TITLE in text_of(root, "/admin/chatbot/inbox/setup/")
    assert "/admin/chatbot/inbox/setup/" in text_of(root, "/admin/chatbot/inbox/")


def test_the_demo_needs_no_setup(root: Client, settings: Any) -> None:
    settings.DEMO = True
    assert TITLE not in text_of(root, "/admin/")


def test_charlie_who_may_not_change_inboxes_sees_no_list(client: Client) -> None:
    charlie = staff(client, "charlie", "view_inbox")
    assert TITLE not in text_of(charlie, "/admin/")
    assert charlie.get("/admin/chatbot/inbox/setup/").status_code == 403
    assert charlie.post("/admin/chatbot/inbox/setup/dismiss/").status_code == 403


def test_a_lead_is_led_only_to_pages_that_she_may_open(client: Client, inbox: Inbox) -> None:
    alice = staff(client, "alice", "view_inbox", "change_inbox")
    html = text_of(alice, "/admin/")
    assert f'href="/admin/chatbot/inbox/{inbox.id}/change/"' in html
    assert 'href="/admin/auth/user/add/"' not in html
    assert 'href="/admin/chatbot/apikey/add/"' not in html
