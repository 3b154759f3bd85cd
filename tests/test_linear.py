"""What reads customers' and records' words takes work, and keeps memory, in proportion to them."""

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from chatbot.conversation import crm_requests
from chatbot.privacy.redaction import mask, redact
from chatbot.reply import prompt, route, wishes
from chatbot.reply.guidance import have, spoken_words
from chatbot.reply.turn import Turn
from crm.knowledge import keys, record_text
from crm.knowledge.passages import MOST_PASSAGES, passages
from crm.models import Record
from inference import sentences
from inference.grounding import facts, injection, lacking, quantities, restates
from inference.grounding import words as grounding_words
from inference.index import match
from inference.length import cut, tokens, words
from inference.lines import cut as cut_lines
from inference.remembered import CHARACTERS, Remembered
from inference.sentiment import alert_rules
from inference.sentiment.own_words import own_words
from inference.sentiment.text import readable
from tests import hostile
from tests.fakes import ALICE, FakeModelsTestCase, outcome_of

pytestmark = pytest.mark.slow

OFFERS = [crm_requests.Offer(1, ("change my address", "return"))]


def cut_up(text: str) -> list[str]:
    fields = {"note": text, "items": [{"name": text[:500]}]}
    return passages(Record(id="order:1", title="Order 1", text=text, fields=fields))


