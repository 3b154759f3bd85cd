"""Test runs: asked in the background, behind the customers, live and with the drafts."""

import json
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from chatbot.engines import admission
from chatbot.models import Case, Reply, TestResult, TestRun
from chatbot.teaching import fall, judging, nightly, questions, results, runs
from crm.articles import editing
from crm.models import Article, Record
from inference.index import IndexUnavailable
from tests.chatbot.teaching.test_cases import CasesTestCase
from tests.fakes import ALICE, BOB

pytestmark = pytest.mark.services

QUESTION = "within how many days can I return goods?"


def answer(said: str, state: str = "answered", *cited: str, **more: Any) -> dict[str, Any]:
    citations = [{"id": id, "title": id} for id in cited]
    blank = {"withheld": [], "timings": {}, "usage": {}}
    return {"answer": said, "state": state, "citations": citations} | blank | more


@pytest.mark.parametrize(
    ("asked", "given", "outcome"),
    [
        ({"expect": [["30"]]}, answer("30 days."), "right"),
        ({"expect": [["30"]], "record": "a"}, answer("30 days.", "answered", "b"), "right"),
        ({"expect": [["30"]], "record": "a"}, answer("14 days.", "answered", "a"), "wrong"),
        ({"expect": [], "record": "a"}, answer("14 days.", "answered", "a"), "right"),
        ({"expect": [], "record": "a"}, answer("14 days.", "answered", "b"), "wrong"),
        ({"expect": [["30"]]}, answer("No idea.", "refused"), "refused"),
        ({"expect": [["30"]]}, answer("Not on record. Closest: 30 days.", "refused"), "refused"),
        ({"expect": [["30"]]}, answer("A colleague …", "handoff"), "handed off"),
        ({"expect": "refuse"}, answer("No idea.", "refused"), "right"),
        ({"expect": "refuse"}, answer("30 days."), "wrong"),
        ({"expect": "answered"}, answer("30 days."), "right"),
        ({"forbid": ["14 days."]}, answer("It is 14 days."), "wrong"),
        ({"forbid": ["14 days."]}, answer("It is 30 days."), "right"),
        ({"forbid": ["14 days."]}, answer("No idea.", "refused"), "refused"),
        ({}, answer("30 days."), "answered"),
        ({}, answer("No idea.", "refused"), "refused"),
        ({"expect": [["30"]]}, answer("", error="The model is away."), "failed"),
    ],
)
def test_an_answer_is_judged_by_its_facts_and_else_by_its_source(
    asked: dict[str, Any], given: dict[str, Any], outcome: str
) -> None:
    assert judging.outcome(asked, given) == outcome


def test_other_words_are_the_same_answer_and_another_figure_is_not() -> None:
    def side(text: str, state: str = "answered") -> dict[str, Any]:
        return {"answer": text, "state": state}

    assert judging.same(side("Within 30 days."), side("You have 30 days."))
    assert not judging.same(side("Within 30 days."), side("Within 14 days."))
    assert not judging.same(side("Yes."), side("No."))
    assert not judging.same(side("No."), side("No.", "refused"))


class RunsTestCase(CasesTestCase):
    def run_of(self, *asked: dict[str, Any], customer: str = ALICE, **more: Any) -> TestRun:
        rows = [TestResult(customer_id=customer, asked=one) for one in asked]
        return runs.start("Try", rows, self.dora, **more)

    def work(self, run: TestRun) -> TestRun:
        # A pause would only wait for a customer whom no test has.
        with mock.patch("chatbot.teaching.runs.LOOKS_EVERY", 0.0):
            async_to_sync(runs.work)(run.pk)
        run.refresh_from_db()
        return run


