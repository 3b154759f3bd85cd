"""The first sentence is timed with and without reading ahead, and each turn's path is told."""

from unittest import mock

from asgiref.sync import async_to_sync

from chatbot.engines import admission
from chatbot.evaluation import delay
from tests.fakes import ALICE, FakeModelsTestCase, FakeReranker

SHIPPED = "when was order 50001 shipped, and with which carrier?"
ROWS = [
    {"question": SHIPPED, "customer": ALICE, "id": "1", "kind": "order", "expect": [["november"]]},
    {"question": "hello", "customer": ALICE, "id": "2", "kind": "chat", "expect": "chat"},
]


class DelayTests(FakeModelsTestCase):
    def timed(self) -> list[dict[str, object]]:
        queue = admission.Queue(1)
        with (
            mock.patch.object(delay, "WORDS_PER_MINUTE", 3_000),
            mock.patch.object(admission, "queue", lambda: queue),
        ):
            return async_to_sync(delay.timed)(ROWS)

    def test_each_question_is_asked_in_each_way_and_its_path_is_told(self) -> None:
        self.generator.answer = "It was shipped on 3 November 2026."
        asked, greeted = self.timed()
        self.assertEqual(asked["path"], delay.MODEL)
        self.assertTrue(asked[delay.WITHOUT]["right"] and asked[delay.AHEAD]["right"])
        self.assertIn(delay.BARE, asked)
        self.assertEqual(greeted["path"], delay.OTHER)

    def test_a_line_of_which_the_reader_is_sure_is_a_path_of_its_own(self) -> None:
        with mock.patch.object(FakeReranker, "at_once", 0.5):
            asked, _ = self.timed()
        self.assertEqual(asked["path"], delay.AT_ONCE)
        rows = [delay.summary(delay.AT_ONCE, [asked], [asked, asked])]
        self.assertIn("50%", delay.as_text({"figures": {"paths": rows}}))