FUNCTIONS: dict[str, Callable[[str], Any]] = {
    "redact": redact,
    "mask": mask,
    "instructs": injection.order_in._function,
    "sentences": sentences.split,
    "wishes": lambda text: wishes.requested_action(text, OFFERS),
    "route": lambda text: route.decide(Turn(text, None, offered=True)),
    "words of the inbox": lambda text: have([spoken_words(text)], "a person"),
    "own words": own_words,
    "references": keys.references,
    "phrases": keys.phrases,
    "facts": facts.facts._function,
    "vocabulary": facts.vocabulary._function,
    "lines": lambda text: cut_lines(f"Title\n{text}"),
    "restates": lambda text: restates(text, f"Note: {text}", text),
    "quantities": quantities.quantities._function,
    "said otherwise": lambda text: [
        quantities.said_otherwise(facts.Fact("number", "12"), text, "Hours\nOpen until 18:00")
    ],
    "stems": grounding_words.stems._function,
    "terms": match.terms,
    "times": alert_rules.times,
    "readable": readable,
    "passages": cut_up,
    "latest day": lambda text: record_text.latest_day({"note": text}),
    "cut": lambda text: cut(text, 500),
}
REPEATED = [
    "human:",
    "order 12",
    "12",
    "a",
    " ",
    "\n",
    "a! ",
    "mr. A ",
    "é",
    "你",
    "a\n",
    "1. ",
    "[",
    "9.9,",
    "return ",
    "ref ",
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_hostile_text_costs_no_more_than_its_length(name: str) -> None:
    attacks = [("", repeated, ending) for repeated in REPEATED for ending in ("", "@")]
    assert not hostile.found(FUNCTIONS[name], attacks)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_four_thousand_different_words_cost_no_more_than_their_number(name: str) -> None:
    def work(text: str) -> Any:
        return FUNCTIONS[name](" ".join(f"Word{number}" for number in range(len(text) // 8)))

    assert not hostile.grows(work, "", "a", "")


def test_a_number_of_4000_digits_is_looked_up_once_and_not_as_a_misspelt_one() -> None:
    [forms] = keys.references("order " + "12" * 1_990)
    assert len(forms) == 2
    assert max(map(len, keys.phrases("order " + "12" * 1_990)), default=0) <= keys.LONGEST_KEY


def test_many_long_messages_leave_little_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.remembered.CHARACTERS", 20_000)
    kept = Remembered(facts.facts._function)
    tracemalloc.start()
    for number in range(20):
        kept(f"{number} " + "Word " * 790)
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(map(len, kept._values)) <= 20_000
    assert left < 20 * 20_000


def test_what_is_remembered_longest_is_forgotten_first_and_a_huge_text_not_kept() -> None:
    kept = Remembered(str.upper)
    assert kept("a" * CHARACTERS) == "A" * CHARACTERS
    assert not kept._values
    texts = [f"{number:02}" * 2_000 for number in range(101)]
    for text in texts:
        kept(text)
    assert texts[0] not in kept._values and texts[99] in kept._values


UNSPACED = {
    "Chinese": "您的包裹已经在十一月三日寄出。" * 800,
    "Japanese": "ご注文の商品は明日お届けします" * 800,
    "Thai": "พัสดุของคุณถูกส่งแล้ว" * 600,
    "base64": "QXNzaXN0YW50LCBhbnN3ZXIg" * 500,
    "one word": "a" * 50_000,
    "an address": "https://example.org/" + "path/" * 2_000,
    "no full stop": "word " * 10_000,
    "emoji": "🎁" * 5_000,
}


@pytest.mark.parametrize("script", UNSPACED)
def test_a_text_without_spaces_is_cut_into_passages_and_nothing_of_it_is_lost(script: str) -> None:
    text = UNSPACED[script]
    for record in (
        Record(id="a", title="Title", text=text, fields={}),
        Record(id="a", title="Title", text="", fields={"note": text}),
    ):
        found = passages(record)
        assert max(map(words, found)) <= 1.6 * 110 + 10
        there = "".join("".join(found).replace("Title", "").replace("Note: ", "").split())
        assert there == "".join(text.split())


def test_a_record_has_no_more_passages_than_it_may() -> None:
    fields = {f"field {number}": "word " * 100 for number in range(MOST_PASSAGES + 100)}
    assert len(passages(Record(id="a", title="T", text="", fields=fields))) == MOST_PASSAGES


@pytest.mark.parametrize("script", UNSPACED)
def test_a_prompt_fits_the_models_context_whatever_it_is_made_of(script: str) -> None:
    text = UNSPACED[script]
    history = [("customer", text), ("bot", text)] * 6
    prompts = prompt.messages(text, [text, text], history)
    marks = 10 * len(prompts)
    assert sum(tokens(one["content"]) for one in prompts) + marks + prompt.MAX_TOKENS <= 4_096


def test_a_question_is_cut_in_its_middle() -> None:
    kept = cut("Where is my order? " + "x" * 20_000 + " It is order 50001.", 300)
    assert kept.startswith("Where is my order?") and kept.endswith("It is order 50001.")
    assert tokens(kept) <= 300


def test_a_check_of_long_texts_ends() -> None:
    def work(text: str) -> None:
        lacking(text[:400], [f"Title\n{piece}" for piece in cut_up(text)[:14]], text[:8_000])

    assert not hostile.grows(work, "", "9.9 Abc ", "")


class TurnTests(FakeModelsTestCase):
    async def test_a_number_of_4000_digits_is_refused_at_once_and_told_in_short(self) -> None:
        with mock.patch("crm.knowledge.keys.one_off", side_effect=AssertionError):
            outcome = await outcome_of(Turn(text="order " + "12" * 1_990, customer=ALICE))
        self.assertEqual(outcome.state, "refused")
        self.assertLess(len(outcome.answer), 300)

    async def test_of_hundreds_of_unknown_numbers_a_few_are_looked_up_as_misspelt(self) -> None:
        numbers = " ".join(f"order {number}" for number in range(600_000, 600_300))
        with mock.patch("crm.knowledge.keys.one_off", return_value=set()) as looked_up:
            outcome = await outcome_of(Turn(text=numbers, customer=ALICE))
        # Once for the search's sake, once for the refusal's.
        self.assertLessEqual(looked_up.call_count, 10)
        self.assertLess(len(outcome.answer), 300)

    async def test_what_the_customer_said_last_counts_where_they_said_too_much(self) -> None:
        self.generator.answer = "It was shipped on 3 November 2026."
        turn = Turn(text="and so on. " * 20_000 + "When was order 50001 shipped?", customer=ALICE)
        self.assertIn("3 November", (await outcome_of(turn)).answer)


def test_brackets_however_deep_are_text() -> None:
    record = Record(
        id="a", title="T", text="[" * 50_000, fields={}, updated_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert len(passages(record)) > 1
