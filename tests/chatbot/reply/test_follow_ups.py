"""A follow-up is about what the last answers rest on."""

from contextlib import nullcontext
from datetime import date
from unittest import mock

from chatbot.engines import kinds
from chatbot.reply.answer import turn_after
from chatbot.reply.from_records import FromRecords
from chatbot.reply.retrieve import depends, leanings, query, refers, retrieve
from chatbot.reply.tier import Policy
from chatbot.reply.turn import Outcome, Turn
from crm.knowledge.records import import_records
from crm.models import RecordKind
from crm.plumbing.threads import in_thread
from tests.fakes import ALICE, BOB, FakeModelsTestCase, FakeReranker, outcome_of

SAID = (("customer", "when was my tent shipped?"), ("bot", "Order 1 – Shipped: 3 November 2026."))


def test_a_message_leans_on_what_was_said_only_after_something_was() -> None:
    assert not refers(Turn("and when does it come?", ALICE))
    assert refers(Turn("and when does it come?", ALICE, history=SAID))
    assert refers(Turn("why??", ALICE, history=SAID))
    assert refers(
        Turn("what about the weight of the blue", ALICE, SAID, intents=frozenset({"back"}))
    )
    assert not refers(Turn("when do you open on Saturdays in May", ALICE, history=SAID))
    assert refers(Turn("how long will this be in the post", ALICE, history=SAID))
    for day in ("this saturday", "this coming week", "these mornings"):
        assert not refers(Turn(f"are you open to visitors {day}", ALICE, history=SAID)), day


def test_a_further_question_of_a_message_leans_on_the_one_before() -> None:
    assert refers(Turn("who brings the tents to the door", ALICE, history=SAID, is_further=True))
    assert not refers(Turn("who brings the tents to the door", ALICE, history=SAID))


def test_a_further_question_leans_on_the_answer_to_the_one_before_it() -> None:
    asked = Turn("is it wrapped?", ALICE, cited=(("order:71",),))
    answered = turn_after(asked, ["order:72"], ["No."])
    assert answered.history == (("customer", "is it wrapped?"), ("bot", "No."))
    assert leanings(answered)["order:72"] > leanings(answered)["order:71"] > 0
    unanswered = turn_after(asked, [], [])
    assert unanswered.history == (("customer", "is it wrapped?"),)
    assert unanswered.cited == asked.cited and unanswered.is_further
    assert leanings(Turn("when do you open on Saturdays in May", ALICE, SAID, asked.cited)) == {}


