"""Guidance for the bot in an inbox's form, and how it is tried out on last week."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from chatbot.admin.inboxes import InboxForm
from chatbot.models import Inbox, Message
from tests.chatbot.admin.console import SCRIPT, say, staff, talk, text_of
from tests.chatbot.admin.test_looks import FIELDS

pytestmark = pytest.mark.django_db
LAW = "legal advice: We cannot advise you on the law."


def test_guidance_is_saved(root: Client, inbox: Inbox) -> None:
    url = f"/admin/chatbot/inbox/{inbox.id}/change/"
    own = {"tone": "warm", "never_about": LAW, "says_goodbye": "Bye, and\r\nhappy trails!"}
    assert root.post(url, FIELDS | own).status_code == 302
    inbox.refresh_from_db()
    assert (inbox.tone, inbox.never_about) == ("warm", [LAW])
    assert inbox.sentences == {"goodbye": "Bye, and happy trails!"}
    html = text_of(root, url)
    assert "Bye, and happy trails!</textarea>" in html
    assert LAW in html
    root.post(url, FIELDS | {"says_goodbye": " "})
    inbox.refresh_from_db()
    assert (inbox.tone, inbox.sentences) == ("warm", {}), "an empty field leaves it to the tone"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("in_queue", "Please wait.", "Keep {} exactly once"),
        ("in_queue", "{} of {}", "Keep {} exactly once"),
        ("in_queue", "{} {0.__class__}", "without { and }"),
        ("goodbye", "Bye {}", "without { and }"),
        ("goodbye", "\u2060", "no visible characters"),
        ("goodbye", "x" * 301, "300 is the most"),
    ],
)
def test_a_sentence_that_would_not_work_is_refused(name: str, text: str, said: str) -> None:
    form = InboxForm({**FIELDS, f"says_{name}": text})
    assert said in str(form.errors[f"says_{name}"])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("legal advice", "the words, a colon, and the sentence"),
        (": We cannot.", "the words, a colon, and the sentence"),
        ("a" * 101 + ": No.", "is too long"),
        (f"{LAW}\nLegal Advice: No.", "is listed twice"),
    ],
)
def test_a_subject_without_words_or_sentence_is_refused(lines: str, said: str) -> None:
    assert said in InboxForm({**FIELDS, "never_about": lines}).errors["never_about"].as_text()


def test_guidance_is_tried_out_on_last_week_before_it_is_saved(root: Client, inbox: Inbox) -> None:
    conversation = talk(inbox)
    say(conversation, 1, "customer", f"I need Legal   advice {SCRIPT}")
    say(conversation, 2, "bot", "I give no legal advice.")
    say(conversation, 3, "customer", "> legal advice\nWhat did you mean?")
    say(conversation, 4, "customer", "Illegal advices?")
    old = say(conversation, 5, "customer", "legal advice")
    Message.objects.filter(id=old.id).update(at=timezone.now() - timedelta(days=8))
    url = f"/admin/chatbot/inbox/{inbox.id}/guidance/"
    html = root.post(url, FIELDS | {"never_about": LAW, "hand_off_on": "mean"}).content.decode()
    assert "customers wrote 3 messages" in html
    assert "would have caught 2;" in html
    assert "would have caught 0." in html
    assert "<bdi>legal advice</bdi>: 1 message<" in html
    assert "We cannot advise you on the law." in html
    assert "I need Legal" in html
    assert SCRIPT not in html
    inbox.refresh_from_db()
    assert inbox.never_about == []


def test_words_of_customers_are_for_people_who_may_read_them(client: Client, inbox: Inbox) -> None:
    say(talk(inbox), 1, "customer", "I need legal advice about my aunt")
    bob = staff(client, "bob", "view_inbox", "change_inbox")
    url = f"/admin/chatbot/inbox/{inbox.id}/guidance/"
    html = bob.post(url, FIELDS | {"never_about": LAW}).content.decode()
    assert "would have caught 1;" in html
    assert "my aunt" not in html
    charlie = staff(client, "charlie", "view_inbox")
    assert charlie.post(url, FIELDS).status_code == 403
