"""A model's sentence is shown if a line says it, and is never what the model was asked."""

from collections.abc import Iterator
from unittest import mock

from chatbot.reply import prompt
from chatbot.reply.turn import Outcome, Turn
from tests.fakes import ALICE, FakeModelsTestCase, outcome_of
from tests.load import stub_slm

ECHO = "it only repeats what the model was asked"
SHIPPED = "what is the shipped date of order 50001?"
LINE = "Order 50001 – Shipped date: 3 November 2026."


class EchoTests(FakeModelsTestCase):
    async def ask(self, text: str) -> Outcome:
        return await outcome_of(Turn(text, ALICE))

    def answer_as_the_stub(self, unsupported: int) -> None:
        """unsupported: the share of answers with an invented figure, in per cent."""

        def pieces() -> Iterator[str]:
            said = stub_slm.sentences(self.generator.prompts[-1][-1]["content"], unsupported)
            return stub_slm.tokens(said[:1])

        self.enterContext(mock.patch.object(self.generator, "pieces", pieces))

    async def test_a_repeated_question_chooses_no_line(self) -> None:
        for echo in (SHIPPED, f"The question is {SHIPPED}", f"QUESTION: {SHIPPED}."):
            with self.subTest(echo):
                self.generator.answer = echo
                outcome = await self.ask(SHIPPED)
                self.assertEqual(outcome.withheld[0]["why"], ECHO)
                self.assertEqual(outcome.answer, LINE, "the reader's own choice")

    async def test_a_repeated_rule_chooses_no_line(self) -> None:
        self.generator.answer = prompt.RULES.split("\n")[3]
        outcome = await self.ask(SHIPPED)
        self.assertEqual(outcome.withheld[0]["why"], ECHO)

    async def test_an_answer_in_the_questions_words_is_no_echo(self) -> None:
        self.generator.answer = "Order 50001 was shipped on 3 November 2026."
        outcome = await self.ask("Order 50001 was shipped?")
        self.assertEqual((outcome.answer, outcome.withheld), (self.generator.answer, []))

    async def test_of_the_load_tests_model_the_right_sentence_is_shown(self) -> None:
        self.answer_as_the_stub(unsupported=0)
        for text, said in (
            (SHIPPED, "The shipped date is 3 November 2026."),
            ("who is the carrier of order 50001?", "The carrier is Swift Parcel."),
            ("what is the total of order 50001?", "The total is 41.50."),
        ):
            with self.subTest(text):
                outcome = await self.ask(text)
                self.assertEqual((outcome.answer, outcome.withheld), (said, []))

    async def test_of_the_load_tests_model_the_invented_figure_is_withheld(self) -> None:
        self.answer_as_the_stub(unsupported=100)
        outcome = await self.ask(SHIPPED)
        self.assertIn("It costs ", outcome.withheld[0]["sentence"])
        self.assertTrue(outcome.withheld[0]["missing"])
        self.assertEqual(outcome.answer, LINE)
