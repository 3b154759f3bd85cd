"""What is counted, in the words that stand beside it. A day's figures are of the conversations that
began, and the messages that were written, on that day."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

# Seconds; each is 10^(1/5) = 1.58 times the one before, from 0.1 s to a week. A percentile is told
# as its bucket's upper end: at most 58 % too high, never too low.
BUCKETS = [0.1 * 10 ** (step / 5) for step in range(35)]
DURABLE_DAYS = 7
DEFINITIONS = {
    "conversations": "Conversations that began.",
    "messages.customer": "Messages of customers.",
    "messages.bot": "Answers of the bot.",
    "messages.agent": "Messages of agents.",
    "mood": "Mean sentiment of customers' messages, from −1 to 1.",
    "alerts": "Conversations that called an agent by an alert, of all that began.",
    "handoffs": "Conversations that were passed to a person, of those that the bot handled.",
    "handled": "Conversations in which the bot answered or handed off.",
    "autonomous": "Closed after an answer of the bot, never passed to a person and without any "
    "message of an agent; of those that the bot handled.",
    "durable": "Resolved autonomously, and the customer began no other conversation within "
    f"{DURABLE_DAYS} days; of those that the bot handled. The last {DURABLE_DAYS} days may "
    "still fall.",
    "first_response": "From the customer's first message to the first answer of bot or agent.",
    "closed": "Conversations that were closed.",
    "resolution": "From the beginning to the closing of a conversation.",
    "first_sentence": "Until the customer read the first sentence of an answer of the bot.",
    "csat": "Mean of the customers' ratings after closing, 1 to 5.",
    "helpful": "Answers of the bot marked helpful, of those marked at all.",
    "unhelpful": "Answers of the bot marked not helpful.",
    "withheld": "Sentences of the model that no customer saw, because no record supports them.",
    "tokens": "Tokens that the language models read and wrote.",
    "joules": "Energy of the language models' answers, where their device counts it.",
    "unmeasured": "Requests to a language model whose energy no device counted.",
}


def bucket(seconds: float) -> int:
    return bisect_left(BUCKETS, seconds)


def histogram(values: Iterable[float]) -> list[int]:
    """How many fell into each; the last one is open."""
    counts = [0] * (len(BUCKETS) + 1)
    for value in values:
        counts[bucket(value)] += 1
    return counts


def percentile(counts: Sequence[int], share: float) -> float | None:
    """Seconds; None without any."""
    wanted, seen = share * sum(counts), 0
    for place, count in enumerate(counts):
        seen += count
        if count and seen >= wanted:
            return BUCKETS[min(place, len(BUCKETS) - 1)]
    return None
