"""Mail to addresses that visitors type: charlie, whom nobody knows, types strangers' addresses;
alice is a customer whose address the CRM has."""

import re
from typing import Any
from unittest import mock

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import SimpleTestCase, override_settings
from django.utils import timezone

from chatbot import tasks
from chatbot.conversation import agents, customers, mail_links
from chatbot.models import Conversation, Visitor
from chatbot.people import away, identity
from chatbot.wire import limits
from chatbot.wire.errors import Refused
from crm.knowledge.records import import_records
from tests.chatbot.console.test_agents import AgentsTestCase
from tests.fakes import ALICE

pytestmark = pytest.mark.services

SECRET = "My parcel is at 12 Rosebank Road"
ALICES = {
    "id": "customer:alice",
    "kind": "customer",
    "customer": ALICE,
    "title": "Alice Ash",
    "fields": {"email": "Alice.Ash@ash.example"},
    "updated_at": "2026-11-20T14:03:00Z",
}


@pytest.mark.parametrize(
    ("written", "mailbox"),
    [
        ("Bob@Example.ORG", "bob@example.org"),
        ("bob+1@example.org", "bob@example.org"),
        ("bob+a+b@example.org", "bob@example.org"),
        ("b.o.b@gmail.com", "bob@gmail.com"),
        ("B.ob+x@GoogleMail.com", "bob@gmail.com"),
        ("b.ob@example.org", "b.ob@example.org"),
        ("ｂｏｂ@example.org", "bob@example.org"),
        ("bob@example.org.", "bob@example.org"),
    ],
)
def test_one_mailbox_is_one_however_it_is_written(written: str, mailbox: str) -> None:
    assert mail_links.canonical(written) == mailbox


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.250", True),
        ("203.0.113.7", "203.0.114.7", False),
        ("2001:db8:1:2::1", "2001:db8:1:ffff::9", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
        ("::ffff:203.0.113.7", "203.0.113.9", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_neighbours_are_one_network(one: str, other: str, same: bool) -> None:
    assert (mail_links.network(one) == mail_links.network(other)) is same


@override_settings(MAILS_PER_ADDRESS=2, MAILS_PER_NETWORK=4, MAILS_PER_HOUR=6)
class LimitTests(SimpleTestCase):
    def setUp(self) -> None:
        limits.reset()
        self.addCleanup(limits.reset)
        self.enterContext(override_settings(REDIS_URL=""))

    def allowed(self, address: str, client: str) -> bool:
        try:
            mail_links.take(address, client)
        except Refused as refused:
            self.assertEqual(refused.code, "rate_limited")
            self.assertGreater(refused.retry_after or 0, 60, "it is counted by the hour")
            return False
        return True

    def test_a_mailbox_gets_so_many_an_hour_whatever_is_added_to_its_name(self) -> None:
        tried = [f"bob+{n}@example.org" for n in range(4)] + ["BOB@example.org"]
        self.assertEqual(
            [self.allowed(one, f"203.0.{n}.1") for n, one in enumerate(tried)].count(True), 2
        )

    def test_a_network_sends_so_many_to_whomever(self) -> None:
        tried = [self.allowed(f"p{n}@example.org", f"203.0.113.{n}") for n in range(5)]
        self.assertEqual(tried, [True] * 4 + [False])

    def test_and_all_together_so_many(self) -> None:
        tried = [self.allowed(f"p{n}@example.org", f"203.0.{n}.1") for n in range(8)]
        self.assertEqual(tried, [True] * 6 + [False] * 2)

    def test_after_an_hour_there_are_more(self) -> None:
        with mock.patch("time.monotonic") as clock:
            clock.return_value = 0.0
            self.assertTrue(all(self.allowed("bob@example.org", "") for _ in range(2)))
            self.assertFalse(self.allowed("bob@example.org", ""))
            clock.return_value = 1801.0
            self.assertTrue(self.allowed("bob@example.org", ""))


@override_settings(EMAIL_HOST="mail", PUBLIC_URL="https://chat.shop.example", REDIS_URL="")
class MailTestCase(AgentsTestCase):
    def setUp(self) -> None:
        super().setUp()
        limits.reset()
        cache.clear()
        self.enterContext(mock.patch("django.db.transaction.on_commit", lambda news: news()))
        self.enterContext(
            mock.patch("crm.plumbing.background.pool.submit", lambda do, *args: do(*args))
        )
        self.enterContext(mock.patch("crm.plumbing.background.close_old_connections"))
        self.enterContext(mock.patch("chatbot.conversation.summary.schedule"))
        import_records([ALICES])
        inbox = self.conversation.visitor.inbox
        self.charlies = customers.conversation_of(Visitor.objects.create(inbox=inbox))
        for talk in (self.conversation, self.charlies):
            customers.receive(talk, "s", SECRET)

    def key(self) -> str:
        found = re.search(
            r"https://chat\.shop\.example/confirm-mail/\?key=(\S+)", mail.outbox[-1].body
        )
        assert found, mail.outbox[-1].body
        return found[1]

    def page(self, key: str) -> Any:
        return self.client.get("/confirm-mail/", {"key": key})

    def press(self, key: str) -> Any:
        return self.client.post("/confirm-mail/", {"key": key})


class TranscriptTests(MailTestCase):
    def ask(self, talk: Conversation, email: str) -> Any:
        limits._buckets.pop(("transcript", str(talk.visitor_id)), None)
        token, _ = identity.issue(talk.visitor)
        return self.client.post("/widget/shop/transcript/", {"token": token, "email": email})

    def test_a_stranger_gets_a_link_and_not_a_word_of_charlie(self) -> None:
        answer = self.ask(self.charlies, "stranger@example.org")
        self.assertEqual((answer.status_code, answer.json()["status"]), (202, "link sent"))
        self.assertIn("sent you a link", answer.json()["text"])
        [sent] = mail.outbox
        self.assertEqual(sent.to, ["stranger@example.org"])
        self.assertIn("If it was not you", sent.body)
        self.assertNotIn("Rosebank", f"{sent.subject} {sent.body}")

    def test_the_page_sends_nothing_until_its_button_is_pressed_and_then_once(self) -> None:
        self.ask(self.charlies, "bob@example.org")
        key = self.key()
        for _ in range(3):
            shown = self.page(key)
            self.assertContains(shown, "bob@example.org")
            self.assertContains(shown, "<button>")
            self.assertEqual(shown["cache-control"], "no-store")
        self.client.head("/confirm-mail/", {"key": key})
        self.assertEqual(len(mail.outbox), 1, "programs that open links confirm nothing")
        self.assertContains(self.press(key), "on its way")
        self.assertEqual(len(mail.outbox), 2)
        self.assertEqual(mail.outbox[1].to, ["bob@example.org"])
        self.assertIn(SECRET, mail.outbox[1].body)
        cache.clear()  # As after a restart.
        for again in (self.press(key), self.page(key)):
            self.assertContains(again, "no longer works", status_code=410)
        self.assertEqual(len(mail.outbox), 2)

    def test_a_link_that_is_made_up_changed_or_old_opens_nothing(self) -> None:
        self.ask(self.charlies, "bob@example.org")
        key = self.key()
        for wrong in (
            "",
            "x",
            f"{key}x",
            key[1:],
            "\x00",
            "ü" * 50,
            identity.issue(self.charlies.visitor)[0],
        ):
            self.assertEqual(self.press(wrong).status_code, 410)
        with mock.patch(
            "django.core.signing.time.time", return_value=timezone.now().timestamp() + 3601
        ):
            self.assertEqual(self.page(key).status_code, 410)
            self.assertEqual(self.press(key).status_code, 410)
        self.assertEqual(len(mail.outbox), 1)

    def test_alice_needs_no_link_to_the_address_that_the_crm_has(self) -> None:
        answer = self.ask(self.conversation, "alice.ash@ash.example")
        self.assertEqual(answer.json()["status"], "on its way")
        self.assertIn(SECRET, mail.outbox[0].body)

    def test_but_to_any_other_and_to_variants_of_it(self) -> None:
        for other in ("bob@example.org", "alice.ash+1@ash.example", "aliceash@ash.example"):
            self.assertEqual(self.ask(self.conversation, other).json()["status"], "link sent")
            self.assertNotIn("Rosebank", mail.outbox[-1].body)

    def test_charlie_has_no_address_on_record_not_even_alices(self) -> None:
        self.assertEqual(
            self.ask(self.charlies, "alice.ash@ash.example").json()["status"], "link sent"
        )

    @override_settings(MAILS_PER_ADDRESS=3)
    def test_fifteen_mails_to_one_stranger_are_three(self) -> None:
        answers = [self.ask(self.charlies, f"victim+{n}@gmail.com") for n in range(15)]
        self.assertEqual([one.status_code for one in answers].count(202), 3)
        self.assertIn("in an hour", answers[-1].json()["detail"])
        self.assertEqual(len(mail.outbox), 3)

    @override_settings(MAILS_PER_NETWORK=2)
    def test_new_visitors_of_one_network_share_its_limit(self) -> None:
        for n in range(5):
            talk = customers.conversation_of(
                Visitor.objects.create(inbox=self.charlies.visitor.inbox)
            )
            customers.receive(talk, "s", SECRET)
            self.ask(talk, f"p{n}@example.org")
        self.assertEqual(len(mail.outbox), 2)

    def test_what_was_erased_meanwhile_is_not_sent(self) -> None:
        self.ask(self.charlies, "bob@example.org")
        key = self.key()
        self.charlies.delete()
        self.press(key)
        self.assertEqual(len(mail.outbox), 1)


class ContactTests(MailTestCase):
    def leave(self, talk: Conversation, email: str) -> None:
        mail_links.leave_contact(talk, email, "203.0.113.7")

    def answered(self, talk: Conversation) -> list[str]:
        """The addresses that dora's answer is mailed to."""
        before = len(mail.outbox)
        agents.take_over(talk, self.dora)
        agents.say(talk, self.dora, "1", "It was sent today.")
        talk.messages.update(at=timezone.now() - 2 * away.READ_WITHIN)
        tasks.mail_unread_answers()
        return [one.to[0] for one in mail.outbox[before:]]

    def test_nobody_is_written_to_who_has_not_confirmed(self) -> None:
        self.leave(self.charlies, "stranger@example.org")
        self.assertNotIn("Rosebank", mail.outbox[0].body)
        self.assertIn(away.LINK_SENT, [one.text for one in self.charlies.messages.all()])
        self.assertEqual(self.answered(self.charlies), [])

    def test_once_it_is_confirmed_answers_are_mailed(self) -> None:
        self.leave(self.charlies, "bob@example.org")
        self.page(self.key())
        self.assertFalse(Conversation.objects.get(id=self.charlies.id).contact_confirmed)
        self.assertContains(self.press(self.key()), "We can now write to you")
        self.assertEqual(self.answered(self.charlies), ["bob@example.org"])

    def test_a_link_confirms_its_own_address_alone(self) -> None:
        self.leave(self.charlies, "bob@example.org")
        bobs = self.key()
        self.leave(self.charlies, "stranger@example.org")
        self.press(bobs)
        self.assertEqual(self.answered(self.charlies), [])

    def test_alices_own_address_needs_none(self) -> None:
        self.leave(self.conversation, "")
        self.assertEqual(mail.outbox, [])
        self.assertEqual(self.answered(self.conversation), ["Alice.Ash@ash.example"])

    @override_settings(MAILS_PER_ADDRESS=1)
    def test_too_many_are_refused_and_nothing_is_changed(self) -> None:
        self.leave(self.charlies, "bob@example.org")
        with self.assertRaisesMessage(Refused, "in an hour"):
            self.leave(self.conversation, "bob+1@example.org")
        self.assertEqual(Conversation.objects.get(id=self.conversation.id).contact_email, "")

    @override_settings(EMAIL_HOST="")
    def test_where_no_mail_is_sent_nobody_is_promised_a_link(self) -> None:
        self.leave(self.charlies, "bob@example.org")
        self.assertEqual(mail.outbox, [])
        self.assertIn(away.THANKS, [one.text for one in self.charlies.messages.all()])
