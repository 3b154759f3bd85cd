"""Lessons for the reranker from what people taught: only with consent, and about nobody."""

import pytest

from chatbot.management.commands.reading_train import better
from chatbot.models import Case
from chatbot.teaching.lessons import lessons
from tests.chatbot.teaching.test_cases import CasesTestCase
from tests.fakes import ALICE


class LessonTests(CasesTestCase):
    def case(self, **values: object) -> Case:
        about = {"question": "Alice asks: how long to return goods?", "record": "article:returns"}
        return Case.objects.create(**about | {"inbox": self.inbox, "expect": [["30"]]} | values)

    def allow(self, learning: bool = True) -> None:
        self.inbox.learning = learning
        self.inbox.save()

    def test_the_records_line_with_the_fact_is_right(self) -> None:
        self.allow()
        self.case(customer_id=ALICE)
        [lesson] = lessons()
        [asked] = lesson.asked
        lines = [line for _, own in lesson.passages for line in own]
        self.assertEqual(
            [line for place, line in enumerate(lines) if place in asked.right][:1],
            ["You can return goods within 30 days. Refunds take 5 working days."],
        )
        self.assertEqual(asked.question, "[name] asks: how long to return goods?")

    def test_a_right_refusal_teaches_that_nothing_answers(self) -> None:
        self.allow()
        self.case(expect="refuse", record="")
        [lesson] = lessons()
        self.assertEqual(lesson.asked[0].right, frozenset())

    def test_without_consent_or_about_a_customers_own_record_there_is_none(self) -> None:
        self.case()
        self.assertEqual(list(lessons()), [])
        self.allow()
        Case.objects.all().delete()
        self.case(record="order:50001", expect=[["41.50"]], customer_id=ALICE)
        self.case(active=False)
        self.case(expect=[], question="no fact is known")
        self.case(before={"history": [["customer", "x"]]})
        self.assertEqual(list(lessons()), [])
        self.case()
        [lesson] = lessons()
        self.assertNotIn("Swift Parcel", str(lesson))


@pytest.mark.parametrize(
    ("before", "after", "is_better"),
    [
        ((0.6, 0.7), (0.7, 0.7), True),
        ((0.6, 0.7), (0.6, 0.8), False),
        ((0.6, 0.7), (0.9, 0.69), False),
    ],
)
def test_weights_serve_only_if_they_are_better_here_and_no_worse_elsewhere(
    before: tuple[float, float], after: tuple[float, float], is_better: bool
) -> None:
    assert better(before, after) is is_better
