"""The CRM's word on a request: in its answer to the event, or later; a sink plays the CRM."""

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from standardwebhooks import Webhook

from chatbot.conversation import crm_requests
from chatbot.models import ActionRequest
from crm import action_answers, signing
from crm.inbound import apply, views
from crm.models import Delivery, InboundEvent, Source
from crm.outbound import courier
from tests.chatbot.requests import RETURN, RequestsTestCase
from tests.crm.inbound.test_inbound import post
from tests.crm.outbound.test_outbound import sink

pytestmark = pytest.mark.services

YES = {"status": "accepted", "message": "It is R-1."}


class AnswerTests(RequestsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.request = self.propose()
        Delivery.objects.all().delete()
        crm_requests.confirm(self.conversation, str(self.request.id), RETURN)
        Delivery.objects.exclude(type="action.requested").delete()

    async def carried(self, body: Any, times: int = 1, **values: Any) -> list[tuple[Any, str]]:
        """What the sink got."""
        text = body if isinstance(body, str) else json.dumps(body)
        async with sink(body=text, **values) as crm, courier.client() as sender:
            self.crm.url = crm.url
            await sync_to_async(self.crm.save)()
            for _ in range(times):
                carrying = courier.Courier(sender)
                await carrying.take()
                while carrying.tasks:
                    await next(iter(carrying.tasks))
                if carrying.writing:
                    await carrying.writing
                await Delivery.objects.aupdate(state="pending")
        return crm.got

    async def state(self) -> tuple[str, str]:
        await self.request.arefresh_from_db()
        return self.request.state, self.request.answer

    async def test_an_answer_in_the_response_is_told(self) -> None:
        ((headers, body),) = await self.carried(YES)
        self.assertEqual(await self.state(), ("accepted", "It is R-1."))
        Webhook(self.crm.secrets[0]["secret"]).verify(body, headers)
        self.assertEqual(headers["webhook-id"], str(self.request.id))

    async def test_sent_again_after_a_lost_answer_it_is_the_same_request(self) -> None:
        got = await self.carried(YES, times=2)
        asked = [headers["webhook-id"] for headers, body in got if action_answers.REQUESTED in body]
        self.assertEqual(asked, [str(self.request.id)] * 2)
        texts = [one async for one in self.conversation.messages.values_list("text", flat=True)]
        self.assertEqual(texts.count("Open a return: accepted. It is R-1."), 1)

    async def test_what_is_no_answer_is_waited_for(self) -> None:
        for body in ["ok", "", "[]", {"status": "later"}, {**YES, "message": 5}]:
            await self.carried(body)
        await self.carried({**YES, "message": "x" * (action_answers.LONGEST + 1)})
        await self.carried({**YES, "more": "x" * courier.KEPT_OF_ANSWER})
        self.assertEqual((await self.state())[0], "sent")

    async def test_a_failure_is_no_answer_whatever_it_says(self) -> None:
        await self.carried(YES, status=500)
        self.assertEqual((await self.state())[0], "sent")

    async def test_markup_in_an_answer_stays_text(self) -> None:
        await self.carried({"status": "refused", "message": "<script>alert(1)</script>"})
        self.assertEqual(await self.state(), ("refused", "<script>alert(1)</script>"))


class LaterTests(RequestsTestCase):
    def setUp(self) -> None:
        super().setUp()
        views._sources.clear()
        self.addCleanup(views._sources.clear)
        self.source = Source.objects.create(name="shop", secrets=signing.rotated([]))
        self.request = self.propose()
        crm_requests.confirm(self.conversation, str(self.request.id), RETURN)

    def tell(self, id: str = "e1", **data: Any) -> Any:
        data = {"idempotency_key": str(self.request.id), **YES} | data
        return post(self.source, {"type": "action.completed", "data": data}, id)

    def test_the_crm_says_it_later_with_an_event(self) -> None:
        self.assertEqual(self.tell().status_code, 202)
        apply.apply_pending()
        self.assertEqual(ActionRequest.objects.get().state, "accepted")
        self.assertEqual(self.said()[-1], "Open a return: accepted. It is R-1.")

    def test_what_is_wrong_with_it_is_said_to_its_sender(self) -> None:
        for data, words in [
            ({"status": "done"}, '"status" must be one of accepted, refused'),
            ({"message": "x" * 501}, "at most 500 characters"),
            ({"idempotency_key": ""}, '"idempotency_key" is missing'),
        ]:
            answer = self.tell(**data)
            self.assertEqual(answer.status_code, 422)
            self.assertIn(words, answer.json()["detail"])

    def test_one_for_nobody_is_kept_with_the_reason_and_stops_no_other(self) -> None:
        self.tell("e1", idempotency_key="0d4b8c52-6a0e-4f0e-9a53-4a7c2f7d9b10")
        self.tell("e2")
        apply.apply_pending()
        states = dict(InboundEvent.objects.values_list("event_id", "state"))
        self.assertEqual(states, {"e1": "failed", "e2": "applied"})
        self.assertIn("no request has the idempotency_key", InboundEvent.objects.last().reason)
        self.assertEqual(ActionRequest.objects.get().state, "accepted")
