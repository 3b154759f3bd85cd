"""What the customer's side has beside the chat: a place in the line, a rating, a copy to keep."""

from datetime import timedelta
from typing import Any
from unittest import mock

from django.contrib.auth.models import Group
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from chatbot import tasks
from chatbot.conversation import agents, customers
from chatbot.models import Conversation, Visitor
from chatbot.people import identity, presence, roles
from chatbot.watches import queue
from chatbot.wire import limits
from chatbot.wire.errors import Refused
from tests.chatbot.console.test_agents import AgentsTestCase
from tests.chatbot.sockets import SocketTestCase


class RatingTests(AgentsTestCase):
    def test_alice_rates_a_closed_conversation_and_may_think_again(self) -> None:
        with self.assertRaisesMessage(Refused, "once it is closed"):
            customers.rate(self.conversation, 5, "")
        agents.resolve(self.conversation, self.dora)
        customers.rate(self.conversation, 2, "slow ")
        customers.rate(self.conversation, 4, "\u3164")
        now = self.now()
        self.assertEqual((now.csat, now.csat_comment), (4, ""))
        self.assertIsNotNone(now.csat_at)

    def test_after_an_hour_it_stands(self) -> None:
        customers.close(self.conversation)
        Conversation.objects.update(closed_at=timezone.now() - timedelta(hours=2))
        with self.assertRaisesMessage(Refused, "no longer"):
            customers.rate(self.conversation, 5, "")


class LineTests(AgentsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.dora.groups.add(Group.objects.get(name=roles.AGENT))
        presence.seen(self.dora)

    def waiting(self, minutes: int) -> Conversation:
        visitor = Visitor.objects.create(inbox=self.conversation.visitor.inbox)
        return Conversation.objects.create(
            visitor=visitor,
            state="waiting",
            last_seq=1,
            waiting_since=timezone.now() - timedelta(minutes=minutes),
        )

    def test_who_has_waited_longest_is_first(self) -> None:
        late, early = self.waiting(1), self.waiting(9)
        self.assertEqual(queue.places(), {early.id: 1, late.id: 2})

    async def test_each_is_told_once_and_again_when_it_changes(self) -> None:
        from crm.plumbing.threads import in_thread

        late, early = await in_thread(lambda: (self.waiting(1), self.waiting(9)))
        with (
            mock.patch("chatbot.wire.hints.here", return_value={late.id: {1}}) as here,
            mock.patch("chatbot.wire.hints.deliver_here") as deliver,
        ):
            shown = await queue.send_places({})
            shown = await queue.send_places(shown)
            deliver.assert_called_once_with(late.id, {"type": "queue.place", "position": 2})
            await in_thread(agents.take_over, early, self.dora)
            shown = await queue.send_places(shown)
            self.assertEqual(shown, {late.id: (1, {1})})
            deliver.reset_mock()
            here.return_value = {late.id: {2}}
            await queue.send_places(shown)
        # The customer has reloaded their page.
        deliver.assert_called_once_with(late.id, {"type": "queue.place", "position": 1})


class TranscriptTests(AgentsTestCase):
    def setUp(self) -> None:
        super().setUp()
        limits.reset()
        agents.take_over(self.conversation, self.dora)
        agents.say(self.conversation, self.dora, "1", "I am on it.")
        self.token, _ = identity.issue(self.conversation.visitor)

    def ask(self, **fields: str) -> Any:
        return self.client.post("/widget/shop/transcript/", fields)

    def test_alice_keeps_her_conversation_as_text(self) -> None:
        answer = self.ask(token=self.token)
        self.assertEqual(answer["content-type"], "text/plain; charset=utf-8")
        self.assertIn("attachment", answer["content-disposition"])
        text = answer.content.decode()
        self.assertIn("You: this is terrible", text)
        self.assertIn("Dora: I am on it.", text)

    def test_without_her_token_nobody_gets_it(self) -> None:
        self.assertEqual(self.ask(token="x").status_code, 401)
        self.assertEqual(self.ask().status_code, 401)
        self.assertEqual(self.client.get("/widget/shop/transcript/").status_code, 405)
        charlie, _ = identity.issue(Visitor.objects.create(inbox=self.conversation.visitor.inbox))
        self.assertEqual(self.ask(token=charlie).status_code, 404)

    def test_by_e_mail_only_where_mail_is_set_up_and_to_a_real_address(self) -> None:
        answer = self.ask(token=self.token, email="alice@example.com")
        self.assertIn("cannot be sent", answer.json()["detail"])
        with override_settings(EMAIL_HOST="mail"):
            for wrong in ("alice", "a@b.example\nBcc: x@y.example"):
                self.assertEqual(self.ask(token=self.token, email=wrong).status_code, 400)
            self.assertEqual(self.ask(token=self.token, email="alice@example.com").status_code, 202)
            again = self.ask(token=self.token, email="alice@example.com")
            self.assertIn("a minute", again.json()["detail"])

    def test_the_mail_has_the_conversation(self) -> None:
        tasks.mail_transcript(str(self.conversation.id), "alice@example.com")
        [sent] = mail.outbox
        self.assertEqual(sent.to, ["alice@example.com"])
        self.assertEqual(sent.subject, "Your conversation with Shop")
        self.assertIn("Dora: I am on it.", sent.body)
        Conversation.objects.all().delete()
        tasks.mail_transcript(str(self.conversation.id), "alice@example.com")
        self.assertEqual(len(mail.outbox), 1)


class FramesTests(SocketTestCase):
    async def test_a_rating_over_the_socket(self) -> None:
        socket = await self.join()
        await socket.say(type="message", id="1", text="hello")
        await socket.until(type="ack")
        await socket.say(type="csat", score=9)
        self.assertEqual((await socket.until(type="error"))[-1]["code"], "bad_frame")
        await socket.say(type="csat", score=5)
        self.assertEqual((await socket.until(type="error"))[-1]["code"], "not_closed")
        await socket.say(type="close")
        await socket.until(type="state")
        await socket.say(type="csat", score=5, comment="thank you")
        await socket.say(type="csat", score=0)
        await socket.until(type="error")
        self.assertEqual((await Conversation.objects.aget()).csat, 5)
