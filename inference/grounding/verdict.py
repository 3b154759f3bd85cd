"""Decides whether a sentence is supported, and by which passage, or what is wrong with it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from inference.grounding.claims import Nearness, new_words, objections, speaks_of
from inference.grounding.facts import Fact, facts, holds, vocabulary
from inference.grounding.quantities import said_otherwise
from inference.grounding.told import in_its_words
from inference.grounding.words import overlap, stem, stems

# Phrases that say that something is not on record.
ABSENT = re.compile(
    r"\b(?:do(?:es)? not|don['’]t|doesn['’]t|cannot|can['’]t|could not|couldn['’]t|isn['’]t|"
    r"is not|are not|not|no)\b[^.]{0,60}\b(?:on record|in (?:the|your|our|my) records?|"
    r"information|record|mention\w*|specif\w*|provid\w*|find|available|access|details?|data|know)\b",
    re.I,
)


@dataclass(frozen=True)
class Verdict:
    supported: bool
    # The parts of the sentence that no passage supports.
    missing: tuple[str, ...]
    # Position of the passage that supports most of it; -1 without passages.
    passage: int
    # The facts that the customer did not mention.
    news: frozenset[Fact]
    # The sentence itself says that nothing is on record.
    absent: bool = False
    # What the record says, to be shown in place of a paraphrase; "" if the sentence may be shown.
    told: str = ""

    @property
    def shown(self) -> bool:
        """Whether the sentence itself may be shown."""
        return self.supported and not self.absent and not self.told


def check(
    sentence: str, passages: Sequence[str], own_words: str, near: Nearness | None = None
) -> Verdict:
    """Check a sentence against passages of one record each.

    A single passage must support all of it, or the price of one thing could be given for another.
    own_words: the customer's message.
    """
    judged = sorted(
        (wrong_in(passage, sentence, own_words, near), -overlap(sentence, passage), position)
        for position, passage in enumerate(passages)
    )
    judged.sort(key=lambda one: len(one[0]))
    claims = facts(sentence)
    unheld = [fact.value for fact in sorted(claims)]
    wrong, shared, best = judged[0] if judged else (unheld, 0.0, -1)
    supported = bool(judged) and not wrong and (shared < 0 or bool(claims))
    return Verdict(
        supported=supported,
        missing=tuple(dict.fromkeys(wrong)),
        passage=best,
        news=frozenset(fact for fact in claims if not holds(vocabulary(own_words), fact)),
        absent=bool(ABSENT.search(sentence)),
        told=in_its_words(sentence, passages[best], near) if supported else "",
    )


def wrong_in(passage: str, sentence: str, own_words: str, near: Nearness | None) -> list[str]:
    """Return the parts of a sentence that this passage does not support."""
    missing = [fact.value for fact in missing_in(passage, sentence, own_words, near)]
    return (
        missing
        or objections(sentence, passage, near)
        or merely_repeated(passage, sentence, own_words, near)
    )


def missing_in(
    passage: str, sentence: str, own_words: str, near: Nearness | None = None
) -> list[Fact]:
    """Return the facts and words of a sentence that are not in this passage."""
    held, asked, claims = vocabulary(passage), vocabulary(own_words), facts(sentence)
    missing = sorted(
        fact
        for fact in claims
        if not holds(held, fact) and not said_otherwise(fact, sentence, passage)
    )
    said, own, there = stems(sentence), stems(own_words), stems(passage)
    foreign = {stem(word) for word in new_words(sentence, passage, near)} & own
    news = brings_news(passage, sentence, own_words)
    # A sentence may repeat the customer's words if it also has news and is mostly about the subject
    # of the passage; a number that names the record is the best sign.
    named = sum(fact.kind in {"code", "number"} and holds(asked, fact) for fact in claims)
    if news and len(foreign) < 2 * named + len(said & own & there):
        return missing
    return missing + [Fact("word", word) for word in sorted(foreign)]


def brings_news(passage: str, sentence: str, own_words: str) -> bool:
    """Tell whether a sentence has a fact, or a word of the passage, that is not the customer's."""
    asked = vocabulary(own_words)
    return bool((stems(sentence) & stems(passage)) - stems(own_words)) or any(
        not holds(asked, fact) for fact in facts(sentence)
    )


def merely_repeated(
    passage: str, sentence: str, own_words: str, near: Nearness | None
) -> list[str]:
    """Object to a sentence like "Yes, it is safe in a tent", all of whose words are the customer's.

    A statement must be about the same thing, or yes and no would be equally supported.
    """
    if near is None or brings_news(passage, sentence, own_words):
        return []
    return [] if speaks_of(sentence, passage, near) else ["nothing on record speaks of it"]
