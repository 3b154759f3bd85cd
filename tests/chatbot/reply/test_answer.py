"""One turn into an answer: what is supported is shown, the rest is withheld."""

from unittest import mock

from django.test import override_settings

from chatbot.conversation.wording import PLAIN
from chatbot.reply.turn import Instead, Outcome, Turn
from inference.generation.client import ServerUnreachable
from inference.index import IndexUnavailable
from tests.fakes import ALICE, BOB, FakeModelsTestCase, FakeReranker, outcome_of


class PipelineTests(FakeModelsTestCase):
    async def ask(self, text: str, customer: str | None = ALICE, **turn: object) -> Outcome:
        return await outcome_of(Turn(text, customer, **turn))

    async def test_a_supported_answer_is_shown_with_its_source(self) -> None:
        self.generator.answer = "Order 50001 was shipped on 3 November 2026. Its total is 41.50."
        outcome = await self.ask("when was order 50001 shipped, and what is the total?")
        self.assertEqual(outcome.answer, self.generator.answer)
        self.assertEqual(outcome.state, "answered")
        [source] = outcome.citations
        self.assertEqual((source["id"], source["title"]), ("order:50001", "Order 50001"))
        self.assertEqual(source["quote"], "Shipped date: 3 November 2026\nTotal: 41.50")
        self.assertLessEqual(outcome.timings["first_sentence"], outcome.timings["total"])

    @override_settings(MASK_FOR_MODEL=True)
    async def test_by_setting_the_model_does_not_see_whose_card_it_is(self) -> None:
        said = "my card is 4111 1111 1111 1111, what is the total of order 50001?"
        history = (("customer", "write to alice@ash.example, I am alice ash"),)
        self.generator.answer = "The total is 99.00."
        outcome = await self.ask(said, history=history, known=("Alice Ash",))
        prompted = str(self.generator.prompts[-1])
        self.assertIn("my card is [card], what is the total of order 50001?", prompted)
        self.assertIn("write to [email], I am [name]", prompted)
        self.assertEqual(outcome.answer, "Order 50001 – Total: 41.50.")

    async def test_an_unsupported_sentence_is_withheld_and_the_rest_is_shown(self) -> None:
        self.generator.answer = "It was shipped on 3 November 2026. It arrives on 9 November 2026."
        outcome = await self.ask("was order 50001 shipped?")
        self.assertEqual(outcome.answer, "It was shipped on 3 November 2026.")
        self.assertEqual(outcome.withheld[0]["missing"], ["2026-11-9"])

    async def test_a_paraphrase_of_fields_is_told_in_their_own_words_and_once(self) -> None:
        self.generator.answer = "Swift Parcel took it on 3 November 2026. Swift Parcel brings it."
        outcome = await self.ask("was order 50001 shipped, and with which carrier?")
        fields = ["Carrier: Swift Parcel", "Shipped date: 3 November 2026"]
        self.assertEqual(outcome.answer.count("Order 50001 – "), 1)
        self.assertTrue(all(field in outcome.answer for field in fields))
        self.assertEqual(outcome.withheld[1]["why"], "it was said before")

    async def test_a_wrong_answer_becomes_the_line_itself(
        self,
    ) -> None:
        self.generator.answer = "The total is 99.00."
        outcome = await self.ask("what is the total of order 50001?")
        self.assertEqual(outcome.answer, "Order 50001 – Total: 41.50.")
        self.assertEqual(outcome.state, "answered")
        self.assertEqual([source["id"] for source in outcome.citations], ["order:50001"])

    async def test_a_line_that_a_small_model_overlooks_is_told(
        self,
    ) -> None:
        outcome = await self.ask("what is the total of order 50001?")
        self.assertEqual(outcome.answer, "Order 50001 – Total: 41.50.")

    async def test_a_line_of_which_the_reader_is_sure_is_told_without_the_model(self) -> None:
        with mock.patch.object(FakeReranker, "at_once", 0.5):
            outcome = await self.ask("what is the total of order 50001?")
        self.assertEqual(outcome.answer, "Order 50001 – Total: 41.50.")
        self.assertEqual(self.generator.prompts, [])
        with (
            mock.patch.object(FakeReranker, "at_once", 0.5),
            override_settings(ANSWER_AT_ONCE=False),
        ):
            await self.ask("what is the total of order 50001?")
        self.assertEqual(len(self.generator.prompts), 1)

    async def test_a_sentence_that_plainly_answers_is_told_where_the_model_sees_nothing(
        self,
    ) -> None:
        outcome = await self.ask("within how many days can I return goods?")
        self.assertIn("You can return goods within 30 days.", outcome.answer)
        self.assertEqual(outcome.answer.count("30 days"), 1)
        self.assertEqual([source["id"] for source in outcome.citations], ["article:returns"])

    async def test_a_paraphrase_of_an_article_is_replaced_by_its_own_sentence_once(self) -> None:
        self.generator.answer = "Yes, goods can be returned in 30 days. You have 30 days for goods."
        outcome = await self.ask("within how many days can I return goods?")
        self.assertIn("You can return goods within 30 days.", outcome.answer)
        self.assertEqual(outcome.answer.count("30 days"), 1)
        self.assertEqual([source["id"] for source in outcome.citations], ["article:returns"])

    async def test_a_date_is_written_as_the_customer_writes_dates(self) -> None:
        self.generator.answer = "It was shipped on 3 November 2026."
        outcome = await self.ask("was order 50001 shipped before 5.11.2026?")
        self.assertEqual(outcome.answer, "It was shipped on 03.11.2026.")

    async def test_an_answer_without_any_support_becomes_an_honest_refusal(self) -> None:
        self.generator.answer = "It was made in Turin in 2020."
        outcome = await self.ask("how heavy is order 50001?")
        self.assertEqual(outcome.state, "refused")
        self.assertIn("I don't have that on record", outcome.answer)
        self.assertIn("colleague", outcome.answer)
        self.assertEqual(outcome.citations, [])

    async def test_the_models_own_not_on_record_is_never_shown_as_such(self) -> None:
        outcome = await self.ask("how heavy is order 50001?")
        self.assertEqual(outcome.state, "refused")
        self.assertNotIn("NOT ON RECORD", outcome.answer)

    async def test_bob_asking_for_alices_order_is_refused_before_any_prompt(self) -> None:
        outcome = await self.ask("where is order 50001?", BOB)
        self.assertEqual(outcome.state, "refused")
        self.assertEqual(self.generator.prompts, [])
        self.assertEqual(outcome.passages, [])

    async def test_no_prompt_holds_another_customers_record(self) -> None:
        for text in ["which carrier has my parcel?", "Swift Parcel order total", "returns"]:
            await self.ask(text, BOB)
        self.assertGreater(len(self.generator.prompts), 0)
        self.assertNotIn("Swift Parcel\n", str(self.generator.prompts))
        self.assertNotIn("3 November 2026", str(self.generator.prompts))

    async def test_charlie_who_is_not_signed_in_is_asked_to(self) -> None:
        outcome = await self.ask("where is order 50001?", None)
        self.assertIn("sign in", outcome.answer)

    async def test_a_wish_for_a_person_hands_off_without_the_model(self) -> None:
        outcome = await self.ask("let me talk to a human")
        self.assertEqual((outcome.state, outcome.route), ("handoff", "human"))
        self.assertEqual(self.generator.prompts, [])

    async def test_a_question_beside_the_wish_for_a_person_is_answered_if_the_reader_is_sure(
        self,
    ) -> None:
        for text in (
            "What is the total of order 50001? And let me talk to a human.",
            "Let me talk to a human. And what is the total of order 50001?",
        ):
            with mock.patch.object(FakeReranker, "at_once", 0.5):
                outcome = await self.ask(text)
            self.assertTrue(outcome.answer.startswith("Order 50001 – Total: 41.50. "))
            self.assertEqual((outcome.state, outcome.route), ("handoff", "human"))
            self.assertEqual([source["id"] for source in outcome.citations], ["order:50001"])
        unsure = await self.ask(text)
        self.assertEqual((unsure.state, unsure.citations), ("handoff", []))
        self.assertEqual(self.generator.prompts, [], "no customer waits for the model first")

    async def test_a_wish_for_a_person_that_is_a_question_is_not_looked_up(self) -> None:
        with mock.patch.object(FakeReranker, "at_once", 0.0):
            outcome = await self.ask("Can I talk to an agent about the total of order 50001?")
        self.assertEqual((outcome.state, outcome.citations), ("handoff", []))

    async def test_what_the_inbox_hands_off_or_never_talks_about_is_not_looked_up(self) -> None:
        text = "What is the total of order 50001? Is an agent there?"
        law = Instead("total", "Please read our terms.")
        with mock.patch.object(FakeReranker, "at_once", 0.0):
            always = await self.ask(text, hand_off_on="total")
            never = await self.ask(text, instead=law)
        self.assertEqual((always.state, always.citations), ("handoff", []))
        self.assertEqual((never.state, never.citations), ("handoff", []))

    async def test_a_grave_question_that_sounds_like_the_wish_is_looked_up(self) -> None:
        heard = frozenset({"person", "urgent"})
        with mock.patch.object(FakeReranker, "at_once", 0.5):
            outcome = await self.ask("What is the total of order 50001, agent?", intents=heard)
            plain = await self.ask("The total of order 50001, agent.", intents=heard)
        self.assertEqual((outcome.state, plain.state), ("handoff", "handoff"))
        self.assertEqual(len(outcome.citations), 1)
        self.assertEqual(plain.citations, [])

    async def test_an_index_that_is_away_does_not_keep_the_customer_from_a_person(self) -> None:
        text = "What is the total of order 50001? Let me talk to a human."
        for error in (IndexUnavailable("gone"), RuntimeError("a fault")):
            with mock.patch("chatbot.reply.from_records.looked_up_or_found", side_effect=error):
                outcome = await self.ask(text)
            self.assertEqual((outcome.state, outcome.error), ("handoff", ""))

    async def test_yes_to_the_offer_of_a_colleague_hands_off(self) -> None:
        self.assertEqual((await self.ask("yes please", offered=True)).state, "handoff")
        self.assertEqual((await self.ask("ok thanks")).state, "chat")

    async def test_small_talk_is_answered_without_a_record(self) -> None:
        self.assertEqual((await self.ask("hello!")).state, "chat")

    async def test_the_second_refusal_in_a_row_hands_off(self) -> None:
        outcome = await self.ask("who painted order 50001?", unanswered=1)
        self.assertEqual(outcome.state, "handoff")
        self.assertEqual(outcome.reason, "Nothing on record twice in a row.")

    async def test_a_bad_mood_gets_the_answer_and_a_person(self) -> None:
        self.generator.answer = "It was shipped on 3 November 2026."
        alert = "three negative messages in a row"
        outcome = await self.ask("when was order 50001 shipped?!", alert=alert)
        self.assertTrue(outcome.answer.startswith("It was shipped on 3 November 2026."))
        self.assertEqual(outcome.state, "handoff")
        self.assertEqual(outcome.reason, "Mood: three negative messages in a row.")

    async def test_who_waits_for_a_person_is_not_offered_one_again(self) -> None:
        outcome = await self.ask("who painted order 50001?", waiting=True, unanswered=5)
        self.assertEqual(outcome.state, "refused")
        self.assertIn(PLAIN.colleague_waiting, outcome.answer)
        self.assertNotIn(PLAIN.offer, outcome.answer)

    async def test_a_model_that_fails_leaves_a_line_and_a_person(self) -> None:
        self.generator.answer = ""
        self.generator.error = ServerUnreachable("gone")
        outcome = await self.ask("when was order 50001 shipped?")
        self.assertEqual(outcome.state, "handoff")
        self.assertIn("can't look that up", outcome.answer)
        self.assertEqual(outcome.error, "gone")

    async def test_what_was_shown_stays_when_the_model_breaks_off(self) -> None:
        self.generator.answer = "You can return goods within 30 days. Refunds "
        self.generator.error = ServerUnreachable("gone")
        outcome = await self.ask("within how many days can I return goods?")
        self.assertTrue(outcome.answer.startswith("You can return goods within 30 days."))

    async def test_a_follow_up_is_about_the_record_last_spoken_of(self) -> None:
        self.generator.answer = "Swift Parcel delivers it."
        history = (("customer", "was order 50001 sent?"), ("bot", "Yes."))
        outcome = await self.ask("and which carrier?", history=history)
        self.assertEqual(outcome.citations[0]["id"], "order:50001")

    async def test_a_new_question_is_not_about_the_record_last_spoken_of(self) -> None:
        self.generator.answer = "Refunds take 5 working days."
        history = (("customer", "was order 50001 sent?"), ("bot", "Yes."))
        outcome = await self.ask("how many working days do refunds take", history=history)
        self.assertEqual(outcome.citations[0]["id"], "article:returns")

    async def test_an_instruction_inside_a_record_cannot_add_a_fact(self) -> None:
        self.generator.answer = "You won a voucher worth 500 EUR from Megacorp."
        outcome = await self.ask("when was order 50001 shipped?")
        self.assertNotIn("500 EUR", outcome.answer)
        self.assertNotIn("Megacorp", outcome.answer)

    async def test_where_no_line_answers_the_model_is_not_asked(self) -> None:
        outcome = await self.ask("do you sell bicycles?")
        self.assertEqual((outcome.state, self.generator.prompts), ("refused", []))

    async def test_a_server_that_breaks_off_before_anything_was_shown_is_asked_once_more(
        self,
    ) -> None:
        self.generator.answer = "It was"
        self.generator.error = ServerUnreachable("broke off")
        with self.assertLogs("attune.reply"):
            outcome = await self.ask("when was order 50001 shipped?")
        self.assertEqual(len(self.generator.prompts), 2)
        self.assertEqual(outcome.state, "handoff")

    async def test_nor_is_it_asked_again_once_something_was_shown(self) -> None:
        self.generator.answer = "You can return goods within 30 days.\nRefunds"
        self.generator.error = ServerUnreachable("broke off")
        with self.assertLogs("attune.reply"):
            outcome = await self.ask("within how many days can I return goods?")
        self.assertEqual(len(self.generator.prompts), 1)
        self.assertIn("30 days", outcome.answer)
