"""The demo shop is loaded once, and nothing that somebody changed is put back."""

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any
from unittest import mock
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import TestCase, override_settings

from chatbot.models import Action, Inbox
from crm import signing
from crm.models import Customer, Endpoint, Record


def load() -> str:
    printed = StringIO()
    call_command("load_demo", stdout=printed)
    return printed.getvalue()


def load_all_but_records() -> None:
    with mock.patch("crm.demo.records", return_value=[]):
        load()


@override_settings(DEMO=True, HOST="127.0.0.1", PORT=8000)
class LoadDemoTests(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        with override_settings(DEMO=True, HOST="127.0.0.1", PORT=8000):
            load()

    def test_the_shop_has_customers_orders_and_knowledge(self) -> None:
        self.assertGreater(Customer.objects.exclude(name="").count(), 50)
        self.assertTrue(Record.objects.filter(customer=None).exists())

    def test_its_inbox_is_open_to_this_site(self) -> None:
        inbox = Inbox.objects.get(key="demo")
        self.assertEqual(inbox.origins, ["http://127.0.0.1:8000", "http://localhost:8000"])

    def test_the_second_time_nothing_is_new(self) -> None:
        secret = Inbox.objects.get(key="demo").secret
        self.assertIn(", 0 of them new", load())
        self.assertEqual(Inbox.objects.get(key="demo").secret, secret)

    def test_another_port_is_added_and_an_administrators_origin_stays(self) -> None:
        Inbox.objects.filter(key="demo").update(origins=["https://shop.example"])
        with override_settings(PORT=8001):
            load_all_but_records()
        origins = Inbox.objects.get(key="demo").origins
        self.assertEqual(origins[0], "https://shop.example")
        self.assertIn("http://localhost:8001", origins)

    def test_its_crm_carries_three_actions_out_and_moves_with_the_port(self) -> None:
        Action.objects.filter(key="call_back").update(name="Ring me")
        with override_settings(PORT=8001):
            load_all_but_records()
        names = set(Action.objects.values_list("name", flat=True))
        self.assertEqual(names, {"Ring me", "Open a return", "Change the delivery address"})
        endpoint = Endpoint.objects.get()
        self.assertEqual(endpoint.url, "http://127.0.0.1:8001/demo/crm/")
        self.assertEqual(endpoint.action_set.count(), 3)
        self.assertEqual(endpoint.events, ["action.requested"])

    def ask_crm(self, secret: str | None = None, **action: Any) -> Any:
        data = {"action": {"idempotency_key": str(uuid4()), "values": {}} | action}
        body = json.dumps({"type": "action.requested", "data": data}).encode()
        known = secret or Endpoint.objects.get().secrets[0]["secret"]
        headers = signing.sign("evt_1", datetime.now(UTC), body, [known])
        return self.client.post(
            "/demo/crm/", body, content_type="application/json", headers=headers
        )

    def test_its_crm_answers_to_what_is_signed(self) -> None:
        answer = self.ask_crm(key="call_back").json()
        self.assertEqual(answer["status"], "accepted")
        self.assertEqual(self.ask_crm(signing.new_secret(), key="call_back").status_code, 401)
        self.assertEqual(self.client.post("/demo/crm/").status_code, 401)
        with override_settings(DEMO=False):
            self.assertEqual(self.ask_crm(key="call_back").status_code, 404)

    def test_the_address_of_a_parcel_on_its_way_cannot_be_changed(self) -> None:
        orders = Record.objects.filter(kind="order")
        for shipped, status in [(False, "accepted"), (True, "refused")]:
            order = next(one for one in orders if bool(one.fields.get("shipped date")) == shipped)
            values = {"order": order.id, "street": "1 Quay", "town": "Cork"}
            answer = self.ask_crm(key="change_delivery_address", values=values).json()
            self.assertEqual(answer["status"], status)

    def test_the_agent_answers_customers_and_administers_nothing(self) -> None:
        agent = User.objects.get(username="agent")
        self.assertTrue(agent.is_staff)
        self.assertTrue(agent.has_perm("chatbot.view_conversation"))
        self.assertTrue(agent.has_perm("crm.view_record"))
        changes = {name for name in agent.get_all_permissions() if ".view_" not in name}
        self.assertEqual(
            changes, {"chatbot.change_conversation", "chatbot.add_correction", "chatbot.add_case"}
        )

    def test_a_changed_password_stays_changed(self) -> None:
        admin = User.objects.get(username="admin")
        admin.set_password("alice's own")
        admin.save()
        load_all_but_records()
        admin.refresh_from_db()
        self.assertTrue(admin.check_password("alice's own"))

    def test_without_demo_nobody_can_log_in(self) -> None:
        User.objects.all().delete()
        with override_settings(DEMO=False):
            load_all_but_records()
        self.assertFalse(User.objects.exists())
