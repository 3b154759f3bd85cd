"""A gap's questions are asked again with the drafts, one at a time, while customers come first."""

from datetime import timedelta
from typing import Any
from unittest import mock

from django.utils import timezone

from chatbot.engines import admission
from chatbot.gaps import asking
from chatbot.models import Gap, GapQuestion, Message, Reply
from crm.articles import editing
from crm.models import Article
from tests.chatbot.gaps.asked import asked
from tests.fakes import FakeModelsTestCase

GIFT = "Do you wrap gifts in paper?"


class Asking(FakeModelsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.gap = Gap.objects.create(label=GIFT)

    def question(self, text: str, **fields: Any) -> GapQuestion:
        message = asked(text, **fields)
        return GapQuestion.objects.create(
            gap=self.gap, message=message, why="refused", at=message.at
        )

    def ask_again(self) -> None:
        asking.start(self.gap)
        asking.ask_again(self.gap.pk)

    def test_a_draft_answers_before_it_is_published(self) -> None:
        question = self.question(GIFT)
        self.ask_again()
        question.refresh_from_db()
        assert asking.verdict(question) == "refused"
        text = "We wrap gifts in paper for 3 euros."
        editing.save(Article(title="Do you wrap gifts?", body=text))
        self.generator.answer = text
        self.ask_again()
        question.refresh_from_db()
        assert asking.verdict(question) == "answered"
        assert "3 euros" in question.after["answer"]
        assert asking.said(question) == "There is nothing about it in our records."
        self.gap.refresh_from_db()
        assert self.gap.lease_until is None

    def test_each_question_is_asked_as_its_own_customer(self) -> None:
        text = "Which carrier has my order 50001?"
        alices = self.question(text, customer="cust_alice")
        bobs = self.question(text, customer="cust_bob")
        self.generator.answer = "The carrier is Swift Parcel."
        self.ask_again()
        for question in (alices, bobs):
            question.refresh_from_db()
        assert "Swift Parcel" in alices.after["answer"]
        assert "Swift Parcel" not in bobs.after["answer"]
        assert asking.verdict(bobs) == "refused"

    def test_what_was_said_before_belongs_to_the_question(self) -> None:
        talk = asked("Where is my order?", "answered", customer="cust_alice").conversation
        message = Message.objects.create(
            conversation=talk, seq=3, author="customer", text="And its carrier?"
        )
        GapQuestion.objects.create(gap=self.gap, message=message, why="refused", at=message.at)
        with mock.patch("chatbot.gaps.asking.ask", side_effect=self.noted):
            self.ask_again()
        assert self.noted_call[:2] == ("And its carrier?", "cust_alice")
        assert self.noted_call[2]["talk"].history[0] == ("customer", "Where is my order?")
        assert (self.noted_call[2]["inbox"], self.noted_call[2]["drafts"]) == ("shop", True)

    async def noted(self, text: str, customer: str, **more: Any) -> dict[str, Any]:
        self.noted_call = (text, customer, more)
        return {"answer": "", "state": "refused"}

    def test_a_question_that_breaks_does_not_hold_up_the_next(self) -> None:
        for text in (GIFT, "Do you lend tents?"):
            self.question(text)
        with mock.patch("chatbot.gaps.asking.ask", side_effect=RuntimeError):
            self.ask_again()
        assert {asking.verdict(one) for one in self.gap.questions.all()} == {"could not be asked"}

    def test_stopping_keeps_the_answers_so_far(self) -> None:
        for text in (GIFT, "Do you lend tents?"):
            self.question(text)
        asking.start(self.gap)
        first = asking.next_of(self.gap.pk)
        second = self.gap.questions.exclude(pk=first.pk).get()
        asking.keep(first, {"answer": "Yes.", "state": "answered"})
        asking.stop(self.gap)
        asking.keep(second, {"answer": "No.", "state": "answered"})
        assert asking.next_of(self.gap.pk) is None
        assert [one.after for one in self.gap.questions.filter(pk=second.pk)] == [{}]

    def test_one_process_asks_and_another_takes_over_when_it_dies(self) -> None:
        self.question(GIFT)
        asking.start(self.gap)
        Gap.objects.update(lease_until=timezone.now() + timedelta(minutes=1))
        assert asking.go_on() == 0
        asking.ask_again(self.gap.pk)
        assert self.gap.questions.get().waiting
        Gap.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
        assert asking.go_on() == 1
        asking.ask_again(self.gap.pk)
        assert not self.gap.questions.get().waiting
        assert asking.go_on() == 0

    def test_customers_come_first(self) -> None:
        assert admission.idle_places()
        Reply.objects.filter(question=asked("When do you open?")).update(status="running")
        with self.settings(GENERATIONS=1):
            assert not admission.idle_places()
        with self.settings(GENERATIONS=2):
            assert not admission.idle_places()
        with self.settings(GENERATIONS=4):
            assert admission.idle_places()

    def test_only_better_answers_count(self) -> None:
        same = {"answer": "There is nothing about it in our records.", "state": "answered"}
        assert asking.verdict(GapQuestion(message=asked(GIFT), after=same)) == "the same answer"
        assert asking.all_answered(["answered", "", "offered an action"])
        for verdicts in ([], [""], ["answered", "refused"], ["answered", "waiting"]):
            assert not asking.all_answered(verdicts)
