"""Inboxes: the snippet, the secret and the origins."""

import pytest
from django.test import Client
from django.utils.html import escape

from chatbot.admin.inboxes import InboxForm
from chatbot.models import Inbox
from tests.chatbot.admin.console import staff, talk, text_of

RULES = {"alert_in_a_row": 3, "alert_repeated": 3, "alert_fall": 0.8, "alert_mood": -0.5}
pytestmark = pytest.mark.django_db


def test_the_inbox_page_has_the_snippet_and_hides_the_secret(root: Client, inbox: Inbox) -> None:
    html = text_of(root, f"/admin/chatbot/inbox/{inbox.id}/change/")
    snippet = '<script src="http://testserver/widget.js" data-inbox="shop" defer></script>'
    assert escape(snippet).replace("&quot;", '"') in html
    secret = html[html.index('<details class="secret">') :]
    assert inbox.secret in secret[: secret.index("</details>")]
    assert html.count(inbox.secret) == 1
    assert inbox.secret not in text_of(root, "/admin/chatbot/inbox/")


def test_who_may_only_view_an_inbox_does_not_get_its_secret(client: Client, inbox: Inbox) -> None:
    alice = staff(client, "alice", "view_inbox")
    html = text_of(alice, f"/admin/chatbot/inbox/{inbox.id}/change/")
    assert "data-inbox" in html
    assert inbox.secret not in html


def test_a_new_inbox_gets_a_secret_of_its_own(root: Client) -> None:
    fields = {"key": "trade", "name": "Trade", "greeting": "Hi", "origins": "", **RULES}
    assert root.post("/admin/chatbot/inbox/add/", fields).status_code == 302
    assert len(Inbox.objects.get(key="trade").secret) >= 32


def test_origins_are_edited_one_per_line(root: Client, inbox: Inbox) -> None:
    url = f"/admin/chatbot/inbox/{inbox.id}/change/"
    lines = " https://Shop.example/ \n\nhttp://localhost:8000\nhttps://shop.example"
    fields = {"name": "Fernhill", "greeting": "Hi", "origins": lines, "key": "other", **RULES}
    assert root.post(url, fields).status_code == 302
    inbox.refresh_from_db()
    assert inbox.origins == ["https://shop.example", "http://localhost:8000"]
    assert inbox.key == "shop"
    assert "https://shop.example\nhttp://localhost:8000</textarea>" in text_of(root, url)


@pytest.mark.parametrize(
    "line",
    ["shop.example", "https://shop.example/path", "https://a.example;script-src *", "https://*"],
)
def test_what_is_no_origin_is_refused(line: str) -> None:
    form = InboxForm({"key": "a", "name": "A", "greeting": "Hi", "origins": line})
    assert "like https://shop.example" in str(form.errors["origins"])


def test_an_inbox_with_conversations_cannot_be_deleted(root: Client, inbox: Inbox) -> None:
    talk(inbox, 0.1)
    url = f"/admin/chatbot/inbox/{inbox.id}/delete/"
    assert root.post(url, {"post": "yes"}).status_code == 403
    assert Inbox.objects.filter(id=inbox.id).exists()


def test_rules_are_tried_out_on_last_week_before_they_are_saved(root: Client, inbox: Inbox) -> None:
    bad = talk(inbox, -0.9)
    url = f"/admin/chatbot/inbox/{inbox.id}/alerts/"
    fields = {"name": "Fernhill", "greeting": "Hi", "origins": "", "key": "shop", **RULES}
    html = root.post(url, fields).content.decode()
    assert "alerted agents 0 times" in html
    assert "3 negative messages in a row" in html
    html = root.post(url, fields | {"alert_in_a_row": 1}).content.decode()
    assert "The customer writes a negative message." in html
    assert "alerted agents 1 time</b>" in html
    assert "the saved rules would have done so 0 times" in html
    assert str(bad.id) in html
    assert Inbox.objects.get().alert_in_a_row == 3, "nothing is saved"


def test_who_may_not_change_an_inbox_tries_nothing_out(client: Client, inbox: Inbox) -> None:
    alice = staff(client, "alice", "view_inbox")
    assert alice.post(f"/admin/chatbot/inbox/{inbox.id}/alerts/", RULES).status_code == 403


def test_addresses_for_alerts_are_checked(inbox: Inbox) -> None:
    fields = {"key": "shop", "name": "Shop", "greeting": "Hi", "alert_emails": "a@b.example\nno"}
    form = InboxForm({**fields, **RULES}, instance=inbox)
    assert "Enter a valid email address." in str(form.errors["alert_emails"])


# --- business hours


def test_hours_are_edited_day_by_day(root: Client, inbox: Inbox) -> None:
    url = f"/admin/chatbot/inbox/{inbox.id}/change/"
    assert "Always open" in text_of(root, url)
    fields = {"name": "Fernhill", "greeting": "Hi", "time_zone": "Europe/Berlin", **RULES}
    week = {"monday": "13:30-18, 9-12:30", "sunday": "closed"}
    special = {"special_days": "2026-12-25 closed\n2026-12-24 9-12"}
    assert root.post(url, fields | week | special).status_code == 302
    inbox.refresh_from_db()
    assert inbox.time_zone == "Europe/Berlin"
    assert inbox.hours == {"monday": "09:00–12:30, 13:30–18:00"}
    assert inbox.special_days == ["2026-12-24 09:00–12:00", "2026-12-25 closed"]
    html = text_of(root, url)
    assert 'value="09:00–12:30, 13:30–18:00"' in html
    assert "2026-12-24 09:00–12:00\n2026-12-25 closed</textarea>" in html
    assert "Always open" not in html
    assert "Always open" not in text_of(root, "/admin/chatbot/inbox/")


def test_what_is_wrong_with_hours_is_said_beside_the_day(inbox: Inbox) -> None:
    fields = {"key": "shop", "name": "Shop", "greeting": "Hi", **RULES}
    wrong = {"tuesday": "9-13, 12-18", "special_days": "2026-12-24 9-12\n2026-12-24 closed"}
    form = InboxForm({**fields, **wrong, "time_zone": "Berlin"}, instance=inbox)
    assert form.errors["tuesday"] == ["Two of these times overlap at 12:00."]
    assert form.errors["special_days"] == [
        "2026-12-24 is listed twice. Put all its times on one line."
    ]
    assert "time_zone" in form.errors
