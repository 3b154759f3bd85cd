"""The customer's words stand in fields of their own, in no sentence of ours."""

from datetime import timedelta
from importlib import import_module

from django.db import connection
from django.test import override_settings
from django.utils import timezone

from chatbot.api.conversations import ConversationRow
from chatbot.console import rows
from chatbot.console.frames import List
from chatbot.conversation import customers, replies
from chatbot.models import Conversation, Reply
from chatbot.models.conversations import quoting
from chatbot.privacy import retention
from crm.models import Delivery, Endpoint
from crm.outbound import outbox
from inference.sentiment.alert_rules import alert
from inference.sentiment.mood import ScoredMessage
from tests.chatbot.console.test_agents import AgentsTestCase

# Punctuation by which a sentence might be cut, and quotation marks within.
SAID = [
    "I ask for the 3rd time: where is it",
    'For the 4th time: "Alice Ash", card: 77',
    "this is the third time. Name: Alice. Again: Alice",
    "“the 5th time now”: Alice",
    "3rd time I ask; Alice: yes",
]


class QuotesTests(AgentsTestCase):
    def alerted(self, said: str) -> Conversation:
        customers.receive(self.conversation, f"q{said}"[:60], said)
        return self.now()

    def test_the_reason_is_ours_and_the_quote_is_theirs_whatever_they_write(self) -> None:
        for said in SAID:
            now = self.alerted(said)
            self.assertRegex(now.alert, r"^says it is the \d\w\w time$")
            self.assertEqual(now.alert_quote, said)
            self.assertEqual(now.alert_shown, f"{now.alert}: “{said}”")

    def test_agents_see_it_quoted(self) -> None:
        self.alerted(SAID[1])
        [listed] = rows.page(List(), self.dora)["rows"]
        self.assertIn("“For the 4th time", listed["why"])
        self.assertEqual(quoting("Mood: low.", "no"), "Mood: low: “no”")
        self.assertEqual(quoting("Mood: low.", ""), "Mood: low.")
        told = ConversationRow(self.now()).data
        self.assertEqual(told["alert_quote"], SAID[1])
        self.assertNotIn("Alice", told["alert"])

    def test_thin_events_have_the_reason_and_full_ones_the_words_too(self) -> None:
        for full in (False, True):
            Endpoint.objects.create(url=f"https://crm.corp/{full}", full=full, masked=False)
        outbox.forget()
        self.addCleanup(outbox.forget)
        self.alerted(SAID[2])
        reply = self.reply()
        replies.finish(reply, "handoff", "Sorry.", [], SAID[2], reason="Mood: bad.")
        for delivery in Delivery.objects.filter(
            type__in=["sentiment.alert", "conversation.handed_off"]
        ):
            self.assertEqual("Alice" in delivery.body, delivery.endpoint.full, delivery.body)
        self.assertEqual(self.now().handoff_reason, "Mood: bad.")
        self.assertEqual(self.now().handoff_quote, SAID[2])
        reply.refresh_from_db()
        self.assertNotIn("Alice", reply.reason)

    @override_settings(REDACT_AFTER_DAYS=30)
    def test_redaction_empties_them_everywhere(self) -> None:
        self.alerted("For the 4th time: Rosebank")
        replies.finish(self.reply(), "handoff", "Sorry.", [], "Rosebank", reason="Mood: bad.")
        Reply.objects.update(reason="No record of theirs is ROSEBANK.")
        Conversation.objects.update(last_message_at=timezone.now() - timedelta(days=31))
        retention.forget()
        now = self.now()
        self.assertEqual((now.alert_quote, now.handoff_quote), ("", ""))
        self.assertEqual((now.alert, now.handoff_reason), ("says it is the 4th time", "Mood: bad."))
        for table in ("chatbot_conversation", "chatbot_reply"):
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {table}")
                self.assertNotIn("rosebank", str(cursor.fetchall()).lower())

    def reply(self) -> Reply:
        found = Reply.objects.latest("id")
        found.worker, found.lease_until = "w", timezone.now() + timedelta(minutes=1)
        found.status = Reply.Status.RUNNING
        found.save()
        return found

    def test_what_is_there_is_split_when_the_table_grows(self) -> None:
        split = import_module("chatbot.migrations.0018_quotes").split
        reason = "says it is the 3rd time"
        for said in SAID:
            self.assertEqual(split(f'{reason}: "{said}"'), (reason, said))
            self.assertEqual(split(f'Mood: {reason}: "{said}".'), (f"Mood: {reason}", said))
        alerted = alert([ScoredMessage("for the 9th time", -0.5, 0.9)])
        self.assertNotIn('"', alerted.reason if alerted else '"')