class WorkTests(RunsTestCase):
    def test_both_sides_are_asked_judged_and_counted(self) -> None:
        article = Article(title="Returns of goods", body="Goods can be returned within 14 days.")
        editing.save(article)
        right = {"question": QUESTION, "expect": [["30"]]}
        run = self.work(self.run_of(right, {"question": "hello"}, with_drafts=True))
        self.assertEqual((run.state, run.done, run.total), ("done", 2, 2))
        self.assertEqual(run.figures["live"]["right"], 1)
        self.assertEqual(run.figures["live"]["answered"], 1)
        row = run.results.first()
        assert row
        self.assertIn("30 days", row.live["answer"])
        self.assertEqual([one["id"] for one in row.live["citations"]], ["article:returns"])
        self.assertIn("14 days", row.draft["answer"])
        self.assertEqual(run.figures["changed"], 1)

    def test_without_drafts_only_what_is_live_is_asked(self) -> None:
        run = self.work(self.run_of({"question": QUESTION}, with_drafts=True))
        self.assertEqual((run.drafts, run.results.get().draft), (False, {}))
        self.assertNotIn("draft", run.figures)

    def test_bobs_question_does_not_reach_alices_order(self) -> None:
        asked = {"question": "what is the total of order 50001?", "expect": [["41.50"]]}
        run = self.work(self.run_of(asked, customer=BOB))
        self.assertEqual(run.figures["live"]["refused"], 1)
        run = self.work(self.run_of(asked, customer=ALICE))
        self.assertEqual(run.figures["live"]["right"], 1)

    def test_a_run_that_another_process_holds_is_left_alone_until_its_lease_ends(self) -> None:
        run = self.run_of({"question": QUESTION})
        assert runs.claim(run.pk)
        self.assertIsNone(runs.claim(run.pk))
        self.assertEqual(self.work(run).done, 0)
        self.assertEqual(runs.open_runs(), [])
        TestRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        self.assertEqual(runs.open_runs(), [run.pk])
        self.assertEqual(self.work(run).state, "done")

    def test_after_its_time_the_run_goes_on_from_the_next_question(self) -> None:
        run = self.run_of({"question": QUESTION}, {"question": QUESTION})
        with mock.patch("chatbot.teaching.runs.SLICE", -1.0):
            self.assertEqual((self.work(run).state, run.lease_until), ("running", None))
        TestResult.objects.filter(id=run.results.all()[0].pk).update(live={"outcome": "right"})
        with mock.patch("chatbot.teaching.runs.side", wraps=judging.side) as asked:
            self.work(run)
        self.assertEqual(asked.call_count, 1)

    def test_dora_cancels_a_run_that_waits_and_one_that_is_at_work(self) -> None:
        waiting = self.run_of({"question": QUESTION})
        runs.cancel(waiting)
        waiting.refresh_from_db()
        self.assertEqual(waiting.state, "cancelled")
        at_work = self.run_of({"question": QUESTION})
        claimed = runs.claim(at_work.pk)
        assert claimed
        runs.cancel(at_work)
        self.assertIsNone(runs.next_questions(claimed))
        at_work.refresh_from_db()
        self.assertEqual((at_work.state, at_work.done), ("cancelled", 0))
        runs.cancel(at_work)

    def test_a_question_that_cannot_be_asked_fails_alone(self) -> None:
        run = self.run_of({"question": QUESTION, "before": {"history": 7}}, {"question": QUESTION})
        self.assertEqual(self.work(run).figures["live"]["failed"], 1)
        self.assertEqual(run.figures["live"]["answered"], 1)

    def test_without_an_index_the_run_fails_with_the_reason(self) -> None:
        run = self.run_of({"question": QUESTION})
        away = IndexUnavailable("The index is away.")
        with mock.patch("chatbot.teaching.judging.ask", side_effect=away):
            self.assertEqual(self.work(run).state, "failed")
        self.assertEqual(run.reason, "The index is away.")

    def test_a_question_that_was_erased_meanwhile_is_not_counted(self) -> None:
        run = self.run_of({"question": QUESTION})
        row = run.results.get()
        TestResult.objects.all().delete()
        runs.keep(run, row)
        self.assertEqual(self.work(run).done, 0)

    def test_a_worker_whose_lease_has_passed_to_another_one_leaves_the_run_alone(self) -> None:
        late = runs.claim(self.run_of({"question": QUESTION}).pk)
        assert late
        TestRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        other = runs.claim(late.pk)
        assert other
        row = late.results.get()
        row.live = {"answer": "", "outcome": "right", "state": "", "citations": []}
        runs.keep(other, row)
        runs.keep(late, row)
        self.assertIsNone(runs.next_questions(late))
        runs.end(late, runs.State.FAILED)
        late.refresh_from_db()
        self.assertEqual((late.state, late.done), ("running", 1))
        TestRun.objects.all().delete()
        self.assertIsNone(runs.next_questions(other))


class IdleTests(RunsTestCase):
    def busy(self, count: int) -> None:
        Reply.objects.all().delete()
        for number in range(count):
            message = self.conversation.messages.create(seq=number + 1, author="customer", text="x")
            Reply.objects.create(conversation=self.conversation, question=message)
        self.addCleanup(self.conversation.messages.all().delete)

    def test_customers_come_first_and_one_place_stays_free_for_the_next(self) -> None:
        self.assertEqual(admission.idle_places(), 1)
        self.busy(1)
        self.assertEqual(admission.idle_places(), 0)
        with override_settings(GENERATIONS=1):
            self.assertEqual(admission.idle_places(), 0)
        with override_settings(GENERATIONS=4):
            self.assertEqual(admission.idle_places(), 2)
        with override_settings(GENERATIONS=32):
            run = runs.claim(self.run_of(*[{"question": QUESTION}] * 9).pk)
            assert run
            self.assertEqual(len(runs.next_questions(run) or []), runs.AT_ONCE)

    def test_while_customers_take_all_places_nothing_is_asked_and_the_lease_is_renewed(
        self,
    ) -> None:
        run = runs.claim(self.run_of({"question": QUESTION}).pk)
        assert run
        self.busy(5)
        before = run.lease_until
        self.assertEqual(runs.next_questions(run), [])
        run.refresh_from_db()
        self.assertGreater(run.lease_until, before)


