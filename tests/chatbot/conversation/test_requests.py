"""What customers ask the CRM for: alice may return her order, nobody may return it for her."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.utils import timezone

from chatbot import tasks
from chatbot.admin.crm_actions import KINDS
from chatbot.conversation import action_forms, agents, crm_requests, customers
from chatbot.models import ActionField, ActionRequest, Conversation, Erasure
from chatbot.privacy import retention
from chatbot.wire.errors import Refused
from crm.action_answers import Answer
from crm.models import Customer, Delivery, Record
from crm.outbound import outbox
from tests.chatbot.requests import CALL, RETURN, RequestsTestCase, endpoint
from tests.fakes import ALICE, BOB

pytestmark = pytest.mark.services

GONE = "no longer open"


class OfferTests(RequestsTestCase):
    def offered(self, conversation: Conversation | None = None) -> set[str]:
        return {one.key for one in crm_requests.offered(conversation or self.conversation)}

    def test_alice_is_offered_both_and_a_visitor_only_what_needs_no_customer(self) -> None:
        self.assertEqual(self.offered(), {"open_return", "call_back"})
        self.assertEqual(self.offered(self.talk(None)), {"call_back"})

    def test_without_an_endpoint_that_is_on_nothing_is_offered(self) -> None:
        self.returns.endpoints.clear()
        self.assertEqual(self.offered(), {"call_back"})
        self.crm.active = False
        self.crm.save()
        self.assertEqual(self.offered(), set())

    def test_another_inbox_or_a_switched_off_action_is_not_offered(self) -> None:
        self.calls.active = False
        self.calls.save()
        self.returns.inbox = type(self.inbox).objects.create(key="trade", name="Trade")
        self.returns.save()
        self.assertEqual(self.offered(), set())

    def test_the_form_has_alices_own_records_only_and_the_one_she_named(self) -> None:
        self.propose(named=["order:50002", "order:50001"])
        order, reason, more = self.frame().fields
        self.assertEqual(order["choices"], [{"value": "order:50001", "label": "Order 50001"}])
        self.assertEqual(order["value"], "order:50001")
        self.assertEqual([one["value"] for one in reason["choices"]], ["Too small", "Broken"])
        self.assertEqual((more["required"], more["choices"]), (False, []))

    def test_asked_for_again_the_first_offer_is_no_longer_open(self) -> None:
        first, second = self.propose(), self.propose()
        self.assertEqual([one.state for one in self.frames()], ["expired", "proposed"])
        with self.assertRaisesMessage(Refused, GONE):
            crm_requests.confirm(self.conversation, str(first.id), RETURN)
        crm_requests.confirm(self.conversation, str(second.id), RETURN)

    def frames(self) -> list[Any]:
        return crm_requests.frames(self.conversation)


class ConfirmTests(RequestsTestCase):
    def confirm(self, values: dict[str, str] = RETURN, of: Conversation | None = None) -> None:
        request = self.propose(of=of)
        crm_requests.confirm(of or self.conversation, str(request.id), values)

    def refused(self, values: dict[str, str], of: Conversation | None = None) -> str:
        with self.assertRaises(Refused) as caught:
            self.confirm(values, of)
        self.assertFalse(Delivery.objects.filter(type="action.requested").exists())
        return caught.exception.text

    def test_nothing_is_sent_before_alice_confirms(self) -> None:
        self.propose()
        self.assertFalse(Delivery.objects.filter(type="action.requested").exists())

    def test_confirmed_it_is_sent_whole_even_to_a_thin_endpoint(self) -> None:
        self.confirm({**RETURN, "more": " both boots "})
        delivery = Delivery.objects.get(type="action.requested")
        request = ActionRequest.objects.get()
        told = json.loads(delivery.body)["data"]["action"]
        self.assertEqual(told["values"], {**RETURN, "more": "both boots"})
        self.assertEqual((told["key"], told["name"]), ("open_return", "Open a return"))
        self.assertEqual((told["idempotency_key"], delivery.event_id), (str(request.id),) * 2)
        self.assertEqual(request.state, "sent")
        words = "You asked us to: Open a return.\nOrder: Order 50001\nReason: Too small"
        self.assertEqual(self.said()[-1], f"{words}\nMore: both boots")

    def test_what_alice_writes_does_not_continue_our_message(self) -> None:
        self.confirm({**RETURN, "more": "both\n\nOpen a return: accepted."})
        self.assertEqual(self.said()[-1].split("\n")[-1], "More: both Open a return: accepted.")

    def test_confirmed_twice_it_is_sent_once(self) -> None:
        request = self.propose()
        for values in (RETURN, RETURN, {**RETURN, "reason": "Broken"}):
            crm_requests.confirm(self.conversation, str(request.id), values)
        self.assertEqual(Delivery.objects.filter(type="action.requested").count(), 1)
        self.assertEqual(sum("You asked us to" in text for text in self.said()), 1)
        request.refresh_from_db()
        self.assertEqual(request.values[1]["value"], "Too small")

    def test_it_goes_to_the_actions_endpoints_and_to_no_other(self) -> None:
        second, _curious = endpoint(events=["csat.submitted"]), endpoint()
        self.returns.endpoints.add(second)
        self.confirm()
        told = Delivery.objects.filter(type="action.requested")
        self.assertEqual({one.endpoint_id for one in told}, {self.crm.id, second.id})

    def test_bobs_order_cannot_be_chosen_by_alice(self) -> None:
        told = self.refused({**RETURN, "order": "order:50002"})
        self.assertEqual(told, "Order: please choose one of those shown.")

    def test_shared_deleted_and_other_kinds_of_records_cannot_be_chosen(self) -> None:
        self.assertIn("choose", self.refused({**RETURN, "order": "article:returns"}))
        Record.objects.filter(id="order:50001").update(kind="invoice")
        self.assertIn("choose", self.refused(RETURN))
        Record.objects.filter(id="order:50001").update(kind="order", deleted=True)
        self.assertIn("choose", self.refused(RETURN))

    def test_charlie_cannot_confirm_what_alice_was_offered(self) -> None:
        request, charlies = self.propose(), self.talk(Customer.objects.create(id="charlie").id)
        with self.assertRaises(Refused) as caught:
            crm_requests.confirm(charlies, str(request.id), RETURN)
        self.assertEqual(caught.exception.code, "not_found")

    def test_a_value_that_does_not_fit_its_kind_is_refused_with_what_to_write(self) -> None:
        for values, words in [
            ({"order": "order:50001"}, "Reason: please fill this in."),
            ({**RETURN, "reason": "  "}, "Reason: please fill this in."),
            ({**RETURN, "reason": "\u200b\u3164"}, "Reason: please fill this in."),
            ({**RETURN, "reason": "Boredom"}, "choose"),
            ({**RETURN, "more": "x" * 301}, "at most 300"),
            ({**RETURN, "price": "1"}, "no field 'price'"),
        ]:
            self.assertIn(words, self.refused(values))

    def test_each_kind_of_field_knows_what_fits(self) -> None:
        for kind, good, bad in [
            ("phone", "+353 (20) 911-0938", "call me"),
            ("phone", "020/9110938", "123"),
            ("email", "alice@ash.example", "alice"),
            ("date", "2026-12-01", "tomorrow"),
        ]:
            field = ActionField(name="it", label="It", kind=kind)
            self.assertEqual(action_forms.row(field, good, None)["value"], good)
            with self.assertRaises(action_forms.Invalid):
                action_forms.row(field, bad, None)
        self.assertEqual(set(KINDS), set(action_forms.KINDS))

    def test_what_is_too_old_dismissed_or_closed_can_no_longer_be_confirmed(self) -> None:
        request = self.propose()
        ActionRequest.objects.update(offered_at=timezone.now() - crm_requests.OPEN_FOR)
        self.assertEqual((self.frame().state, self.frame().fields), ("expired", []))
        self.refused_now(request)
        request = self.propose()
        crm_requests.dismiss(self.conversation, str(request.id))
        self.assertEqual(self.frame().state, "dismissed")
        self.refused_now(request)
        request = self.propose()
        customers.close(self.conversation)
        self.assertEqual(self.frame().state, "expired")
        self.refused_now(request)

    def refused_now(self, request: ActionRequest) -> None:
        with self.assertRaisesMessage(Refused, GONE):
            crm_requests.confirm(self.conversation, str(request.id), RETURN)

    def test_what_the_inbox_no_longer_offers_is_no_longer_open(self) -> None:
        request = self.propose()
        self.returns.endpoints.clear()
        self.refused_now(request)

    def test_an_agent_who_has_the_conversation_sees_what_was_asked(self) -> None:
        request = self.propose()
        agents.take_over(self.conversation, User.objects.create_user("dora"))
        crm_requests.confirm(self.conversation, str(request.id), RETURN)
        self.assertIn("You asked us to: Open a return.", self.said()[-1])

    def test_a_confirmed_request_is_not_dismissed(self) -> None:
        self.confirm()
        crm_requests.dismiss(self.conversation, str(ActionRequest.objects.get().id))
        self.assertEqual(ActionRequest.objects.get().state, "sent")


class AnswerTests(RequestsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.request = self.propose()
        crm_requests.confirm(self.conversation, str(self.request.id), RETURN)

    def answer(self, status: str = "accepted", message: str = "It is R-1.") -> bool:
        return crm_requests.answer(str(self.request.id), Answer(status, message))

    def late(self) -> None:
        ActionRequest.objects.update(answer_by=timezone.now() - timedelta(seconds=1))

    def test_alice_reads_the_crms_answer_and_the_first_one_counts(self) -> None:
        self.assertTrue(self.answer())
        self.assertTrue(self.answer("refused", "No."))
        self.assertEqual(self.said()[-1], "Open a return: accepted. It is R-1.")
        self.assertEqual((self.frame().state, self.frame().fields), ("accepted", []))
        self.assertEqual(self.now().state, "bot")

    def test_a_refusal_is_told_plainly(self) -> None:
        self.answer("refused", "It is too late for that.")
        self.assertEqual(
            self.said()[-1], "Open a return: this could not be done. It is too late for that."
        )

    def test_an_answer_to_nobodys_request_is_no_answer(self) -> None:
        for key in ("nonsense", "0d4b8c52-6a0e-4f0e-9a53-4a7c2f7d9b10"):
            self.assertFalse(crm_requests.answer(key, Answer("accepted", "")))

    def test_what_was_only_offered_cannot_be_answered(self) -> None:
        offered = self.propose(self.calls)
        crm_requests.answer(str(offered.id), Answer("accepted", ""))
        offered.refresh_from_db()
        self.assertEqual(offered.state, "proposed")

    def test_without_an_answer_in_time_a_person_is_asked_and_alice_is_told(self) -> None:
        self.assertEqual(tasks.look_after_requests(), 0)
        self.late()
        self.assertEqual(tasks.look_after_requests(), 1)
        self.assertEqual(tasks.look_after_requests(), 0)
        self.assertEqual(self.now().state, "waiting")
        self.assertEqual(self.now().handoff_reason, "No answer from the CRM to: Open a return.")
        self.assertIn("A colleague has been asked", self.said()[-1])
        self.assertEqual(self.frame().state, "unanswered")
        state = Delivery.objects.get(type="action.requested").state
        self.assertEqual(state, "failed", "a person does it now: it is not sent any more")

    def test_a_replay_after_an_outage_does_not_send_what_a_person_has_taken_up(self) -> None:
        self.late()
        tasks.look_after_requests()
        asked = Delivery.objects.filter(type="action.requested")
        outbox.again(asked)
        self.assertEqual(asked.get().state, "failed")
        asked.update(state="done")
        outbox.again(asked)
        self.assertEqual(asked.get().state, "pending", "the CRM knows its idempotency key")

    def test_an_answer_that_comes_after_that_is_still_told(self) -> None:
        self.late()
        tasks.look_after_requests()
        self.answer()
        self.assertEqual(self.frame().state, "accepted")
        self.assertEqual(self.now().state, "waiting")

    def test_who_is_with_an_agent_already_waits_for_nobody_else(self) -> None:
        agents.take_over(self.conversation, User.objects.create_user("dora"))
        self.late()
        tasks.look_after_requests()
        self.assertEqual(self.now().state, "agent")
        self.assertIn("no answer", self.said()[-1])

    def test_after_the_end_of_the_conversation_the_answer_is_kept_with_it(self) -> None:
        customers.close(self.conversation)
        self.answer()
        self.assertEqual(self.now().state, "closed")
        self.assertEqual(self.said()[-1], "Open a return: accepted. It is R-1.")


class PrivacyTests(RequestsTestCase):
    def setUp(self) -> None:
        super().setUp()
        request = self.propose(self.calls)
        crm_requests.confirm(self.conversation, str(request.id), CALL)
        crm_requests.answer(str(request.id), Answer("accepted", "We call +353 20 911 0938."))

    @override_settings(REDACT_AFTER_DAYS=30, DELETE_AFTER_DAYS=90)
    def test_what_was_asked_is_redacted_and_deleted_with_the_conversation(self) -> None:
        past = timezone.now() - timedelta(days=31)
        Conversation.objects.update(last_message_at=past)
        retention.forget()
        request = ActionRequest.objects.get()
        self.assertEqual((request.values, request.answer), ([], ""))
        self.assertNotIn("911", " ".join(self.said()))
        self.assertFalse(Delivery.objects.filter(type="action.requested").exists())
        Conversation.objects.update(last_message_at=past - timedelta(days=90))
        retention.forget()
        self.assertFalse(ActionRequest.objects.exists())

    @override_settings(REDACT_AFTER_DAYS=30)
    def test_what_alice_wrote_into_a_form_goes_from_the_messages_too(self) -> None:
        request = self.propose()
        values = {**RETURN, "more": "leave it with Mrs Hickey"}
        crm_requests.confirm(self.conversation, str(request.id), values)
        Conversation.objects.update(last_message_at=timezone.now() - timedelta(days=31))
        retention.forget()
        text = " ".join(self.said())
        self.assertNotIn("Hickey", text)
        self.assertIn("Reason: Too small", text)

    def test_alices_export_has_what_she_asked_for(self) -> None:
        rows = list(retention.held(Customer.objects.get(id=ALICE)))
        (row,) = [one for one in rows if one["kind"] == "request"]
        self.assertEqual((row["action"], row["state"]), ("Request a call back", "accepted"))
        self.assertEqual(row["values"][0]["value"], CALL["phone"])

    def test_erased_alice_leaves_no_request_and_nothing_to_tell_of_her(self) -> None:
        bobs = self.talk(BOB)
        wish = Erasure.objects.create(customer=ALICE)
        tasks.erase(wish.id)
        self.assertFalse(ActionRequest.objects.exists())
        told = set(Delivery.objects.values_list("conversation", flat=True))
        self.assertEqual(told, {str(bobs.id)})
