"""What rules decide about a sentence: whether its figures and names stand in one record, and
whether it says what a line says, no more and no less."""

import re
from collections.abc import Sequence

from inference.grounding.dates import without_dates
from inference.grounding.facts import facts, holds, vocabulary
from inference.grounding.quantities import said_otherwise
from inference.grounding.words import WORD, letters
from inference.lines import CELL

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
    "has have had you your we us our i me my date number".split()
)
# What may not stand beside a value, or it would be another one: "-41.50", "€41.50", "5 %".
BEFORE, AFTER = r"(?<![\w.,+\-−€$£¥₹])", r"(?!\w|[.,]\d|\s*[%€$£¥₹])"
NEGATIONS = frozenset({"no", "not", "none", "never"})
# As a value: "No, it is insured." is not what "Insured: no" says.
ANSWERS = NEGATIONS | {"yes"}


def lacking(sentence: str, passages: Sequence[str], own_words: str = "") -> list[str]:
    """Return what the best passage lacks of the sentence's figures and names.

    A single passage must have all of them, or the price of one thing could be given for another.
    own_words: see `unheld`.
    """
    found = (unheld(sentence, passage, own_words) for passage in passages)
    return min(found, key=len, default=[fact.value for fact in sorted(facts(sentence))])


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
    "Shipped date: 3 May" in "Order 7". The value stands in it as it is; only a date may be written
    in another way. A paraphrase would have to be proved, and nothing that was tried does that well
    enough (docs/architecture.md).
    """
    if bare(sentence) == bare(line):
        return True
    label, colon, value = line.partition(": ")
    rest = without_value(bare(sentence), bare(value)) if colon else None
    if rest is None or letters(value) in ANSWERS or any(mark in line for mark in (CELL, ";")):
        return False
    said, known = words_of(rest), words_of(title) - NEGATIONS
    return said - known == words_of(label) - known and not unheld(rest, title)


def bare(text: str) -> str:
    """Return the text in lower case, with single spaces, and without its full stop."""
    return " ".join(text.casefold().split()).rstrip(".!。！ ")


def without_value(sentence: str, value: str) -> str | None:
    """Take the value, or a date that is the value, out of the sentence; None if it is not there."""
    dates = [fact for fact in facts(sentence) if fact.kind == "date"]
    if value and not without_dates(value).strip() and set(dates) == facts(value):
        return without_dates(sentence)
    found = re.search(f"{BEFORE}{re.escape(value)}{AFTER}", sentence) if value else None
    return f"{sentence[: found.start()]} {sentence[found.end() :]}" if found else None


def words_of(text: str) -> frozenset[str]:
    """Return the words that say something, and are no part of a date."""
    return frozenset(letters(word) for word in WORD.findall(without_dates(text))) - FILLING
