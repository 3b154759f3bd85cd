"""Who may read: alice conversations, charlie nothing; mallory's scripts stay text."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from chatbot.models import Inbox
from crm.models import Customer
from tests.chatbot.admin.console import (
    IMAGE,
    LIST,
    SCRIPT,
    answer,
    page_of,
    record,
    say,
    staff,
    talk,
    text_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_staff_without_the_permission_get_403(client: Client, inbox: Inbox) -> None:
    conversation = talk(inbox, 0.1)
    charlie = staff(client, "charlie", "view_record")
    assert charlie.get(LIST).status_code == 403
    assert charlie.get(page_of(conversation)).status_code == 403


def test_a_visitor_is_sent_to_the_log_in(client: Client, inbox: Inbox) -> None:
    response = client.get(page_of(talk(inbox, 0.1)))
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


def test_alice_reads_conversations_but_not_the_crm(client: Client, inbox: Inbox) -> None:
    bob = Customer.objects.create(id="cust_2", name="Bob Birch")
    order = record("order:7", "Order 7", bob)
    conversation = talk(inbox, customer=bob)
    answer(
        conversation,
        "Shipped.",
        "Where is it?",
        passages=[{"id": order.id, "title": order.title, "text": "Shipped", "score": 0.8}],
    )
    alice = staff(client, "alice", "view_conversation")
    html = text_of(alice, page_of(conversation))
    assert "Order 7" in html
    assert "/admin/crm/" not in html
    assert "Latest records" not in html
    sidebar = text_of(alice, LIST)
    assert "/admin/chatbot/inbox/" not in sidebar
    assert "/admin/auth/" not in sidebar


def test_the_sidebar_counts_who_waits(root: Client, inbox: Inbox) -> None:
    talk(inbox, -0.7, state="waiting")
    talk(inbox, state="waiting")
    assert "1 waiting" in text_of(root, "/admin/")


def test_what_the_customer_loads_never_mentions_the_admin() -> None:
    templates = Path(settings.BASE_DIR) / "templates" / "chatbot" / "widget.html"
    scripts = (Path(settings.BASE_DIR) / "chatbot" / "static" / "chatbot").glob("widget*")
    files = [templates, *(f for s in scripts for f in ([s] if s.is_file() else s.rglob("*.*")))]
    assert len(files) > 2
    for file in files:
        assert "/admin" not in file.read_text(), f"{file} mentions the admin"


def test_scripts_are_shown_as_text(root: Client, inbox: Inbox) -> None:
    evil = SCRIPT + IMAGE
    mallory = Customer.objects.create(id="cust_666", name=f"Mallory {evil}")
    order = record("order:666", f"Order {evil}", mallory, text=evil, fields={"note": evil})
    order.passages.create(position=0, text=f"Passage {evil}")
    conversation = talk(inbox, customer=mallory, handoff_reason=evil, state="waiting")
    answer(
        conversation,
        evil,
        evil,
        state=evil[:10],
        route=evil[:20],
        reason=evil,
        model=evil,
        error=evil,
        passages=[{"id": order.id, "title": order.title, "text": evil, "score": 0.1}],
        withheld=[{"sentence": evil, "missing": [evil]}],
        timings={evil: 1.0},
    )
    say(conversation, 3, "customer", evil)
    pages = {
        LIST: 2,
        page_of(conversation): 12,
        "/admin/crm/record/?customer=cust_666": 3,
        "/admin/crm/record/order_3A666/change/": 5,
        "/admin/crm/customer/": 1,
        "/admin/crm/customer/cust_5F666/change/": 1,
    }
    for url, times in pages.items():
        html = text_of(root, url)
        assert SCRIPT not in html, url
        assert IMAGE not in html, url
        assert html.count("&lt;img src=x onerror=alert(1)&gt;") >= times, url


class Assets(HTMLParser):
    """The addresses that a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = {"script": "src", "img": "src", "iframe": "src", "link": "href", "use": "href"}
        self.found += [value for name, value in attrs if wanted.get(tag) == name and value]


def test_the_pages_load_nothing_from_another_host(root: Client, inbox: Inbox) -> None:
    conversation = talk(inbox, 0.1)
    assets = Assets()
    for url in ("/admin/", LIST, page_of(conversation), f"/admin/chatbot/inbox/{inbox.id}/change/"):
        assets.feed(text_of(root, url))
    assert any(path.endswith("admin/theme.css") for path in assets.found)
    for path in assets.found:
        assert re.match(r"/(?!/)", path), f"{path} is not on this host"
    for sheet in {path for path in assets.found if path.endswith(".css")}:
        text = Path(finders.find(sheet.removeprefix("/static/"))).read_text()
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", text), sheet
