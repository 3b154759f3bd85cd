"""Questions with one meaning are in one gap, which keeps its identity; an example names it."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from chatbot.gaps.grouping import clusters
from chatbot.gaps.updating import update_gaps
from chatbot.models import Conversation, Gap, GapQuestion, Message, Reply
from chatbot.models.forgetting import Erasure
from chatbot.privacy import retention
from crm.models import Customer
from tests.chatbot.gaps.asked import asked
from tests.fakes import FakeModelsTestCase, fake_index

GIFT, GIFTS = "Do you wrap gifts?", "Do you wrap gifts with paper?"
NORWAY = "Do you deliver parcels to Norway?"


class Grouping(FakeModelsTestCase):
    def gap_of(self, text: str) -> Gap:
        gap = GapQuestion.objects.get(message__text=text).gap
        assert gap
        return gap

    def test_questions_with_one_meaning_share_a_gap(self) -> None:
        for text in (GIFT, GIFTS, NORWAY):
            asked(text)
        update_gaps()
        assert self.gap_of(GIFT) == self.gap_of(GIFTS) != self.gap_of(NORWAY)
        assert sorted(Gap.objects.values_list("count", flat=True)) == [1, 2]

    def test_new_questions_join_the_gap_and_leave_its_state_and_article(self) -> None:
        asked(GIFT)
        update_gaps()
        ignored = self.gap_of(GIFT)
        Gap.objects.update(state="ignored")
        asked(GIFTS)
        update_gaps()
        gap = self.gap_of(GIFTS)
        assert gap == ignored
        assert (gap.state, gap.count) == ("ignored", 2)

    def test_a_closed_gap_opens_again_only_for_questions_that_came_later(self) -> None:
        asked(GIFT, days=3)
        update_gaps()
        gap = self.gap_of(GIFT)
        Gap.objects.update(state="closed", closed_at=timezone.now() - timedelta(days=1))
        asked(GIFTS, days=2)
        update_gaps()
        gap.refresh_from_db()
        assert gap.state == "closed"
        asked(f"Please: {GIFTS}")
        update_gaps()
        gap.refresh_from_db()
        assert (gap.state, gap.closed_at, gap.count) == ("open", None, 3)

    def test_the_counts_say_how_the_weeks_compare(self) -> None:
        for days in (1, 2, 8, 20):
            asked(GIFT, days=days)
        update_gaps()
        gap = Gap.objects.get()
        assert (gap.count, gap.last_week, gap.week_before) == (4, 2, 1)
        assert round((gap.last_at - gap.first_at) / timedelta(days=1)) == 19

    def test_the_label_is_the_question_in_the_middle_and_the_nearest_record_is_shared(self) -> None:
        for text in (
            "Where can I return torn goods?",
            "Can I return goods?",
            "May I return used goods?",
        ):
            asked(text)
        update_gaps()
        gap = Gap.objects.get()
        assert gap.label == "Can I return goods?"
        assert gap.nearest == "article:returns"

    def test_no_record_of_alice_comes_near(self) -> None:
        asked("Which carrier is Swift Parcel, for order 50001?", customer="cust_alice")
        update_gaps()
        assert Gap.objects.get().nearest in {"", "article:returns"}

    def test_a_label_has_no_personal_data(self) -> None:
        Customer.objects.filter(id="cust_alice").update(name="Alice Archer")
        asked("Can Alice Archer get mail at alice@example.com?", customer="cust_alice")
        update_gaps()
        assert Gap.objects.get().label == "Can [name] get mail at [email]?"


class Forgetting(FakeModelsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.alices = asked(GIFT, customer="cust_alice")
        self.bobs = asked(GIFTS, customer="cust_bob")
        update_gaps()

    def test_alices_words_do_not_outlive_her(self) -> None:
        Gap.objects.update(label=GIFT)
        retention.erase(Erasure.objects.create(customer="cust_alice"))
        gap = Gap.objects.get()
        assert gap.label == ""
        update_gaps()
        gap.refresh_from_db()
        assert (gap.label, gap.count) == (GIFTS, 1)

    def test_a_gap_without_questions_goes(self) -> None:
        Conversation.objects.all().delete()
        assert Gap.objects.get().label == ""
        update_gaps()
        assert not Gap.objects.exists()

    def test_redaction_leaves_neither_vector_nor_answers(self) -> None:
        GapQuestion.objects.update(after={"answer": "Yes, Alice.", "state": "answered"})
        before = GapQuestion.objects.get(message=self.alices).vector
        self.alices.text = f"{GIFT} I am at alice@example.com"
        self.alices.save()
        retention.redact_conversation(self.alices.conversation)
        question = GapQuestion.objects.get(message=self.alices)
        assert (question.after, bytes(question.vector), question.encoder) == ({}, b"", "")
        assert GapQuestion.objects.get(message=self.bobs).after
        assert Gap.objects.get().label == ""
        update_gaps()
        question.refresh_from_db()
        assert bytes(question.vector) not in {b"", bytes(before)}
        assert "alice@" not in Gap.objects.get().label


@pytest.mark.slow
def test_two_thousand_questions_are_grouped() -> None:
    """Of 40 subjects, each a direction with noise around it."""
    chance = np.random.default_rng(7)
    subjects = np.repeat(np.arange(40), 50)
    vectors = np.eye(40, 384, dtype=np.float32)[subjects]
    vectors += chance.normal(0, 0.03, vectors.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    groups = list(clusters(vectors))
    assert sorted(map(len, groups)) == [50] * 40
    assert all(len(set(subjects[rows])) == 1 for rows in groups)


@pytest.mark.slow
@pytest.mark.django_db
def test_two_thousand_customers_ask() -> None:
    """In one conversation, which is quicker to make."""
    talk = asked("Do you wrap gifts?").conversation
    words = "wrap pack send lend mend rent hide dye".split()
    said = (f"Do you {words[number % 8]} item number{number % 7}?" for number in range(2_000))
    messages = [
        Message(conversation=talk, seq=seq, author="customer", text=text)
        for seq, text in enumerate(said, start=3)
    ]
    Reply.objects.bulk_create(
        Reply(conversation=talk, question=message, status="done", state="refused")
        for message in Message.objects.bulk_create(messages)
    )
    with fake_index():
        assert update_gaps() == 2_001
    assert sum(Gap.objects.values_list("count", flat=True)) == 2_001
    assert 8 <= Gap.objects.count() <= 57
