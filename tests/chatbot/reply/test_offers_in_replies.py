"""From alice's words to the form, over her socket; a model's word offers and sends nothing."""

import json
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.utils import timezone

from chatbot.conversation import crm_requests, customers
from chatbot.conversation.crm_requests import Offer
from chatbot.conversation.wording import PLAIN
from chatbot.models import ActionRequest
from chatbot.reply import runner
from chatbot.reply.turn import Outcome, Turn
from crm.action_answers import Answer
from crm.models import Delivery
from crm.outbound import outbox
from tests.chatbot.requests import CALL, RETURN, call_back, endpoint, open_return
from tests.chatbot.sockets import Socket, SocketTestCase
from tests.fakes import ALICE, FakeModelsTestCase, outcome_of

pytestmark = pytest.mark.services

WISH = "I want to return order 50001"
CLAIM = "I have opened a return for order 50001. Your refund is on its way."


class PipelineTests(FakeModelsTestCase):
    offers = (Offer(7, ("return",)),)

    async def ask(self, text: str, customer: str | None = ALICE, **turn: Any) -> Outcome:
        return await outcome_of(Turn(text, customer, offers=self.offers, **turn))

    async def test_the_form_is_the_answer_where_the_records_have_none(self) -> None:
        outcome = await self.ask(WISH)
        self.assertEqual((outcome.state, outcome.answer), ("proposed", PLAIN.form))
        self.assertEqual((outcome.action, outcome.named[0]), (7, "order:50001"))

    async def test_beside_an_answer_from_the_records_it_comes_last(self) -> None:
        self.generator.answer = "You can return goods within 30 days. Refunds take 5 working days."
        outcome = await self.ask(
            "How do I return my boots? Within how many days can I return goods?"
        )
        self.assertEqual(outcome.state, "answered")
        self.assertEqual(outcome.answer, f"{self.generator.answer} {PLAIN.form}")

    async def test_a_question_gets_no_form(self) -> None:
        self.generator.answer = "You can return goods within 30 days. Refunds take 5 working days."
        outcome = await self.ask("within how many days are returns possible?")
        self.assertEqual((outcome.action, outcome.answer), (None, self.generator.answer))

    async def test_a_number_that_is_not_alices_is_told_beside_the_form(self) -> None:
        outcome = await self.ask("I want to return order 50002")
        self.assertIn("none of your records has the number", outcome.answer)
        self.assertTrue(outcome.answer.endswith(PLAIN.form))
        self.assertEqual(outcome.named, [])

    async def test_a_wish_for_a_person_is_heard_first(self) -> None:
        outcome = await self.ask("I want to return my boots, let me talk to a human")
        self.assertEqual((outcome.state, outcome.action), ("handoff", 7))

    async def test_a_model_that_says_it_has_done_it_is_not_believed(self) -> None:
        self.generator.answer = CLAIM
        outcome = await self.ask("what is the carrier of order 50001?")
        self.assertIsNone(outcome.action)
        self.assertNotIn("opened a return", outcome.answer)

    async def test_where_nothing_is_offered_the_refusal_stays(self) -> None:
        outcome = await outcome_of(Turn(WISH, ALICE))
        self.assertTrue(outcome.answer.endswith(PLAIN.offer))


