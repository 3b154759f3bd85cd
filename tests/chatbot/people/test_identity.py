"""A customer is who their site's server says, and nobody by the browser's word."""

from datetime import timedelta

import jwt
import pytest
from django.test import TestCase, override_settings
from django.utils import timezone

from chatbot.models import Inbox, Visitor
from chatbot.people import identity
from chatbot.wire import limits
from tests.fakes import ALICE

pytestmark = pytest.mark.services


class SessionTests(TestCase):
    def setUp(self) -> None:
        limits.reset()
        self.inbox = Inbox.objects.create(key="shop", name="Shop", origins=["https://shop.example"])

    def post(self, data: object = None, inbox: str = "shop", **headers: str):  # type: ignore[no-untyped-def]
        return self.client.post(
            f"/api/inboxes/{inbox}/session/",
            {} if data is None else data,
            content_type="application/json",
            headers=headers,
        )

    def token(self, secret: str | None = None, algorithm: str = "HS256", **claims: object) -> str:
        good = {"sub": ALICE, "aud": "shop", "exp": timezone.now() + timedelta(minutes=5)}
        held = {name: value for name, value in (good | claims).items() if value is not None}
        return jwt.encode(held, self.inbox.secret if secret is None else secret, algorithm)

    def test_an_anonymous_visitor_gets_a_token_and_the_sockets_address(self) -> None:
        data = self.post().json()
        self.assertEqual(data["socket"], "ws://testserver/ws/chat/shop/")
        visitor = identity.visitor_of(data["token"], "shop")
        self.assertIsNone(visitor.customer)
        self.assertIn("expires_at", data)

    def test_alice_is_alice_when_her_shop_says_so_on_every_device(self) -> None:
        visitors = {
            identity.visitor_of(self.post({"identity": self.token()}).json()["token"], "shop").id
            for _ in range(2)
        }
        self.assertEqual(Visitor.objects.get(id=visitors.pop()).customer_id, ALICE)
        self.assertFalse(visitors)

    def test_an_identity_that_does_not_hold_is_refused_with_the_reason(self) -> None:
        wrong = {
            "another secret": self.token(secret="x" * 40),
            "another inbox": self.token(aud="other"),
            "no expiry": self.token(exp=None),
            "no customer": self.token(sub=None),
            "too long ahead": self.token(exp=timezone.now() + timedelta(hours=2)),
            "expired": self.token(exp=timezone.now() - timedelta(minutes=5)),
            "unsigned": jwt.encode({"sub": ALICE, "aud": "shop"}, "", "none"),
            "another algorithm": self.token(algorithm="HS512"),
            "no token": "nonsense",
        }
        for why, token in wrong.items():
            response = self.post({"identity": token})
            self.assertEqual(response.status_code, 403, why)
            self.assertEqual(response.headers["Content-Type"], "application/problem+json")
            self.assertIn("identity token", response.json()["detail"])
        self.assertFalse(Visitor.objects.exists())

    def test_the_customers_id_in_the_body_is_not_believed(self) -> None:
        token = self.post({"customer": ALICE, "sub": ALICE}).json()["token"]
        self.assertIsNone(identity.visitor_of(token, "shop").customer)

    def test_an_anonymous_visitor_goes_on_with_an_earlier_token(self) -> None:
        first = self.post().json()["token"]
        with override_settings(TOKEN_LIFETIME=-1):
            second = self.post({"token": first}).json()["token"]
        self.assertEqual(
            identity.visitor_of(first, "shop").id, identity.visitor_of(second, "shop").id
        )

    def test_alices_token_is_not_renewed_without_her_shop(self) -> None:
        hers = self.post({"identity": self.token()}).json()["token"]
        renewed = self.post({"token": hers}).json()["token"]
        self.assertIsNone(identity.visitor_of(renewed, "shop").customer)

    def test_a_site_that_is_not_on_the_list_gets_no_session(self) -> None:
        self.assertEqual(self.post(origin="https://evil.example").status_code, 403)
        allowed = self.post(origin="https://shop.example")
        self.assertEqual(allowed.headers["Access-Control-Allow-Origin"], "https://shop.example")
        self.assertEqual(self.post(origin="http://testserver").status_code, 200)

    def test_errors_are_problem_documents(self) -> None:
        for response, status in [
            (self.post(inbox="nowhere"), 404),
            (self.post({"identity": 7e400}), 400),
            (self.client.get("/api/inboxes/shop/session/"), 405),
            (self.client.post("/api/inboxes/shop/session/", "{", "application/json"), 400),
        ]:
            self.assertEqual(response.status_code, status)
            self.assertEqual(response.headers["Content-Type"], "application/problem+json")
            self.assertEqual(response.json()["status"], status)
            self.assertTrue(response.json()["title"])

    @override_settings(SESSIONS_PER_MINUTE=2)
    def test_too_many_sessions_are_told_when_to_come_back(self) -> None:
        responses = [self.post() for _ in range(3)]
        self.assertEqual(responses[-1].status_code, 429)
        self.assertGreater(responses[-1].json()["retry_after"], 0)
