"""The mood of a conversation from the scores of the customer's messages."""

from collections.abc import Sequence

# Each earlier message weighs this share of the one after it.
DECAY = 0.6


def mood(scores: Sequence[float]) -> float | None:
    """Recency-weighted mean of scores in [-1, 1], oldest first; None without any."""
    if not scores:
        return None
    weights = [DECAY**age for age in range(len(scores) - 1, -1, -1)]
    total = sum(weight * score for weight, score in zip(weights, scores, strict=True))
    return total / sum(weights)
