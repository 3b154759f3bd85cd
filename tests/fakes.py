"""Stand-ins for the models, so that the unit suite needs none: same interfaces, no weights."""

import math
import re
import shutil
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
from django.test import TestCase, override_settings

from chatbot.reply.answer import Answer
from chatbot.reply.lookup import Asked
from chatbot.reply.turn import Outcome, Turn
from chatbot.wire import limits
from crm.knowledge import indexing
from crm.knowledge.records import import_records
from crm.models import Customer
from inference.generation.client import ChatMessages, GenerationError, Usage
from inference.generation.tier import Server, Tier
from inference.grounding import overlap, stems
from inference.lines import cut
from inference.reading.reranker import Ranks
from inference.sentiment import Sentiment


class FakeEncoder:
    """Texts that share words are near: each word is one of 256 directions."""

    name = "fake"
    dimension = 256

    def encode(self, texts: Sequence[str], batch: int = 32) -> np.ndarray:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for stem in stems(text):
                vectors[row, zlib.crc32(stem.encode()) % self.dimension] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


class FakeReader:
    """Goes by the share of the text's words that a line and its title have."""

    def scores(self, text: str, passages: Sequence[str], before: str = "") -> list[np.ndarray]:
        """Return scores that stand for the shares as probabilities."""
        return [
            np.array([logit(overlap(text, f"{title} {line}")) for line in lines], np.float32)
            for title, lines in map(cut, passages)
        ]


def by_question_marks(reader: Any, head: Any, text: str) -> list[str]:
    return re.split(r"(?<=[?]) ", text)


class FakeReranker:
    """Keeps the reader's order."""

    # The language model is always asked.
    answering, at_once, telling = 0.3, 2.0, 0.8

    def rank(
        self, question: str, lines: Any, first: Any, liked: Any = 0, before: str = "", *_: Any
    ) -> Ranks:
        return Ranks(first + liked, 1 / (1 + np.exp(-first)))

    def sure(self, answers: float, lead: float) -> float:
        return answers


def logit(share: float) -> float:
    # So low that a line without a word of the question does not answer, whatever it is liked for.
    share = min(max(share, 0.001), 0.99)
    return math.log(share / (1 - share))


# What the fake classifier hears in a text that has nothing but these words, or one of them.
SMALL_TALK = {
    "hello": "greets",
    "hi": "greets",
    "thanks": "thanks",
    "thank": "thanks",
    "bye": "bye",
}
ASKS_FOR_PERSON = {"human", "person", "agent", "colleague"}


class FakeClassifier:
    """Upset when the text says so."""

    def score(self, texts: Sequence[str]) -> list[Sentiment]:
        return [replace(self.of(text), intents=self.intents(text)) for text in texts]

    def strength(self, text: str, intent: str) -> float:
        return 0.0

    def intents(self, text: str) -> frozenset[str]:
        words = re.findall(r"\w+", text.lower())
        talk = {SMALL_TALK[word] for word in words if word in SMALL_TALK}
        person = {"person"} if ASKS_FOR_PERSON & {*words} else set()
        return frozenset(talk | person | ({"chat"} if talk and len(words) < 4 else set()))

    def of(self, text: str) -> Sentiment:
        if "terrible" in text:
            return Sentiment("negative", -0.9, 0.95, {})
        if "unknown" in text:
            return Sentiment("unknown", 0.0, 0.4, {})
        if "thanks" in text:
            return Sentiment("positive", 0.8, 0.9, {})
        return Sentiment("neutral", 0.0, 0.8, {})


class FakeMatcher:
    """Goes by an action's words in a text that asks for something, unless it asks for a number."""

    ASKS = {"want", "please", "how"}

    def wished(self, text: str, actions: Sequence[tuple[str, ...]], wish: float) -> int | None:
        words = set(re.findall(r"\w+", text.lower()))
        named = [any(set(phrase.split()) <= words for phrase in action) for action in actions]
        asks = self.ASKS & words and not text.lower().startswith(("within how", "how long"))
        return named.index(True) if asks and True in named else None


