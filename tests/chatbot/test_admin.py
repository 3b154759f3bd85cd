"""The agents' console: alice reads conversations, charlie may not, mallory types scripts."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from chatbot.admin import mood
from chatbot.admin.inboxes import InboxForm
from chatbot.models import Conversation, Correction, Inbox, Message, Reply, Visitor
from crm.models import Customer, Record

pytestmark = pytest.mark.django_db

LIST = "/admin/chatbot/conversation/"
SCRIPT = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox.objects.create(key="shop", name="Fernhill")


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def staff(client: Client, name: str, *permissions: str) -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def talk(
    inbox: Inbox, *scores: float, customer: Customer | None = None, **fields: Any
) -> Conversation:
    """A conversation in which the customer wrote one message for each score."""
    visitor = Visitor.objects.create(inbox=inbox, customer=customer)
    fields = {"mood": scores[-1] if scores else None, "last_seq": len(scores)} | fields
    conversation = Conversation.objects.create(visitor=visitor, **fields)
    for seq, score in enumerate(scores, start=1):
        say(conversation, seq, "customer", f"Sentence {seq}", score=score)
    return conversation


def say(conversation: Conversation, seq: int, author: str, text: str, **fields: Any) -> Message:
    if author == "customer":
        fields = {"label": "negative", "score": -0.4, "confidence": 0.91} | fields
    message = Message.objects.create(
        conversation=conversation, seq=seq, author=author, text=text, **fields
    )
    Conversation.objects.filter(id=conversation.id).update(last_seq=seq)
    return message


def answer(conversation: Conversation, text: str, question: str, **trace: Any) -> Message:
    asked = say(conversation, 1, "customer", question)
    cited = [{"id": row["id"], "title": row["title"]} for row in trace.get("passages", [])]
    said = say(conversation, 2, "bot", text, citations=cited)
    Reply.objects.create(
        conversation=conversation, question=asked, answer=said, status="done", **trace
    )
    return said


def record(key: str, title: str, customer: Customer | None = None, **fields: Any) -> Record:
    fields = {"updated_at": timezone.now(), "kind": "order"} | fields
    return Record.objects.create(id=key, title=title, customer=customer, **fields)


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, f"{url} answered {response.status_code}"
    return response.content.decode()


def page_of(conversation: Conversation) -> str:
    return reverse("admin:chatbot_conversation_change", args=[conversation.id])


def rows(html: str) -> list[str]:
    return re.findall(r'<tr class="data-row.*?</tr>', html, re.S)


# --- the list


def test_the_latest_activity_stands_first(root: Client, inbox: Inbox) -> None:
    now = timezone.now()
    quiet = talk(inbox, 0.1, last_message_at=now - timedelta(hours=3))
    lively = talk(inbox, 0.1, last_message_at=now - timedelta(minutes=2))
    first, second = rows(text_of(root, LIST))
    assert str(lively.visitor) in first
    assert "2\xa0minutes ago" in first
    assert str(quiet.visitor) in second
    assert "3\xa0hours ago" in second


def test_a_row_tells_who_said_what_and_how_they_feel(root: Client, inbox: Inbox) -> None:
    alice = Customer.objects.create(id="cust_1", name="Alice Ash")
    conversation = talk(inbox, 0.4, -0.64, customer=alice, state="waiting")
    say(conversation, 3, "bot", "It was shipped on Tuesday. " * 20)
    (row,) = rows(text_of(root, LIST))
    assert "Alice Ash" in row
    assert "<b>Bot</b> It was shipped on Tuesday." in row
    assert "…" in row
    assert "upset" in row
    assert "−0.64" in row
    assert "Waiting for a person" in row
    assert "<title>Scores of the last 2 messages, oldest first: +0.40, −0.64</title>" in row


def test_a_visitor_without_a_name_has_a_short_one(root: Client, inbox: Inbox) -> None:
    conversation = talk(inbox, 0.1)
    (row,) = rows(text_of(root, LIST))
    assert f"Visitor {str(conversation.visitor_id)[:8]}" in row


def test_a_conversation_in_which_nothing_was_said_is_not_listed(root: Client, inbox: Inbox) -> None:
    talk(inbox)
    assert rows(text_of(root, LIST)) == []


def test_the_sparkline_holds_the_last_twenty_scores(root: Client, inbox: Inbox) -> None:
    talk(inbox, -0.99, *[0.5] * 20)
    (row,) = rows(text_of(root, LIST))
    assert "Scores of the last 20 messages" in row
    assert "−0.99" not in row


@pytest.mark.parametrize("word", mood.BANDS)
def test_the_mood_filter_shows_one_band(root: Client, inbox: Inbox, word: str) -> None:
    for score in (-1.0, -0.5, -0.15, 0.15, 0.5):
        talk(inbox, score)
    (row,) = rows(text_of(root, f"{LIST}?mood={word}"))
    assert f'mood-{word}"' in row


def test_a_mood_that_is_not_known_has_its_own_filter(root: Client, inbox: Inbox) -> None:
    talk(inbox, 0.5)
    talk(inbox, 0.5, mood=None)
    (row,) = rows(text_of(root, f"{LIST}?mood=unknown"))
    assert "not known yet" in row


def test_state_and_inbox_filter(root: Client, inbox: Inbox) -> None:
    trade = Inbox.objects.create(key="trade", name="Trade desk")
    talk(inbox, 0.1, state="waiting")
    talk(trade, 0.1, state="closed")
    assert "Trade desk" in rows(text_of(root, f"{LIST}?state__exact=closed"))[0]
    (row,) = rows(text_of(root, f"{LIST}?visitor__inbox__id__exact={inbox.id}"))
    assert "Fernhill" in row


def test_search_finds_name_number_words_and_visitor(root: Client, inbox: Inbox) -> None:
    alice = Customer.objects.create(id="cust_77", name="Alice Ash")
    conversation = talk(inbox, 0.1, 0.2, customer=alice)
    say(conversation, 3, "customer", "The tent pole snapped")
    bob = talk(inbox, 0.1)
    for term in ("ash", "cust_77", "pole snapped"):
        (row,) = rows(text_of(root, f"{LIST}?q={term}"))
        assert "Alice Ash" in row
    (row,) = rows(text_of(root, f"{LIST}?q={bob.visitor}"))
    assert str(bob.visitor) in row


def test_thirty_conversations_cost_as_many_queries_as_three(root: Client, inbox: Inbox) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            text_of(root, LIST)
        return len(captured)

    for number in range(3):
        alice = Customer.objects.create(id=f"cust_{number}")
        talk(inbox, 0.1, 0.3, customer=alice)
    three = queries()
    for number in range(3, 30):
        alice = Customer.objects.create(id=f"cust_{number}")
        talk(inbox, 0.1, 0.3, customer=alice)
    assert queries() == three


# --- one conversation


def test_the_transcript_is_in_order_with_the_sentiment(root: Client, inbox: Inbox) -> None:
    conversation = talk(inbox, -0.64, 0.2)
    html = text_of(root, page_of(conversation))
    assert html.index("Sentence 1") < html.index("Sentence 2")
    assert "classified negative, 91% sure" in html
    assert "−0.64" in html
    assert re.search(r"<title>Message 1, \d\d:\d\d: −0.64 \(upset\)</title>", html)


def test_an_alert_says_why_and_has_a_filter(root: Client, inbox: Inbox) -> None:
    alert = {"alert": "three negative messages in a row", "alert_weight": 0.75}
    conversation = talk(inbox, -0.6, **alert)
    talk(inbox, -0.9)
    assert "three negative messages in a row" in text_of(root, page_of(conversation))
    assert len(rows(text_of(root, LIST))) == 2
    [row] = rows(text_of(root, f"{LIST}?alert=yes"))
    assert "three negative messages in a row" in row


def test_a_message_in_an_unknown_language_is_not_called_neutral(root: Client, inbox: Inbox) -> None:
    conversation = talk(inbox)
    say(conversation, 1, "customer", "Wo ist mein Paket?", label="unknown", score=0.0)
    html = text_of(root, page_of(conversation))
    assert "in a language that the classifier has not learned" in html
    assert "classified unknown" not in html


def test_corrections_show_both_labels_and_lead_to_the_message(root: Client, inbox: Inbox) -> None:
    conversation = talk(inbox, -0.6)
    Correction.objects.create(message=conversation.messages.get(), label="neutral")
    html = text_of(root, "/admin/chatbot/correction/")
    [row] = rows(html)
    assert "negative" in row and "neutral" in row
    assert f"{page_of(conversation)}#message-1" in row


def test_an_answer_shows_its_sources_and_its_trace(root: Client, inbox: Inbox) -> None:
    alice = Customer.objects.create(id="cust_1", name="Alice Ash")
    order = record("order:10482", "Order 10482", alice)
    conversation = talk(inbox, customer=alice)
    answer(
        conversation,
        "It was shipped on Tuesday.",
        "Where is my order?",
        state="answered",
        route="bot",
        reason="The order number matches.",
        model="slm-1.5b",
        attempts=2,
        passages=[{"id": order.id, "title": order.title, "text": "Shipped: Tuesday", "score": 0.8}],
        withheld=[{"sentence": "It arrives at noon.", "missing": ["noon"]}],
        timings={"retrieve": 0.0421, "first_sentence": 1.5, "total": 2.25},
        error="TimeoutError: the model was slow",
    )
    html = text_of(root, page_of(conversation))
    assert '<a href="/admin/crm/record/order_3A10482/change/">Order 10482</a>' in html
    for shown in (
        "answered from the records, 1 sentence withheld, with an error",
        "The order number matches.",
        "slm-1.5b",
        "2 attempts",
        "Shipped: Tuesday",
        "<q>It arrives at noon.</q> <small>unsupported: noon</small>",
        "records found after 42 ms",
        "first sentence shown after 1,500 ms",
        "TimeoutError: the model was slow",
    ):
        assert shown in html
    assert root.get("/admin/crm/record/order_3A10482/change/").status_code == 200


def test_a_question_without_an_answer_says_why(root: Client, inbox: Inbox) -> None:
    conversation = talk(inbox)
    asked = say(conversation, 1, "customer", "Where is my order?")
    Reply.objects.create(
        conversation=conversation, question=asked, status="failed", attempts=3, error="No route"
    )
    html = text_of(root, page_of(conversation))
    assert re.search(r"No answer to this:\s+failed, with an error", html)
    assert "3 attempts" in html


def test_the_page_names_the_customer_and_their_latest_records(root: Client, inbox: Inbox) -> None:
    alice = Customer.objects.create(id="cust_12", name="Alice Ash")
    bob = Customer.objects.create(id="cust_13", name="Bob Birch")
    record("order:1", "Order 1 of Alice", alice)
    record("order:2", "Deleted order of Alice", alice, deleted=True)
    record("order:3", "Order 3 of Bob", bob)
    conversation = talk(inbox, -0.6, customer=alice, handoff_reason="Asked for a person.")
    html = text_of(root, page_of(conversation))
    assert "Asked for a person." in html
    assert "Order 1 of Alice" in html
    assert "Deleted order" not in html
    assert "of Bob" not in html
    records = text_of(root, "/admin/crm/record/?customer=cust_12")
    assert '<a href="/admin/crm/record/?customer=cust_12">Alice Ash</a>' in html
    assert "Order 1 of Alice" in records
    assert "Order 3 of Bob" not in records


def test_a_long_conversation_costs_no_more_queries(root: Client, inbox: Inbox) -> None:
    def queries(conversation: Conversation) -> int:
        with CaptureQueriesContext(connection) as captured:
            text_of(root, page_of(conversation))
        return len(captured)

    assert queries(talk(inbox, 0.1)) == queries(talk(inbox, *[0.1] * 40))


def test_a_long_conversation_opens_with_its_latest_messages(root: Client, inbox: Inbox) -> None:
    conversation = talk(inbox, *[0.1] * 203)
    html = text_of(root, page_of(conversation))
    assert "Show the 3 earlier messages" in html
    assert 'id="message-3"' not in html
    assert 'id="message-4"' in html
    assert 'id="message-1"' in text_of(root, page_of(conversation) + "?all=1")


def test_nobody_adds_edits_or_deletes_what_was_said(root: Client, inbox: Inbox) -> None:
    conversation = talk(inbox, 0.1)
    assert root.post(page_of(conversation), {"state": "closed"}).status_code == 403
    assert root.get(f"{LIST}add/").status_code == 403
    assert root.post(f"{LIST}{conversation.id}/delete/", {"post": "yes"}).status_code == 403
    conversation.refresh_from_db()
    assert conversation.state == "bot"


# --- who may read


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


# --- inboxes


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
    fields = {"key": "trade", "name": "Trade", "greeting": "Hi", "origins": ""}
    assert root.post("/admin/chatbot/inbox/add/", fields).status_code == 302
    assert len(Inbox.objects.get(key="trade").secret) >= 32


def test_origins_are_edited_one_per_line(root: Client, inbox: Inbox) -> None:
    url = f"/admin/chatbot/inbox/{inbox.id}/change/"
    lines = " https://Shop.example/ \n\nhttp://localhost:8000\nhttps://shop.example"
    fields = {"name": "Fernhill", "greeting": "Hi", "origins": lines, "key": "other"}
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


# --- what the customer or the CRM wrote is text, never markup


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


# --- nothing from a third party


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
    assert any(path.endswith("console.css") for path in assets.found)
    for path in assets.found:
        assert re.match(r"/(?!/)", path), f"{path} is not on this host"
    for sheet in {path for path in assets.found if path.endswith(".css")}:
        text = Path(finders.find(sheet.removeprefix("/static/"))).read_text()
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", text), sheet


# --- the picture of a mood


@pytest.mark.parametrize(
    ("score", "word"),
    [(-1.0, "upset"), (-0.3, "uneasy"), (0.0, "neutral"), (0.3, "content"), (1.0, "happy")],
)
def test_a_score_has_a_word(score: float, word: str) -> None:
    assert mood.word(score) == word
    assert word in mood.badge(score)


def test_numbers_carry_their_sign() -> None:
    assert [mood.signed(score) for score in (0.4, -0.64, -0.001)] == ["+0.40", "−0.64", "+0.00"]


def test_nothing_said_draws_nothing() -> None:
    assert mood.sparkline([]) == ""
    assert mood.chart([]) == ""
    assert "not known yet" in mood.badge(None)
