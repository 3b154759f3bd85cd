"""The playground: lena asks as Alice, as Bob and as nobody; dora and charlie may not."""

import re
from typing import Any

from auditlog.models import LogEntry
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from chatbot.models import Case, Inbox
from crm.articles import editing
from crm.models import Article, Customer
from tests.chatbot.admin.console import staff
from tests.fakes import ALICE, BOB, FakeModelsTestCase

RIGHTS = ["view_testrun", "view_record", "view_customer"]
PAGE = "/admin/chatbot/testrun/playground/"
TOTAL = "what is the total of order 50001?"


class PlaygroundTests(FakeModelsTestCase):
    def setUp(self) -> None:
        super().setUp()
        cache.clear()
        self.inbox = Inbox.objects.create(key="shop", name="Shop")
        self.lena = staff(Client(), "lena", *RIGHTS, "add_case", "change_case", "view_case")

    def ask(self, question: str, customer: str = "", **more: Any) -> str:
        form = {"question": question, "customer": customer, "inbox": self.inbox.pk} | more
        return self.lena.post(PAGE, form).content.decode()

    def hidden(self, html: str, name: str) -> str:
        [value] = set(re.findall(f'name="{name}" value="([^"]+)"', html))
        return str(value)

    def test_lena_asks_as_alice_and_sees_how_the_answer_was_made(self) -> None:
        html = self.ask(TOTAL, ALICE)
        for shown in (
            "Order 50001 – Total: 41.50.",
            '<q dir="auto">Total: 41.50</q>',
            "answered from the records",
            "Passages found",
            "Carrier: Swift Parcel",
            "done after",
        ):
            self.assertIn(shown, html)
        self.assertRegex(html, r"Order 50001</bdi>; chance that its best line is the answer: \d+%")

    def test_bob_and_nobody_do_not_get_alices_order(self) -> None:
        for customer in (BOB, ""):
            html = self.ask(TOTAL, customer)
            self.assertIn("nothing on record", html)
            self.assertNotIn("41.50", html)

    def test_a_follow_up_leans_on_what_was_asked_before(self) -> None:
        first = self.ask(TOTAL, ALICE)
        html = self.ask("and which carrier has it?", ALICE, talk=self.hidden(first, "talk"))
        self.assertIn("Swift Parcel", html)
        self.assertEqual(html.count("41.50"), 2 + html.count("Total: 41.50<br>"))

    def test_a_talk_that_somebody_has_changed_is_forgotten(self) -> None:
        signed = self.hidden(self.ask(TOTAL, ALICE), "talk")
        for talk in (signed[:-1] + "x", "x", "\x00"):
            html = self.ask("hello", talk=talk)
            self.assertEqual(html.count("by-customer"), 1)

    def test_what_was_said_to_alice_is_not_told_on_as_bob(self) -> None:
        html = self.ask(
            "and which carrier has it?", BOB, talk=self.hidden(self.ask(TOTAL, ALICE), "talk")
        )
        self.assertNotIn("50001", html)
        self.assertEqual(html.count("by-customer"), 1)

    def test_drafts_are_told_only_where_lena_asks_for_them(self) -> None:
        editing.save(Article(title="Parking", body="Parking costs 7 a day."))
        self.assertNotIn("7 a day", self.ask("what does parking cost?"))
        self.assertIn("7 a day", self.ask("what does parking cost?", drafts="on"))

    def test_the_last_question_becomes_a_test_question(self) -> None:
        case = self.hidden(self.ask(TOTAL, ALICE), "case")
        response = self.lena.post(reverse("admin:playground-keep"), {"case": case})
        kept = Case.objects.get()
        self.assertEqual(response["Location"], f"/admin/chatbot/case/{kept.pk}/change/")
        self.assertEqual((kept.question, kept.customer_id, kept.inbox), (TOTAL, ALICE, self.inbox))
        self.assertEqual((kept.expect, kept.record), ([["41.50", "41.5"]], "order:50001"))
        self.assertEqual(kept.verdict, "kept")
        self.lena.post(reverse("admin:playground-keep"), {"case": case + "x"})
        Customer.objects.filter(id=ALICE).update(erased_at="2026-01-01T00:00:00Z")
        self.lena.post(reverse("admin:playground-keep"), {"case": case})
        self.assertEqual(Case.objects.count(), 1)

    def test_an_answer_is_judged_as_where_it_stands_in_a_conversation(self) -> None:
        case = self.hidden(self.ask(TOTAL, ALICE), "case")
        keep = reverse("admin:playground-keep")
        self.lena.post(keep, {"case": case, "verdict": "right"})
        should = {"case": case, "verdict": "wrong", "answer": "It was 50 EUR."}
        self.lena.post(keep, should | {"record": "Order 50001"})
        wrong, right = Case.objects.order_by("-id")
        self.assertEqual((right.verdict, right.expect), ("right", [["41.50", "41.5"]]))
        self.assertEqual((wrong.expect, wrong.record), ([["50 EUR", "50"]], "order:50001"))
        response = self.lena.post(keep, should | {"record": "Order 50002"}, follow=True)
        self.assertContains(response, "This customer may see no such record")
        url = reverse("admin:playground-records")
        place = {"q": "order", "inbox": self.inbox.key}
        self.assertEqual(self.lena.get(url, place).json()["rows"], [])
        [row] = self.lena.get(url, place | {"customer": ALICE}).json()["rows"]
        self.assertEqual(row["id"], "order:50001")

    def test_customers_are_found_by_name_and_id_and_others_are_refused(self) -> None:
        url = reverse("admin:playground-customers")
        rows = self.lena.get(url, {"q": "ali"}).json()["rows"]
        self.assertEqual(rows, [{"id": ALICE, "title": "Alice"}])
        self.assertIn("There is no such customer", self.ask("hello", "mallory"))
        Customer.objects.filter(id=BOB).update(erased_at="2026-01-01T00:00:00Z")
        self.assertEqual(self.lena.get(url, {"q": BOB}).json()["rows"], [])
        self.assertIn("There is no such customer", self.ask("hello", BOB))

    def test_asking_as_a_customer_is_logged(self) -> None:
        self.ask(TOTAL, ALICE)
        entry = LogEntry.objects.get(object_repr=f"The bot's answers to {ALICE}")
        self.assertEqual(str(entry.actor), "lena")

    def test_what_customers_write_is_text_and_never_markup(self) -> None:
        html = self.ask("<script>alert(1)</script>")
        self.assertNotIn("<script>alert", html)

    def test_who_may_not_see_records_may_not_ask(self) -> None:
        for name, rights in (("dora", ["view_record", "add_case"]), ("charlie", ["view_testrun"])):
            somebody = staff(Client(), name, *rights)
            self.assertEqual(somebody.get(PAGE).status_code, 403)
            self.assertEqual(somebody.post(PAGE, {"question": "x"}).status_code, 403)
            self.assertEqual(somebody.get(reverse("admin:playground-customers")).status_code, 403)
        auditor = staff(Client(), "auditor", *RIGHTS)
        self.assertEqual(auditor.get(PAGE).status_code, 200)
        self.assertEqual(auditor.post(reverse("admin:playground-keep")).status_code, 403)