class QuestionsTests(RunsTestCase):
    def test_last_weeks_questions_are_asked_again_as_they_were(self) -> None:
        self.answered("What did I pay?")
        self.answered("And who brings it?", "Swift Parcel.")
        self.answered("hello", "Hello!", "chat", [])
        since = timezone.now() - timedelta(days=7)
        newest, first = questions.asked_since(since)
        self.assertEqual(newest.asked["before"]["history"][0], ("customer", "What did I pay?"))
        self.assertEqual((first.asked["question"], first.customer_id), ("What did I pay?", ALICE))
        self.assertEqual(list(questions.asked_since(timezone.now())), [])
        run = self.work(runs.start("Week", [first]))
        self.assertEqual(run.results.get().message, self.conversation.messages.get(seq=1))

    def test_an_order_that_has_moved_on_must_only_be_cited(self) -> None:
        case = self.teach(self.answered("What did I pay?"), "right")
        self.assertEqual(questions.as_asked(case)["expect"], case.expect)
        Record.objects.update(updated_at=timezone.now() + timedelta(seconds=1))
        self.assertEqual(questions.as_asked(case)["expect"], [])
        Record.objects.update(customer=None)
        self.assertEqual(questions.as_asked(case)["expect"], case.expect)

    def test_a_case_that_is_switched_off_is_not_asked(self) -> None:
        Case.objects.create(question="Old", active=False)
        self.assertEqual(list(questions.active_cases()), [])


class NightTests(RunsTestCase):
    def night(self, **outcomes: str) -> TestRun:
        run = TestRun.objects.create(name="Night", nightly=True, state="running", drafts=False)
        for question, outcome in outcomes.items():
            case, _ = Case.objects.get_or_create(question=question)
            live = {"outcome": outcome, "answer": "", "state": ""}
            TestResult.objects.create(run=run, case=case, live=live)
        runs.finish(run)
        run.refresh_from_db()
        return run

    def test_a_fall_is_told_to_the_leads_and_in_the_sidebar(self) -> None:
        self.night(a="right", b="right", c="refused")
        self.assertFalse(fall.fallen())
        with (
            mock.patch("crm.plumbing.background.later") as later,
            self.assertLogs("attune.teaching", "WARNING"),
        ):
            run = self.night(a="right", b="wrong", c="refused", d="wrong")
        self.assertEqual(run.figures["fell"], 33.3)
        self.assertEqual(run.reason, "The share of right answers fell from 67% to 33% overnight.")
        self.assertTrue(fall.fallen())
        User.objects.create_superuser("lena", "lena@shop.example")
        User.objects.create_user("emil", "emil@shop.example")
        fall.mail_fall(*later.call_args.args[1:])
        [sent] = mail.outbox
        self.assertEqual(sent.to, ["lena@shop.example"])
        self.assertIn(f"/admin/chatbot/testrun/{run.pk}/change/", sent.body)

    def test_new_questions_that_fail_are_no_fall_and_neither_is_one_in_thirty(self) -> None:
        many = {f"q{number}": "right" for number in range(30)}
        self.night(**many)
        self.assertEqual(self.night(**many | {"q0": "wrong"}, new="wrong").reason, "")
        self.assertFalse(fall.fallen())

    def test_every_night_has_one_run_and_old_ones_go(self) -> None:
        Case.objects.create(question=QUESTION, expect=[["30"]])
        zone = timezone.get_current_timezone()

        def at(*moment: int) -> None:
            now = datetime(*moment, tzinfo=zone)  # type: ignore[misc, arg-type]
            before = list(TestRun.objects.values_list("id", flat=True))
            with mock.patch("django.utils.timezone.now", return_value=now):
                nightly.ask_nightly()
            # The field's default is the clock itself, which the patch does not reach.
            TestRun.objects.exclude(id__in=before).update(at=now)

        at(2026, 11, 29, 15)
        self.assertFalse(TestRun.objects.exists())
        at(2026, 11, 29, 2)
        at(2026, 11, 29, 3)
        self.assertEqual(TestRun.objects.get().name, "Night of 29 November 2026")
        with mock.patch("chatbot.teaching.nightly.KEPT", 1):
            at(2026, 11, 30, 2)
        self.assertEqual(TestRun.objects.get().name, "Night of 30 November 2026")

    def test_without_questions_there_is_no_run(self) -> None:
        with mock.patch("chatbot.teaching.nightly.NIGHT", range(24)):
            nightly.ask_nightly()
        self.assertFalse(TestRun.objects.exists())


class ResultTests(RunsTestCase):
    def test_what_the_drafts_make_wrong_is_found(self) -> None:
        run = TestRun.objects.create(name="x")
        for live, draft in (("right", "wrong"), ("right", "right"), ("wrong", "right")):
            sides = {"live": {"outcome": live}, "draft": {"outcome": draft}}
            TestResult.objects.create(run=run, **sides)
        self.assertEqual([row.live["outcome"] for row in results.worse(run)], ["right"])
        self.assertEqual(json.dumps(results.share(["right", "refused", "answered"])), "0.5")
