"""When a conversation calls an agent: alice complains, dora and emil answer customers."""

from datetime import timedelta
from unittest import mock

import pytest
from django.core import mail
from django.utils import timezone

from chatbot.conversation import agents, alerts, customers
from chatbot.conversation.mail import mail_alert
from chatbot.models import Conversation, Inbox
from chatbot.wire.errors import Refused
from inference.sentiment import Sentiment
from inference.sentiment.alert_rules import Rules
from tests.chatbot.console.test_agents import AgentsTestCase

pytestmark = pytest.mark.services


class AlertTests(AgentsTestCase):
    def complain(self, times: int = 1) -> None:
        for _ in range(times):
            number = self.now().last_seq
            customers.receive(self.conversation, f"c{number}", "this is terrible")

    def calling(self) -> bool:
        return Conversation.objects.filter(alerts.open_alerts()).exists()

    def inbox(self, **rules: object) -> None:
        Inbox.objects.update(**rules)

    def test_each_inbox_has_its_own_rules(self) -> None:
        self.inbox(alert_in_a_row=0, alert_repeated=0, alert_fall=0, alert_mood=0)
        self.complain(5)
        self.assertEqual(self.now().alert, "")
        self.inbox(alert_in_a_row=2)
        self.complain()
        self.assertEqual(self.now().alert, "7 negative messages in a row")

    def test_an_alert_that_dora_has_seen_calls_nobody_until_it_gets_worse(self) -> None:
        self.complain(2)
        self.assertTrue(self.calling())
        agents.acknowledge(self.conversation, self.dora)
        self.assertFalse(self.calling())
        with mock.patch("chatbot.conversation.alerts.alert_rules.alert", return_value=None):
            self.complain()
        self.complain()
        self.assertTrue(self.calling(), "it rose again")

    def test_how_often_it_has_called_is_counted(self) -> None:
        self.complain(2)
        agents.acknowledge(self.conversation, self.dora)
        self.assertEqual(self.now().alerts, 1)
        with mock.patch("chatbot.conversation.alerts.alert_rules.alert", return_value=None):
            self.complain()
        self.complain()
        self.assertEqual(self.now().alerts, 2)

    def test_the_last_scores_are_kept_for_lists(self) -> None:
        self.complain(25)
        customers.receive(self.conversation, "x", "unknown to the classifier")
        self.assertEqual(self.now().scores, [-0.9] * 20)

    def test_the_rules_are_told_in_words(self) -> None:
        self.assertEqual(
            alerts.described(Rules(in_a_row=1, repeated=3, fall=0.8, bad_mood=-0.5)),
            [
                "The customer seems to need a person's help: danger, a loss, a broken promise.",
                "The customer writes a negative message.",
                "The customer says that this is at least the 3rd time.",
                "The customer threatens to leave, to complain elsewhere or to sue.",
                "The score falls by 0.8 or more, from 0.2 or higher.",
                "The mood is −0.5 or lower, after at least two negative messages.",
            ],
        )
        off = Rules(0, 0, threats=False, urgent=False, fall=0, bad_mood=0)
        self.assertEqual(alerts.described(off), [])

    def test_a_snoozed_alert_comes_back_by_itself(self) -> None:
        self.complain(2)
        agents.snooze(self.conversation, self.dora, 60)
        self.complain()
        self.assertFalse(self.calling())
        past = timezone.now() - timedelta(seconds=1)
        Conversation.objects.update(snoozed_until=past)
        self.assertTrue(self.calling())
        with self.assertRaises(Refused):
            agents.snooze(self.conversation, self.dora, 0)

    def test_a_threat_stands_when_alice_is_only_angry_afterwards(self) -> None:
        threat = Sentiment("negative", -0.5, 0.9, {}, intents=frozenset({"leave"}))
        with mock.patch("tests.fakes.FakeClassifier.score", return_value=[threat]):
            customers.receive(self.conversation, "t", "my solicitor will write")
        self.complain(2)
        self.assertEqual(self.now().alert, "threatens to leave or to complain elsewhere")
        self.assertEqual(self.now().alert_quote, "my solicitor will write")

    def test_a_correction_of_another_message_leaves_an_unseen_alert(self) -> None:
        self.complain(2)
        customers.receive(self.conversation, "x", "no more to say, it is calm now")
        last = self.conversation.messages.order_by("seq").last()
        agents.correct(last, "positive", self.dora)
        self.assertTrue(self.calling())
        for message in self.conversation.messages.filter(text="this is terrible"):
            agents.correct(message, "neutral", self.dora)
        self.assertFalse(self.calling())

    def test_an_alert_that_a_correction_raises_calls_nobody(self) -> None:
        for number in range(3):
            customers.receive(self.conversation, f"n{number}", "it is as it is, you know")
        for message in self.conversation.messages.filter(author="customer"):
            agents.correct(message, "negative", self.dora)
        self.assertTrue(self.now().alert)
        self.assertFalse(self.calling())

    def test_an_alert_ends_with_doras_take_over_and_does_not_come_back(self) -> None:
        self.complain(2)
        agents.take_over(self.conversation, self.dora)
        agents.hand_back(self.conversation, self.dora)
        self.assertFalse(self.calling())
        customers.receive(self.conversation, "calm", "thanks, that is much better now")
        self.assertEqual(self.now().alert, "")

    def test_once_dora_has_it_it_calls_nobody_else(self) -> None:
        self.complain(2)
        agents.take_over(self.conversation, self.dora)
        self.assertFalse(self.calling())

    def test_each_rise_is_mailed_once_and_without_what_was_said(self) -> None:
        self.inbox(alert_emails=["team@shop.example"])
        with mock.patch("crm.plumbing.background.later") as later:
            self.complain(2)
            agents.snooze(self.conversation, self.dora, 60)
            Conversation.objects.update(alert="", alert_weight=0)
            self.complain()
        self.assertEqual(later.call_count, 1)
        mail_alert(str(self.conversation.id), "says it is the 3rd time")
        [sent] = mail.outbox
        self.assertEqual(sent.to, ["team@shop.example"])
        self.assertIn("says it is the 3rd time.", sent.body)
        self.assertIn(f"/admin/chatbot/conversation/live/#{self.conversation.id}", sent.body)
        self.assertNotIn("terrible", sent.body)

    def test_last_week_is_looked_at_under_other_rules(self) -> None:
        self.complain(3)
        inbox = Inbox.objects.get()
        found = alerts.preview(inbox, Rules())
        self.assertEqual([one.reason for one in found.firings], [self.first_reason()])
        self.assertEqual((found.conversations, found.whole), (1, True))
        off = Rules(in_a_row=0, repeated=0, fall=0, bad_mood=0)
        self.assertEqual(alerts.preview(inbox, off).firings, [])
        self.conversation.messages.update(at=timezone.now() - timedelta(days=8))
        self.assertEqual(alerts.preview(inbox, Rules()).conversations, 0)

    def first_reason(self) -> str:
        return "mood -0.9 after 2 negative messages"
