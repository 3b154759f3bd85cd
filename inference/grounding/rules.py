"""What rules decide about a sentence: whether its figures and names stand in one record, and
whether it says what a line says, no more and no less."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from inference.grounding.dates import without_dates
from inference.grounding.facts import facts, holds, vocabulary
from inference.grounding.quantities import said_otherwise
from inference.grounding.words import WORD, letters, overlap

# Phrases that say that something is not on record.
ABSENT = re.compile(
    r"\b(?:do(?:es)? not|don['’]t|doesn['’]t|cannot|can['’]t|could not|couldn['’]t|isn['’]t|"
    r"is not|are not|not|no)\b[^.]{0,60}\b(?:on record|in (?:the|your|our|my) records?|"
    r"information|record|mention\w*|specif\w*|provid\w*|find|available|access|details?|data|know)\b",
    re.I,
)
# Words that make a sentence of "Shipped date: 3 May", and add nothing to it.
FILLING = frozenset(
    "a an the of to on at in for with and as it its this that these those is are was were be been "
    "has have had you your we us our i me my date number yes".split()
)
NEGATIONS = frozenset({"no", "not", "none", "never"})


@dataclass(frozen=True)
class Basis:
    """The passage that a sentence may rest on: the one that has most of its figures and words."""

    # Its position; -1 without passages.
    passage: int
    # The figures and names of the sentence that the passage lacks.
    missing: tuple[str, ...] = ()


def basis(sentence: str, passages: Sequence[str], own_words: str = "") -> Basis:
    """Find the passage that a sentence may rest on.

    A single passage must have all of its figures, or the price of one thing could be given for
    another. own_words: see `unheld`.
    """
    found = [
        (unheld(sentence, passage, own_words), -overlap(sentence, passage), position)
        for position, passage in enumerate(passages)
    ]
    if not found:
        return Basis(-1)
    missing, _, position = min(found, key=lambda one: (len(one[0]), *one[1:]))
    return Basis(position, tuple(missing))


def unheld(sentence: str, text: str, own_words: str = "") -> list[str]:
    """Return the dates, numbers, codes and names of the sentence that the text does not have.

    own_words: the customer's message, whose dates, times and numbers the sentence may repeat.
    """
    theirs = {fact for fact in facts(own_words) if fact.kind not in {"code", "name"}}
    held = vocabulary(text) | theirs
    return [
        fact.value
        for fact in sorted(facts(sentence))
        if not holds(held, fact) and not said_otherwise(fact, sentence, text)
    ]


def says_absent(sentence: str) -> bool:
    """Tell whether the sentence says that something is not on record."""
    return bool(ABSENT.search(sentence))


def restates(sentence: str, line: str, title: str = "") -> bool:
    """Tell whether a sentence says all that a line says, and nothing else.

    Either it is the line, or it makes a sentence of a field: "Order 7 was shipped on 3 May." of
    "Shipped date: 3 May" in "Order 7". Every word counts: a paraphrase would have to be proved, and
    nothing that was tried does that well enough (docs/architecture.md).
    """
    if letters(sentence) == letters(line):
        return True
    _, colon, value = line.partition(": ")
    said, there, known = words_of(sentence), words_of(line), words_of(title) - NEGATIONS
    return (
        bool(colon)
        and said - known <= there
        and there - known <= said
        and all(holds(vocabulary(sentence), fact) for fact in facts(value))
        and not unheld(sentence, f"{title}\n{line}")
    )


def words_of(text: str) -> frozenset[str]:
    """Return the words that say something, and are no part of a date."""
    return frozenset(letters(word) for word in WORD.findall(without_dates(text))) - FILLING
