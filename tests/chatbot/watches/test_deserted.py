"""Dora has a conversation and closes her page: alice, who has written since, waits again."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from chatbot.conversation import agents, customers
from chatbot.models import Conversation, Presence
from chatbot.people import presence
from chatbot.watches import deserted
from tests.chatbot.console.test_agents import AgentsTestCase

pytestmark = pytest.mark.services


class DesertedTests(AgentsTestCase):
    def setUp(self) -> None:
        super().setUp()
        presence.seen(self.dora)
        agents.take_over(self.conversation, self.dora)

    def written(self, minutes_ago: int = 3) -> None:
        customers.receive(self.conversation, "m2", "are you still there?")
        self.last_message(minutes_ago)

    def last_message(self, minutes_ago: int) -> None:
        at = timezone.now() - timedelta(minutes=minutes_ago)
        Conversation.objects.filter(id=self.conversation.id).update(last_message_at=at)

    def looked(self, looks: int = deserted.GONE_AFTER) -> None:
        gone: dict[UUID, int] = {}
        for _ in range(looks):
            gone = deserted.count_looks(gone)

    def owner(self) -> tuple[str, object]:
        return self.now().state, self.now().agent

    def test_alice_waits_again_and_knows_it(self) -> None:
        self.written()
        presence.left(self.dora)
        version = self.now().version
        self.looked()
        self.assertEqual(self.owner(), ("waiting", None))
        self.assertEqual(self.now().handoff_reason, "Dora left it unanswered.")
        self.assertGreater(self.now().version, version)
        told = [text for author, text in self.said() if author == "system"]
        self.assertTrue(any("had to leave" in text for text in told), told)
        self.assertTrue(any("None of our colleagues is here" in text for text in told), told)

    def test_another_agent_can_take_it(self) -> None:
        self.written()
        presence.left(self.dora)
        self.looked()
        agents.take_over(self.conversation, self.emil)
        self.assertEqual(self.owner(), ("agent", self.emil))

    def test_a_page_that_is_loaded_anew_loses_nothing(self) -> None:
        self.written()
        presence.left(self.dora)
        self.looked(deserted.GONE_AFTER - 1)
        presence.seen(self.dora)
        self.looked()
        self.assertEqual(self.owner(), ("agent", self.dora))

    def test_a_browser_that_has_died_says_nothing_more(self) -> None:
        self.written()
        Presence.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
        self.looked()
        self.assertEqual(self.owner(), ("waiting", None))

    def test_dora_who_is_away_but_there_keeps_it(self) -> None:
        self.written()
        presence.set_away(self.dora, True)
        self.looked()
        self.assertEqual(self.owner(), ("agent", self.dora))

    def test_whom_dora_has_answered_does_not_wait(self) -> None:
        self.written()
        agents.say(self.conversation, self.dora, "a1", "Yes, I am looking.")
        self.last_message(30)
        presence.left(self.dora)
        self.looked()
        self.assertEqual(self.owner(), ("agent", self.dora))

    def test_alice_who_has_just_written_is_not_taken_away(self) -> None:
        self.written(minutes_ago=1)
        presence.left(self.dora)
        self.looked()
        self.assertEqual(self.owner(), ("agent", self.dora))

    def test_an_answer_in_the_last_moment_counts(self) -> None:
        self.written()
        presence.left(self.dora)
        agents.say(self.conversation, self.dora, "a1", "Here I am.")
        agents.requeue_deserted(self.conversation.id)
        self.assertEqual(self.owner(), ("agent", self.dora))
