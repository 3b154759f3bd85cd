"""Checks that the label follows the meaning when small changes keep or reverse it."""

import random
from collections.abc import Iterator

from inference.sentiment.audit import Finding, Score, templates

SEED = 7
# Shares of texts whose label must stay, or whose score must fall.
KEEP_CASE, KEEP_TYPOS, KEEP_NEUTRAL, TURNED = 0.95, 0.9, 0.9, 0.85


def findings(score: Score) -> Iterator[Finding]:
    given = templates()
    moods: list[str] = given["moods"]
    rng = random.Random(SEED)
    yield _kept("capitals", score, moods, [text.upper() for text in moods], KEEP_CASE)
    yield _kept("small letters", score, moods, [text.lower() for text in moods], KEEP_CASE)
    for count in (1, 2):
        typed = [_mistyped(text, count, rng) for text in moods for _ in range(5)]
        repeated = [text for text in moods for _ in range(5)]
        yield _kept(f"{count} typing error{'s' * (count > 1)}", score, repeated, typed, KEEP_TYPOS)
    longer = [f"{text} {extra}" for text in moods for extra in given["neutral sentences"]]
    repeated = [text for text in moods for _ in given["neutral sentences"]]
    yield _kept("a neutral sentence added", score, repeated, longer, KEEP_NEUTRAL)
    yield _negated(score, given["negation"])


def _kept(change: str, score: Score, before: list[str], after: list[str], limit: float) -> Finding:
    pairs = zip(score(before), score(after), strict=True)
    share = sum(first.label == second.label for first, second in pairs) / len(before)
    return Finding("label kept", change, share, f"at least {limit:.0%}", share >= limit, len(after))


def _negated(score: Score, pairs: list[list[str]]) -> Finding:
    """Check that a negation takes the label away from positive and lowers the score."""
    plain, negated = (score(list(side)) for side in zip(*pairs, strict=True))
    turned = [
        after.label != "positive" and after.score < before.score - 0.2
        for before, after in zip(plain, negated, strict=True)
    ]
    share = sum(turned) / len(turned)
    limit = f"at least {TURNED:.0%}"
    return Finding("score falls", "negation", share, limit, share >= TURNED, 2 * len(pairs))


def _mistyped(text: str, count: int, rng: random.Random) -> str:
    for _ in range(count):
        at = rng.randrange(1, len(text) - 1)
        text = text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
    return text
