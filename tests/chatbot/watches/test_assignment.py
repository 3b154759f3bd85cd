"""Who waits is given to somebody: dora and emil answer customers."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from chatbot.conversation import agents, customers
from chatbot.models import Conversation, Inbox, Presence, Team, Visitor
from chatbot.people import presence, roles
from chatbot.watches import assignment
from tests.chatbot.console.test_agents import AgentsTestCase

pytestmark = pytest.mark.services


class AssignmentTests(AgentsTestCase):
    def setUp(self) -> None:
        super().setUp()
        Inbox.objects.update(auto_assign=True)
        for user in (self.dora, self.emil):
            user.groups.add(Group.objects.get(name=roles.AGENT))

    def here(self, user: User, **values: Any) -> None:
        presence.seen(user)
        Presence.objects.filter(user=user).update(**values)

    def waiting(self, text: str = "hello", minutes: int = 1) -> Conversation:
        visitor = Visitor.objects.create(inbox=self.conversation.visitor.inbox)
        one = customers.conversation_of(visitor)
        customers.receive(one, "m1", text)
        customers.hand_off(one, "The customer asked for a person.")
        since = timezone.now() - timedelta(minutes=minutes)
        Conversation.objects.filter(id=one.id).update(waiting_since=since)
        return one

    def who_has(self, one: Conversation) -> User | None:
        return Conversation.objects.get(id=one.id).agent

    def test_the_least_busy_who_is_there_gets_who_waits_longest(self) -> None:
        self.here(self.dora, capacity=2)
        self.here(self.emil, capacity=1)
        late, early, last = self.waiting(minutes=1), self.waiting(minutes=9), self.waiting()
        fourth = self.waiting(minutes=0)
        self.assertEqual(assignment.assign_waiting(), 3)
        self.assertEqual(self.who_has(early), self.dora)
        self.assertEqual(self.who_has(late), self.emil)
        self.assertEqual(self.who_has(last), self.dora)
        self.assertIsNone(self.who_has(fourth), "nobody has room")
        agents.resolve(early, self.dora)
        self.assertEqual(assignment.assign_waiting(), 1)
        self.assertEqual(self.who_has(fourth), self.dora)

    def test_who_is_away_gone_or_may_not_gets_nobody(self) -> None:
        one = self.waiting()
        self.here(self.dora, away=True)
        self.here(self.emil, seen_at=timezone.now() - timedelta(minutes=5))
        self.here(User.objects.create_user("charlie"))
        self.assertEqual(assignment.assign_waiting(), 0)
        self.assertIsNone(self.who_has(one))
        presence.set_away(self.dora, False)
        self.assertEqual(assignment.assign_waiting(), 1)
        presence.left(self.dora)
        self.assertFalse(presence.online().filter(user=self.dora).exists())

    def test_unless_the_inbox_asks_for_it_nobody_is_assigned(self) -> None:
        Inbox.objects.update(auto_assign=False)
        self.here(self.dora)
        self.waiting()
        self.assertEqual(assignment.assign_waiting(), 0)

    def test_the_team_that_knows_about_it_is_asked_first_and_the_others_if_it_is_full(self) -> None:
        returns = Team.objects.create(name="Returns", topics=["refund"])
        returns.members.add(self.emil)
        self.here(self.dora)
        self.here(self.emil, capacity=1)
        about, another = self.waiting("I want a Refund"), self.waiting("hello")
        assignment.assign_waiting()
        self.assertEqual(self.who_has(about), self.emil)
        self.assertEqual(self.who_has(another), self.dora)

    def test_if_the_team_that_knows_about_it_is_not_there_another_helps(self) -> None:
        returns = Team.objects.create(name="Returns", topics=["refund"])
        returns.members.add(self.emil)
        self.here(self.dora)
        one = self.waiting("I want a refund")
        assignment.assign_waiting()
        self.assertEqual(self.who_has(one), self.dora)

    def test_many_who_wait_for_a_team_that_is_not_there_hold_up_nobody(self) -> None:
        other = Inbox.objects.create(key="other", name="Other", auto_assign=True)
        team = Team.objects.create(name="Other")
        team.inboxes.add(other)
        for _ in range(60):
            visitor = Visitor.objects.create(inbox=other)
            since = timezone.now() - timedelta(hours=1)
            values = {"state": "waiting", "waiting_since": since, "last_seq": 1}
            Conversation.objects.create(visitor=visitor, **values)
        self.here(self.dora)
        one = self.waiting()
        self.assertEqual(assignment.assign_waiting(), 1)
        self.assertEqual(self.who_has(one), self.dora)

    def test_whom_another_process_has_just_given_the_last_one_gets_no_more(self) -> None:
        self.here(self.dora, capacity=1)
        first, second = self.waiting(), self.waiting()
        self.assertTrue(agents.assign(first, self.dora))
        self.assertFalse(agents.assign(second, self.dora))
        self.assertIsNone(self.who_has(second))

    def test_an_inbox_with_a_team_is_for_its_members(self) -> None:
        team = Team.objects.create(name="Shop")
        team.inboxes.add(self.conversation.visitor.inbox)
        team.members.add(self.emil)
        self.here(self.dora)
        one = self.waiting()
        self.assertEqual(assignment.assign_waiting(), 0)
        self.here(self.emil)
        assignment.assign_waiting()
        self.assertEqual(self.who_has(one), self.emil)

    def test_dora_passes_it_on_to_a_team(self) -> None:
        team = Team.objects.create(name="Repairs")
        team.members.add(self.emil)
        agents.take_over(self.conversation, self.dora)
        agents.pass_to_team(self.conversation, self.dora, team)
        now = self.now()
        self.assertEqual((now.state, now.agent, now.team), ("waiting", None, team))
        told = "Our team Repairs is taking this over and will answer you here."
        self.assertIn(("system", told), self.said())
        self.here(self.dora)
        self.assertEqual(assignment.assign_waiting(), 0, "it is not for her")
        self.here(self.emil)
        assignment.assign_waiting()
        self.assertEqual((self.now().agent, self.now().team), (self.emil, None))
