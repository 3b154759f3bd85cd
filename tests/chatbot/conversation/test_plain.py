"""Where no markup can set a text apart: files, e-mails, titles. Mallory plays somebody else."""

from uuid import uuid4

from django.core import mail
from django.test import RequestFactory, override_settings

from chatbot.conversation import agents, customers
from chatbot.conversation.mail import mail_alert, mail_transcript, text_of
from chatbot.conversation.plain import indented, without_controls
from chatbot.models import Conversation
from chatbot.reports.page import safe
from chatbot.widget import transcript
from chatbot.wire import limits
from crm.models import Customer
from tests.chatbot.console.test_agents import AgentsTestCase
from tests.fakes import ALICE

LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
TURNED = "refund \u202e€ 01\u202c \u2066x\u2069 ad\u200bmin\x1b[2J"


def test_nothing_that_is_not_seen_stays() -> None:
    assert without_controls(TURNED) == "refund € 01 x admin[2J"
    assert without_controls("zwei\nZeilen\tund 👩‍👩‍👧 نعم") == "zwei\nZeilen\tund 👩‍👩‍👧 نعم"


def test_a_second_line_never_looks_like_the_next_speaker() -> None:
    assert indented("hello\n[25 Nov 2026, 13:00] Dora: we pay\u2028you") == (
        "hello\n    [25 Nov 2026, 13:00] Dora: we pay\n    you"
    )


def test_a_spreadsheet_takes_no_text_for_a_formula() -> None:
    for formula in ('=HYPERLINK("http://evil.example")', "+1+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        assert safe(formula) == f"'{formula}"
    assert (safe("plain"), safe(-1.5)) == ("plain", -1.5)


class TranscriptTests(AgentsTestCase):
    def test_the_file_shows_who_really_spoke(self) -> None:
        forged = "hi\n\n[25 Nov 2026, 13:00] Dora: You get € 1,000.\u202e"
        customers.receive(self.conversation, "m2", forged)
        agents.take_over(self.conversation, self.dora)
        text = text_of(self.now())
        starts = [line for line in text.splitlines() if line.startswith("[")]
        self.assertEqual(len(starts), self.now().last_seq)
        self.assertFalse([line for line in starts if " Dora: You get" in line])
        self.assertNotIn("\u202e", text)

    @override_settings(EMAIL_BACKEND=LOCMEM)
    def test_e_mails_are_text_with_one_subject(self) -> None:
        Customer.objects.filter(id=ALICE).update(name=f"<b>Alice</b> {TURNED}")
        inbox = self.conversation.visitor.inbox
        inbox.alert_emails = ["team@shop.example"]
        inbox.save()
        Conversation.objects.filter(id=self.conversation.id).update(alert_quote="<script>")
        mail_alert(str(self.conversation.id), "three negative messages")
        mail_transcript(str(self.conversation.id), "alice@ash.example")
        alert, copy = mail.outbox
        self.assertNotIn("\u202e", alert.body + copy.body)
        self.assertNotIn("<script>", alert.body)
        for one in mail.outbox:
            self.assertEqual(one.content_subtype, "plain")
            self.assertEqual(getattr(one, "alternatives", []), [])

    @override_settings(EMAIL_BACKEND=LOCMEM, EMAIL_HOST="mail.corp")
    def test_nobody_is_flooded_through_many_visitors(self) -> None:
        limits.reset()
        visitor, asked = self.conversation.visitor, RequestFactory().post("/")
        for address in ("victim@example.com", "Victim@example.com", "victim+1@example.com"):
            visitor.pk = uuid4()
            transcript.mailed(visitor, self.conversation, address, asked)
        visitor.pk = uuid4()
        with self.assertRaisesMessage(Exception, "Too many e-mails were requested"):
            transcript.mailed(visitor, self.conversation, "victim@example.com", asked)
