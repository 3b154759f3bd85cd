"""The measures and their definitions. A day's figures count the conversations that began and the
messages that were written on that day."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

# Seconds; each is 10^(1/5) = 1.58 times the previous one, from 0.1 s to a week. A percentile is
# reported as its bucket's upper end: at most 58 % too high, never too low.
BUCKETS = [0.1 * 10 ** (step / 5) for step in range(35)]
DURABLE_DAYS = 7
DEFINITIONS = {
    "conversations": "Conversations that began.",
    "messages.customer": "Messages from customers.",
    "messages.bot": "Answers from the bot.",
    "messages.agent": "Messages from agents.",
    "mood": "Mean sentiment of customers' messages, from −1 to 1.",
    "alerts": "Share of all conversations in which agents were alerted.",
    "handoffs": "Share of the conversations handled by the bot that were passed to a person.",
    "handled": "Conversations in which the bot answered or handed off.",
    "autonomous": "Share of the conversations handled by the bot that were closed after an answer "
    "from the bot, never passed to a person, and without a message from an agent.",
    "durable": "Share of the conversations handled by the bot that were resolved autonomously and "
    f"followed by no other conversation of the customer within {DURABLE_DAYS} days. The share of "
    f"the last {DURABLE_DAYS} days may still fall.",
    "first_response": "From the customer's first message to the first answer from bot or agent.",
    "closed": "Conversations that were closed.",
    "resolution": "From the beginning to the closing of a conversation.",
    "first_sentence": "Time until the customer saw the first sentence of the bot's answer.",
    "csat": "Mean of the customers' ratings after closing, 1 to 5.",
    "helpful": "Share of the rated answers from the bot that were rated helpful.",
    "unhelpful": "Answers from the bot that were rated not helpful.",
    "withheld": "Model sentences that no customer saw, because no record supports them.",
    "tokens": "Tokens that the language models read and wrote.",
    "joules": "Energy of the language models' answers, if their device measures it.",
    "unmeasured": "Requests to a language model whose energy no device measured.",
}


def bucket(seconds: float) -> int:
    return bisect_left(BUCKETS, seconds)


def histogram(values: Iterable[float]) -> list[int]:
    """Count the values in each bucket; the last bucket has no upper end."""
    counts = [0] * (len(BUCKETS) + 1)
    for value in values:
        counts[bucket(value)] += 1
    return counts


def percentile(counts: Sequence[int], share: float) -> float | None:
    """Return seconds, or None without values."""
    wanted, seen = share * sum(counts), 0
    for place, count in enumerate(counts):
        seen += count
        if count and seen >= wanted:
            return BUCKETS[min(place, len(BUCKETS) - 1)]
    return None
