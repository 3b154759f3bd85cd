"""The verdict on a sentence: supported by which passage, or what is wrong with it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from inference.grounding.claims import Nearness, new_words, objections, speaks_of
from inference.grounding.facts import Fact, facts, holds, vocabulary
from inference.grounding.words import overlap, stem, stems

# Words with which a sentence says that something is not on record.
ABSENT = re.compile(
    r"\b(?:do(?:es)? not|don['’]t|doesn['’]t|cannot|can['’]t|could not|couldn['’]t|isn['’]t|"
    r"is not|are not|not|no)\b[^.]{0,60}\b(?:on record|in (?:the|your|our|my) records?|"
    r"information|record|mention\w*|specif\w*|provid\w*|find|available|access|details?|data|know)\b",
    re.I,
)


@dataclass(frozen=True)
class Verdict:
    supported: bool
    # What the sentence says that no passage does, in the sentence's words.
    missing: tuple[str, ...]
    # Position of the passage that holds most of it; -1 without any.
    passage: int
    # Its facts that were not in the customer's own words.
    news: frozenset[Fact]
    # The sentence itself says that nothing is on record.
    absent: bool = False


def check(
    sentence: str, passages: Sequence[str], own_words: str, near: Nearness | None = None
) -> Verdict:
    """One record per passage: what a sentence says must stand in a single one of them, or a
    price of one thing could be told of another. own_words: what the customer said.
    """
    judged = sorted(
        (wrong_in(passage, sentence, own_words, near), -overlap(sentence, passage), position)
        for position, passage in enumerate(passages)
    )
    judged.sort(key=lambda one: len(one[0]))
    claims = facts(sentence)
    unheld = [fact.value for fact in sorted(claims)]
    wrong, shared, best = judged[0] if judged else (unheld, 0.0, -1)
    return Verdict(
        supported=bool(judged) and not wrong and (shared < 0 or bool(claims)),
        missing=tuple(dict.fromkeys(wrong)),
        passage=best,
        news=frozenset(fact for fact in claims if not holds(vocabulary(own_words), fact)),
        absent=bool(ABSENT.search(sentence)),
    )


def wrong_in(passage: str, sentence: str, own_words: str, near: Nearness | None) -> list[str]:
    """What the sentence says that this passage does not, or says of something else."""
    missing = [fact.value for fact in missing_in(passage, sentence, own_words, near)]
    return (
        missing
        or objections(sentence, passage, near)
        or merely_repeated(passage, sentence, own_words, near)
    )


def missing_in(
    passage: str, sentence: str, own_words: str, near: Nearness | None = None
) -> list[Fact]:
    """What the sentence says that this passage does not."""
    held, asked, claims = vocabulary(passage), vocabulary(own_words), facts(sentence)
    missing = sorted(fact for fact in claims if not holds(held, fact))
    said, own, there = stems(sentence), stems(own_words), stems(passage)
    foreign = {stem(word) for word in new_words(sentence, passage, near)} & own
    news = brings_news(passage, sentence, own_words)
    # The customer's words may be taken over by a sentence that brings news of its own and is
    # mostly about what the passage is about; a number that names the record says so best.
    named = sum(fact.kind in {"code", "number"} and holds(asked, fact) for fact in claims)
    if news and len(foreign) < 2 * named + len(said & own & there):
        return missing
    return missing + [Fact("word", word) for word in sorted(foreign)]


def brings_news(passage: str, sentence: str, own_words: str) -> bool:
    """It has a word of the passage, or a fact, that was not the customer's."""
    asked = vocabulary(own_words)
    return bool((stems(sentence) & stems(passage)) - stems(own_words)) or any(
        not holds(asked, fact) for fact in facts(sentence)
    )


def merely_repeated(
    passage: str, sentence: str, own_words: str, near: Nearness | None
) -> list[str]:
    """As in "Yes, it is safe in a tent", all words are on record, and the customer's. Then a
    statement must speak of the same, or yes and no would be as well supported."""
    if near is None or brings_news(passage, sentence, own_words):
        return []
    return [] if speaks_of(sentence, passage, near) else ["nothing on record speaks of it"]