class FollowUpTests(FakeModelsTestCase):
    def orders(self) -> None:
        for number, carrier in ((71, "Swift Parcel"), (72, "Northline")):
            row = {"id": f"order:{number}", "kind": "order", "customer": ALICE}
            about = {"title": f"Order {number}", "fields": {"carrier": carrier}}
            import_records([row | about | {"updated_at": "2026-11-01T00:00:00Z"}])

    def test_it_is_the_record_of_the_last_answer(self) -> None:
        self.orders()
        for cited, carrier in (("order:71", "Swift Parcel"), ("order:72", "Northline")):
            turn = Turn("and which carrier has it?", ALICE, SAID, cited=((cited,),))
            assert retrieve(turn).lines[0].text == f"Carrier: {carrier}"

    async def test_a_further_question_is_about_what_the_first_answer_was_about(self) -> None:
        for number, carrier in ((71, "Swift Parcel"), (72, "Northline")):
            row = {"id": f"order:{number}", "kind": "order", "customer": ALICE}
            fields = {"status": "sent", "carrier": carrier, "item": f"tent {number}"}
            about = {"title": f"Order {number}", "fields": fields}
            row |= about | {"updated_at": "2026-11-01T00:00:00Z"}
            await in_thread(import_records, [row])
        text = "what is the status of order 71? which carrier brings the parcel to us?"
        self.generator.answer = "The carrier is Swift Parcel."
        outcome = await outcome_of(Turn(text, ALICE))
        self.assertIn("Swift Parcel", outcome.answer)
        said = [message["content"] for message in self.generator.prompts[-1]]
        self.assertIn("what is the status of order 71?", said[-3])
        self.assertIn("sent", said[-2])

    async def test_a_status_that_was_read_is_shown_with_the_day_once(self) -> None:
        kinds.forget()
        self.addCleanup(kinds.forget)
        meant = {"status": "status", "expected_date": "expected", "open_statuses": ["sent"]}
        await in_thread(RecordKind.objects.update_or_create, name="order", defaults=meant)
        fields = {"status": "sent", "expected": "2026-12-03", "item": "tent"}
        row = {"id": "order:71", "kind": "order", "customer": ALICE, "title": "Order 71"}
        row |= {"fields": fields, "updated_at": "2026-11-01T00:00:00Z"}
        await in_thread(import_records, [row])
        self.generator.answer = "The status is sent."
        text = "what is the status of order 71? and the status of order 71 again?"
        outcome = await outcome_of(Turn(text, ALICE, today=date(2026, 11, 29)))
        day = "Expected: 3 December 2026"
        self.assertEqual(outcome.answer.count(day), 1, outcome.answer)
        self.assertIn(day, str(outcome.citations))

    def test_a_further_question_uses_the_earlier_number_only_if_its_words_refer_to_it(self) -> None:
        asked = (("customer", "where is order 10436?"),)
        text = "when does my tuner come to the flat"
        assert query(Turn(text, ALICE, asked, is_further=True)) == text
        assert not depends(Turn(text, ALICE, asked, is_further=True))
        assert query(Turn("when does it come to the flat", ALICE, asked)).endswith("10436")

    def test_a_record_that_was_told_ranks_higher_and_is_no_likelier_to_answer(self) -> None:
        self.orders()
        text = "and which carrier has it?"
        found = {
            cited: retrieve(Turn(text, ALICE, SAID, cited=((cited,),) if cited else ())).lines
            for cited in ("", "order:72")
        }
        before, after = (
            next(line for line in lines if line.hit.record == "order:72")
            for lines in found.values()
        )
        assert after.rank > before.rank and after.answers == before.answers

    def test_a_record_that_is_chosen_by_a_click_is_asked_the_same_question(self) -> None:
        self.orders()
        turn = Turn("Order 72", ALICE, (("customer", "which carrier has it?"), ("bot", "…")))
        assert query(turn) == "which carrier has it? Order 72"
        assert retrieve(turn).lines[0].text == "Carrier: Northline"

    def test_my_thing_is_read_in_the_record_that_has_its_name(self) -> None:
        for number, item in ((81, "Red kayak"), (82, "Blue canoe"), (83, "Green raft")):
            row = {"id": f"order:{number}", "kind": "order", "customer": ALICE}
            about = {"title": f"Order {number}", "fields": {"item": item, "paid": "yes"}}
            import_records([row | about | {"updated_at": "2026-11-01T00:00:00Z"}])
        self.assertEqual(retrieve(Turn("is my canoe paid?", ALICE)).lines[0].hit.record, "order:82")
        for turn in (Turn("is a canoe paid?", ALICE), Turn("is my canoe paid?", BOB)):
            named = [line for line in retrieve(turn).lines if line.hit.key]
            self.assertEqual(named, [], turn.text)

    def test_what_a_follow_up_is_about_is_not_sure_in_another_record(self) -> None:
        self.orders()
        turn = Turn("which carrier has order 72?", ALICE, SAID, cited=(("order:71",),))
        found = retrieve(turn)
        found.refers = True
        answering = FromRecords(turn, Outcome(), set(), nullcontext, Policy())
        with mock.patch.object(FakeReranker, "at_once", 0.0):
            self.assertIsNone(answering.sure(found))
            found.refers = False
            self.assertIsNotNone(answering.sure(found))

    def test_a_new_question_about_a_record_stands_by_itself(self) -> None:
        self.orders()
        text = "when was order 72 shipped and by whom"
        assert query(Turn(text, ALICE, SAID)) == text

    def test_a_record_that_is_bobs_now_is_not_read_for_alice(self) -> None:
        self.orders()
        row = {"id": "order:72", "kind": "order", "customer": BOB, "title": "Order 72"}
        about = {"fields": {"carrier": "Northline"}, "updated_at": "2026-11-02T00:00:00Z"}
        import_records([row | about])
        turn = Turn("and which carrier has it?", ALICE, SAID, cited=(("order:72",),))
        assert "Northline" not in str(retrieve(turn).lines)
