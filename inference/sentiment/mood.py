"""The mood of a conversation, and its trend, from the scores of the customer's messages."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference.sentiment.classifier import CONFIDENCE_FLOOR, Sentiment
from inference.sentiment.own_words import own_words

# Each earlier message has this share of the weight of the next one.
DECAY = 0.6
SLOPE_MESSAGES = 6
# A message counts as negative up to this score, and as positive from -NEGATIVE on, if the
# classifier is sure enough.
NEGATIVE = -0.3
# The number of last messages that count as recent.
RECENT = 4
# "ok", "yes please": so few words, without a feeling, say nothing about the mood.
SAYS_LITTLE = 3


@dataclass(frozen=True)
class ScoredMessage:
    """One message of the customer, in their own words, with its score, confidence and intents."""

    text: str
    score: float
    confidence: float
    intents: frozenset[str] = frozenset()

    @property
    def sure(self) -> bool:
        return self.confidence >= CONFIDENCE_FLOOR

    @property
    def negative(self) -> bool:
        return self.sure and self.score <= NEGATIVE

    @property
    def positive(self) -> bool:
        return self.sure and self.score >= -NEGATIVE

    @property
    def says_little(self) -> bool:
        """Say whether the message cannot have raised the mood, whatever its score."""
        short = len(self.text.split()) <= SAYS_LITTLE
        return "person" in self.intents or (short and not self.positive)


def scored(text: str, sentiment: Sentiment) -> ScoredMessage:
    return ScoredMessage(own_words(text), sentiment.score, sentiment.confidence, sentiment.intents)


def mood(messages: Sequence[ScoredMessage]) -> float | None:
    """Return the recency-weighted mean of the scores, oldest first; None without any.

    A message that says little is left out where it would raise the mean.
    """
    total = weight = 0.0
    for message in messages:
        raises = bool(weight) and message.score > total / weight
        if not (raises and message.says_little):
            total, weight = DECAY * total + message.score, DECAY * weight + 1
    return total / weight if weight else None


def worst(messages: Sequence[ScoredMessage]) -> float | None:
    """Return the lowest score of the last few messages; None if no score is sure enough."""
    sure = [message for message in messages if message.sure]
    return min((message.score for message in sure[-RECENT:]), default=None)


def slope(scores: Sequence[float]) -> float:
    """Fit the change of the score per message over the last few, by least squares."""
    recent = scores[-SLOPE_MESSAGES:]
    middle = (len(recent) - 1) / 2
    spread = sum((place - middle) ** 2 for place in range(len(recent)))
    if not spread:
        return 0.0
    return sum((place - middle) * score for place, score in enumerate(recent)) / spread