class SocketTests(SocketTestCase):
    def setUp(self) -> None:
        super().setUp()
        outbox.forget()
        self.addCleanup(outbox.forget)
        self.crm = endpoint()
        open_return(self.inbox, self.crm)
        call_back(self.inbox, self.crm)

    async def ask(self, socket: Socket, text: str = WISH) -> dict[str, Any]:
        """The offer that comes of it."""
        await socket.say(type="message", id=text, text=text)
        return (await socket.until(type="action"))[-1]

    async def test_alice_wishes_confirms_and_reads_the_answer(self) -> None:
        socket = await self.join()
        offer = await self.ask(socket)
        self.assertEqual(
            (offer["state"], offer["name"], offer["seq"]), ("proposed", "Open a return", 2)
        )
        self.assertEqual(offer["fields"][0]["value"], "order:50001")
        await socket.say(type="confirm", id=offer["id"], values=RETURN)
        await socket.until(type="action", state="sent")
        delivery = await Delivery.objects.aget(type="action.requested")
        self.assertEqual(json.loads(delivery.body)["data"]["action"]["values"], RETURN)
        await database_sync_to_async(crm_requests.answer)(offer["id"], Answer("accepted", "R-1."))
        await socket.until(type="action", state="accepted")
        again = await self.join()
        heard = await again.until(type="action", state="accepted")
        told = [one["text"] for one in heard if one.get("author") == "system"]
        self.assertIn("Order: Order 50001", told[0])
        self.assertEqual(told[1], "Open a return: accepted. R-1.")

    async def test_a_model_that_claims_a_return_offers_none_and_sends_none(self) -> None:
        self.generator.answer = CLAIM
        socket = await self.join()
        await socket.say(type="message", id="m1", text="when was order 50001 shipped?")
        await socket.until(type="reply", state="done")
        self.assertFalse(await ActionRequest.objects.aexists())
        self.assertFalse(await Delivery.objects.filter(type="action.requested").aexists())

    async def test_who_returns_is_shown_every_offer_as_it_is_now(self) -> None:
        socket = await self.join()
        offer = await self.ask(socket)
        await socket.disconnect()
        again = await self.join(after=2)
        self.assertEqual((await again.until(type="action"))[-1], offer)
        await again.say(type="confirm", id=offer["id"], values=RETURN)
        await again.until(type="action", state="sent")
        third = await self.join()
        heard = await third.until(type="action")
        self.assertEqual((heard[-1]["state"], heard[-1]["fields"]), ("sent", []))

    async def test_two_tabs_that_confirm_send_once_and_both_see_it(self) -> None:
        first, second = await self.join(), await self.join()
        offer = await self.ask(first)
        await second.until(type="action")
        for tab in (first, second):
            await tab.say(type="confirm", id=offer["id"], values=RETURN)
        for tab in (first, second):
            await tab.until(type="action", state="sent")
        self.assertEqual(await Delivery.objects.filter(type="action.requested").acount(), 1)

    async def test_a_dismissed_offer_goes_from_all_tabs(self) -> None:
        first, second = await self.join(), await self.join()
        offer = await self.ask(first)
        await first.say(type="dismiss", id=offer["id"])
        for tab in (first, second):
            await tab.until(type="action", state="dismissed")

    async def test_what_is_refused_is_told_with_the_offers_id(self) -> None:
        socket = await self.join()
        offer = await self.ask(socket)
        await socket.say(type="confirm", id=offer["id"], values={"order": "order:50002"})
        error = (await socket.until(type="error"))[-1]
        self.assertEqual((error["code"], error["id"]), ("invalid", offer["id"]))
        await ActionRequest.objects.aupdate(offered_at=timezone.now() - timedelta(days=2))
        await socket.say(type="confirm", id=offer["id"], values=RETURN)
        heard = await socket.until(type="error")
        self.assertIn("expired", [one.get("state") for one in heard])
        self.assertEqual(heard[-1]["code"], "gone")
        await socket.say(type="message", id="m9", text="hello")
        await socket.until(type="ack")

    async def test_frames_that_are_none_are_refused(self) -> None:
        socket = await self.join()
        key = "0d4b8c52-6a0e-4f0e-9a53-4a7c2f7d9b10"
        for values in [[], {"a": 1}, {"a": "\x00"}, {"\x00": "a"}, {str(n): "" for n in range(41)}]:
            await socket.say(type="confirm", id=key, values=values)
            self.assertEqual((await socket.hear())["code"], "bad_frame", values)
        await socket.say(type="dismiss", id="1")
        self.assertEqual((await socket.hear())["code"], "bad_frame")
        await socket.say(type="dismiss", id=key)
        self.assertEqual((await socket.hear())["code"], "not_found")

    async def test_a_visitor_is_offered_the_call_back_but_no_return(self) -> None:
        self.alice.customer_id = None
        await sync_to_async(self.alice.save)()
        socket = await self.join()
        await socket.say(type="message", id="m1", text="I want to return my boots")
        await socket.until(type="reply", state="done")
        self.assertFalse(await ActionRequest.objects.aexists())
        offer = await self.ask(socket, "please call me back")
        await socket.say(type="confirm", id=offer["id"], values=CALL)
        await socket.until(type="action", state="sent")

    async def test_notices_are_neither_answers_nor_read_by_the_model(self) -> None:
        socket = await self.join()
        offer = await self.ask(socket)
        await socket.say(type="confirm", id=offer["id"], values=RETURN)
        await socket.until(type="action", state="sent")
        talk = await self.alice.conversations.aget()
        receive = database_sync_to_async(customers.receive)
        await receive(talk, "a", "what is its total?")
        await database_sync_to_async(crm_requests.answer)(offer["id"], Answer("accepted", "R-1."))
        _, reply = await receive(talk, "b", "and its carrier?")
        assert reply
        turn = await database_sync_to_async(runner.turn_of)(reply)
        self.assertEqual(turn.text, "what is its total?\nand its carrier?")
        self.assertEqual([author for author, _ in turn.history], ["customer", "bot"])

    async def test_an_agents_draft_offers_nothing(self) -> None:
        socket = await self.join()
        await self.ask(socket)
        conversation = await self.alice.conversations.aget()
        with mock.patch("chatbot.engines.admission.queue"):
            turn = await database_sync_to_async(runner.next_turn)(conversation, None)
        self.assertEqual(turn.offers, ())