class FakeGenerator:
    """Says what it is told to, in pieces; keeps the prompts it was given."""

    model = "fake"

    def __init__(self) -> None:
        self.answer = "NOT ON RECORD"
        self.prompts: list[ChatMessages] = []
        self.error: GenerationError | None = None

    def patience(self, messages: ChatMessages) -> float:
        return 60.0

    async def stream(
        self, messages: ChatMessages, max_tokens: int, usage: Usage | None = None
    ) -> AsyncIterator[str]:
        self.prompts.append(messages)
        for piece in self.pieces():
            yield piece
        if self.error:
            raise self.error

    def pieces(self) -> Iterator[str]:
        yield from (self.answer[at : at + 7] for at in range(0, len(self.answer), 7))


def tier(generator: Any, name: str = "default", from_difficulty: float = 0.0) -> Tier:
    return Tier(name, [Server(generator)], from_difficulty)


ALICE, BOB = "cust_alice", "cust_bob"


def order(number: int, customer: str, **fields: object) -> dict[str, object]:
    return {
        "id": f"order:{number}",
        "kind": "order",
        "customer": customer,
        "title": f"Order {number}",
        "fields": {"order number": str(number), **fields},
        "updated_at": "2026-11-01T00:00:00Z",
    }


RECORDS = [
    order(50001, ALICE, **{"shipped date": "2026-11-03", "carrier": "Swift Parcel", "total": 41.5}),
    order(50002, BOB, **{"shipped date": "2026-10-09", "carrier": "Harbour Freight"}),
    {
        "id": "article:returns",
        "kind": "article",
        "customer": None,
        "title": "Returns",
        "text": "You can return goods within 30 days. Refunds take 5 working days.",
        "updated_at": "2026-01-01T00:00:00Z",
    },
]


async def outcome_of(turn: Turn) -> Outcome:
    """What came of a turn; its answer is the sentences that were shown, in order."""
    answer = Answer(replace(turn, intents=turn.intents or FakeClassifier().intents(turn.text)))
    sentences = [sentence async for sentence in answer.sentences()]
    assert answer.outcome.answer == " ".join(sentences)
    return answer.outcome


@contextmanager
def fake_index() -> Iterator[None]:
    """Give search an index of its own and the fake encoder, for tests without fake records."""
    with (
        TemporaryDirectory() as folder,
        override_settings(INDEX_DIR=Path(folder)),
        mock.patch("crm.knowledge.indexing.encoder", return_value=FakeEncoder()),
        mock.patch("inference.index.writer._sync"),
    ):
        indexing.build()
        yield
        indexing.reader.cache_clear()


class FakeModelsTestCase(TestCase):
    """Alice and Bob are customers with an order each; the models are fakes."""

    built: Path

    @classmethod
    def setUpTestData(cls) -> None:
        import_records(RECORDS)
        Customer.objects.filter(id=ALICE).update(name="Alice")
        cls.built = Path(cls.enterClassContext(TemporaryDirectory()))
        with (
            override_settings(INDEX_DIR=cls.built),
            mock.patch("crm.knowledge.indexing.encoder", return_value=FakeEncoder()),
            # No power fails during a test.
            mock.patch("inference.index.writer._sync"),
        ):
            indexing.build()

    def setUp(self) -> None:
        self.generator = FakeGenerator()
        encoder = FakeEncoder()
        for name, fake in [
            ("crm.knowledge.indexing.encoder", encoder),
            ("chatbot.engines.classifier.sentiment_classifier", FakeClassifier()),
            ("chatbot.engines.reader.line_reader", FakeReader()),
            ("chatbot.engines.reader.reranker", FakeReranker()),
            ("chatbot.engines.wishes.matcher", FakeMatcher()),
            ("chatbot.engines.tiers.tiers", [tier(self.generator)]),
            ("chatbot.engines.kinds.guess", {}),
            ("chatbot.engines.reader.heads", {"splits": None}),
            ("chatbot.reply.lookup.asked", Asked("other", 1.0, "any")),
        ]:
            self.enterContext(mock.patch(name, return_value=fake))
        self.enterContext(mock.patch("inference.reading.splitting.parts", by_question_marks))
        # The test's transaction looks to Channels like a connection that somebody has left behind.
        self.enterContext(mock.patch("channels.db.close_old_connections"))
        folder = self.enterContext(TemporaryDirectory())
        self.enterContext(override_settings(INDEX_DIR=Path(folder)))
        self.addCleanup(indexing.reader.cache_clear)
        shutil.copytree(self.built, folder, dirs_exist_ok=True)
        limits.reset()
