"""Dora judges answers of the bot to Alice; they become test questions."""

from typing import Any
from unittest import mock

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.test import override_settings

from chatbot.conversation import customers, replies
from chatbot.models import Case, Conversation, Inbox, Message, TestResult, TestRun, Visitor
from chatbot.privacy import retention
from chatbot.teaching import cases, questions
from chatbot.wire.errors import Refused
from crm.articles import editing
from crm.customers import lifecycle
from crm.models import Article, Record
from tests.fakes import ALICE, BOB, FakeModelsTestCase

pytestmark = pytest.mark.services

SAID = "Order 50001 – Total: 41.50. Carrier: Swift Parcel."
CITED = [{"id": "order:50001", "title": "Order 50001"}]


class CasesTestCase(FakeModelsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.dora = User.objects.create_user("dora", first_name="Dora")
        self.inbox = Inbox.objects.create(key="shop", name="Shop")
        visitor = Visitor.objects.create(inbox=self.inbox, customer_id=ALICE)
        self.conversation = customers.conversation_of(visitor)

    def answered(
        self, question: str, said: str = SAID, state: str = "answered", cited: Any = CITED
    ) -> Message:
        number = Message.objects.count()
        customers.receive(self.conversation, f"m{number}", question)
        reply = replies.claim(self.conversation.replies.order_by("-id")[0].id, "test")
        assert reply
        assert replies.finish(reply, state, said, cited)
        return self.conversation.messages.get(author="bot", text=said)

    def teach(self, message: Message, verdict: str, **more: str) -> Case:
        return cases.teach(message, verdict, self.dora, **more)


class TeachTests(CasesTestCase):
    def test_a_right_answer_is_expected_with_its_facts_and_its_record(self) -> None:
        case = self.teach(self.answered("What did I pay, and who brings it?"), "right")
        self.assertEqual(
            (case.question, case.customer_id), ("What did I pay, and who brings it?", ALICE)
        )
        self.assertEqual((case.record, case.inbox, case.by), ("order:50001", self.inbox, self.dora))
        self.assertEqual(case.expect, [["Parcel"], ["41.50", "41.5"]])

    def test_a_refusal_that_is_right_is_expected_again(self) -> None:
        refused = self.answered("Who painted it?", "I don't have that on record.", "refused", [])
        self.assertEqual(self.teach(refused, "right").expect, "refuse")
        wrong = self.teach(refused, "wrong")
        self.assertEqual((wrong.expect, wrong.forbid), ("answered", []))

    def test_what_should_have_been_said_is_expected_and_the_last_word_counts(self) -> None:
        message = self.answered("How long may I return it?", "Within 3 days.")
        self.teach(message, "right")
        case = self.teach(message, "wrong", answer="Within 30 days.", record="article:returns")
        self.assertEqual(Case.objects.get(), case)
        self.assertEqual((case.expect, case.record), ([["30 days", "30"]], "article:returns"))
        case = self.teach(message, "wrong", record="article:returns")
        self.assertEqual((case.expect, case.forbid), ([], []))
        case = self.teach(message, "wrong")
        self.assertEqual((case.expect, case.forbid), ([], ["Within 3 days."]))
        cases.take_back(message)
        self.assertFalse(Case.objects.exists())

    def test_a_follow_up_is_kept_with_what_was_said_before(self) -> None:
        self.answered("What did I pay?")
        case = self.teach(self.answered("And who brings it?", "Swift Parcel."), "right")
        self.assertEqual(case.before["history"], [("customer", "What did I pay?"), ("bot", SAID)])
        case.refresh_from_db()
        talk = questions.talk_of(case.before)
        self.assertEqual(talk.cited, [("order:50001",)])
        self.assertEqual(talk.history[1], ("bot", SAID))

    def test_only_an_answer_of_the_bot_is_judged_and_only_as_right_or_wrong(self) -> None:
        message = self.answered("Where is it?")
        asked = self.conversation.messages.get(seq=1)
        for target, verdict in ((asked, "right"), (message, "splendid"), (message, "written")):
            with self.assertRaises(Refused):
                self.teach(target, verdict)
        with self.assertRaisesMessage(Refused, "at most 2000"):
            self.teach(message, "wrong", answer="x" * 2001)
        self.assertFalse(Case.objects.exists())

    def test_no_other_customers_record_can_be_named_or_is_offered(self) -> None:
        message = self.answered("Where is it?")
        for record in ("order:50002", "order:none", "articles/7", "articles/x"):
            with self.assertRaisesMessage(Refused, "no such record"):
                self.teach(message, "wrong", record=record)
        ids = [row["id"] for row in cases.offered("order", self.conversation)]
        self.assertEqual(ids, ["order:50001"])
        self.assertEqual(cases.offered("50002", self.conversation), [])

    def test_a_record_is_named_by_its_title_as_the_list_offers_it(self) -> None:
        message = self.answered("How long may I return it?", "Within 3 days.")
        [row] = cases.offered("returns", self.conversation)
        for named in (row["title"], "returns", row["id"], cases.with_id(row)):
            case = self.teach(message, "wrong", record=named)
            self.assertEqual(case.record, "article:returns")
        self.assertEqual(cases.titled(case.record), row["title"])
        again = Article(title="Returns")
        editing.save(again)
        with self.assertRaisesMessage(Refused, "Several records have that title"):
            self.teach(message, "wrong", record="returns")
        self.assertEqual(
            self.teach(message, "wrong", record="Returns (draft)").record, again.record
        )
        for hostile in ("(", " (x)", "[]", " [" * 300, "%", "\u200b"):
            with self.assertRaises(Refused):
                self.teach(message, "wrong", record=hostile)

    def test_a_draft_is_offered_and_an_article_for_another_inbox_is_not(self) -> None:
        draft, foreign = Article(title="Parking"), Article(title="Parking B", inboxes=["club"])
        editing.save(draft)
        editing.save(foreign)
        found = cases.offered("park", self.conversation)
        self.assertEqual(found, [{"id": draft.record, "title": "Parking (draft)"}])
        message = self.answered("Can I park?", "No.")
        self.assertEqual(self.teach(message, "wrong", record=draft.record).record, draft.record)

    def test_without_words_what_the_bot_has_read_is_offered(self) -> None:
        self.answered("Where is it?")
        passages = [{"id": "article:returns"}, {"id": "order:50002"}]
        self.conversation.replies.update(passages=passages)
        offered = cases.offered("", self.conversation)
        self.assertEqual([row["id"] for row in offered], ["article:returns"])

    def test_every_page_of_the_conversation_hears_of_it(self) -> None:
        message = self.answered("Where is it?")
        with (
            mock.patch("django.db.transaction.on_commit", lambda news: news()),
            mock.patch("chatbot.wire.hints.announce") as announced,
        ):
            self.teach(message, "right")
        self.assertEqual(announced.call_args.args[1]["taught"], message.seq)


class PrivacyTests(CasesTestCase):
    def test_a_question_goes_with_its_conversation_and_its_customer(self) -> None:
        case = self.teach(self.answered("Where is it?"), "right")
        run = TestRun.objects.create(name="x")
        TestResult.objects.create(run=run, customer_id=ALICE, asked={"question": "Where is it?"})
        Case.objects.create(question="Written by hand", customer_id=ALICE)
        other = Case.objects.create(question="Bob's", customer_id=BOB)
        lifecycle.erase(ALICE)
        self.assertEqual(list(Case.objects.all()), [other])
        # Nor in the log of who did what, which nobody can change.
        logged = LogEntry.objects.values_list("object_repr", "changes")
        self.assertNotIn("Where is it?", str(list(logged)))
        self.assertNotIn("order:50001", str(list(logged)))
        self.assertFalse(TestResult.objects.exists())
        self.assertFalse(Case.objects.filter(id=case.pk).exists())

    def test_after_a_merge_it_is_asked_as_the_customer_who_stays(self) -> None:
        case = self.teach(self.answered("Where is it?"), "right")
        lifecycle.merge(ALICE, BOB)
        case.refresh_from_db()
        self.assertEqual(case.customer_id, BOB)

    @override_settings(REDACT_AFTER_DAYS=1)
    def test_redaction_keeps_what_is_about_nobody(self) -> None:
        stranger = Visitor.objects.create(inbox=self.inbox)
        self.conversation = customers.conversation_of(stranger)
        general = self.teach(
            self.answered("How long may I return it?", "30 days.", cited=[]), "right"
        )
        personal = self.answered("I am at 5551234567, ring me", "No.", cited=[])
        self.teach(personal, "wrong")
        run = TestRun.objects.create(name="x")
        TestResult.objects.create(run=run, message=self.conversation.messages.get(seq=1))
        retention.redact_conversation(Conversation.objects.get(id=self.conversation.id))
        self.assertEqual(list(Case.objects.all()), [general])
        self.assertFalse(TestResult.objects.exists())
        personal.refresh_from_db()
        with self.assertRaisesMessage(Refused, "Personal data was removed"):
            self.teach(personal, "right")

    def test_alice_gets_to_know_what_is_kept_of_hers(self) -> None:
        self.teach(self.answered("Where is it?"), "right")
        held = retention.held(Record.objects.get(id="order:50001").customer)
        self.assertIn("test question", [row["kind"] for row in held])

    def test_so_is_what_somebody_asked_as_alice(self) -> None:
        Case.objects.create(question="Written by hand", customer_id=ALICE)
        run = TestRun.objects.create(name="Night")
        TestResult.objects.create(run=run, customer_id=ALICE, asked={"question": "Which total?"})
        kept = str(list(retention.held(Record.objects.get(id="order:50001").customer)))
        self.assertIn("Written by hand", kept)
        self.assertIn("Which total?", kept)
