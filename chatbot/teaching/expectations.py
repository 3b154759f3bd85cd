"""Derives what a right answer must hold from a text that somebody called right.

The form is that of inference.evaluation.answers: groups of alternatives, one of each in the answer.
"""

import re
from collections.abc import Iterator

from inference.grounding import facts as told
from inference.grounding.dates import DATES, DAY_FIRST, MONTHS, STYLES, dates, rewritten
from inference.grounding.facts import facts
from inference.grounding.words import STOPWORDS, WORD, overlap, squeeze, stem, stems
from inference.sentences import split

# Names stand in the midst of a sentence, alone or in a list, "in Freiburg and Karlsruhe", or have
# several words. Other capitals may begin a label or a state: "Usual wait: 45 min".
_NAME = r"[A-ZÀ-Þ][\w'’&-]{0,40}"
NAMED = re.compile(
    rf"(?<=[a-zß-ÿ] ){_NAME}(?:(?:, and |, or |, | and | or | ){_NAME}){{0,8}}"
    rf"|\b{_NAME}(?: {_NAME}){{1,4}}(?![\w'’&-]|:| [A-ZÀ-Þ])"
)
CURRENCY = re.compile(r"[A-Z]{3}|[$€£¥₹]")
# A figure counts something: "45 min", "34 EUR", "20 %".
UNIT = re.compile(r"[\s-]?([^\W\d_]{1,15}|[%€$£¥₹])")
Groups = list[list[str]]
# "Total: 41.50", "Order 50001 – Shipped date: …": a paraphrase does not repeat the label.
LABEL = re.compile(r"(?:^|(?<=– ))[A-Z][\w ]{0,40}: ", re.MULTILINE)
# Share of a sentence's words that a quotation has, if it is what the sentence says.
MOSTLY = 0.6
# A text without facts is known by so many of its longest words.
WORDS = 4
DAYS = {"day", "days"}


def expectation(text: str, known: str = "") -> Groups:
    """Return a group for each figure, date and name of the text that `known`, for example the
    question, does not have: an answer that repeats the question is not right. In a group, the
    fact as the text has it comes first."""
    text = LABEL.sub(" ", text)
    before, names = facts(known), named(text)
    new = sorted(fact for fact in facts(text) if not told.holds(before, fact))
    meant = [fact for fact in new if fact.kind != "name" or fact.value in names]
    return [list(dict.fromkeys(SPELLINGS[fact.kind](fact.value, text))) for fact in meant]


def named(text: str) -> set[str]:
    """Return the names in the text; a currency is none."""
    found = {word for match in NAMED.finditer(text) for word in re.split(r"[\s,]+", match[0])}
    return {squeeze(word).strip(".@") for word in found if not CURRENCY.fullmatch(word.strip("."))}


def answering(text: str, quote: str) -> str:
    """Return the sentences of an answer that say what its source is quoted with: others only go
    with it. All of them if none does."""
    quoted = [one for one in split(text) if quote and overlap(one, quote) >= MOSTLY]
    return " ".join(quoted) or text


def words(text: str, known: str = "") -> Groups:
    """Return a group for each of the longest words that matter, with their stems."""
    new = stems(text) - stems(known)
    written = {stem(squeeze(word)): word.lower() for word in WORD.findall(text)}
    longest = sorted(new & written.keys(), key=lambda one: (-len(one), one))[:WORDS]
    # "polici" is neither in "policy" nor in "policies" written out; "polic" is.
    return [sorted({written[one], one.rstrip("i")}) for one in longest]


def as_dates(value: str, text: str) -> Iterator[str]:
    for pattern in DATES:
        for match in pattern.finditer(text):
            if dates(match[0])[0] == {value}:
                yield match[0]
                day = (rewritten(match, style) for style in [*STYLES, DAY_FIRST])
                yield from (one for one in day if dates(one)[0] & {value, slashed(value)})
    year, month, day_of_month = value.split("-")
    if year == "?" and month.isdigit() and day_of_month.isdigit():
        name = MONTHS[int(month) - 1].capitalize()
        yield from (f"{day_of_month} {name}", f"{name} {day_of_month}")


def slashed(value: str) -> str:
    """Return how `dates` reads 03/11/2026, which may be in March or in November."""
    year, month, day = value.split("-")
    both = f"{int(day)}/{int(month)}" if day.isdigit() and month.isdigit() else ""
    return f"{year}-{both}-{both}"


def as_times(value: str, text: str) -> Iterator[str]:
    yield value
    yield from (match[0] for match in told.CLOCK.finditer(text) if told.clock(match) == value)
    hour, minutes = value.split(":")
    if minutes == "00":
        half = "pm" if int(hour) >= 12 else "am"
        yield from (f"{(int(hour) - 1) % 12 + 1}{gap}{half}" for gap in (" ", ""))


def as_numbers(value: str, text: str) -> Iterator[str]:
    for match in told.NUMBER.finditer(text):
        if told.amount(match[0]) == value:
            unit = UNIT.match(text, match.end())
            if unit and squeeze(unit[1]) not in STOPWORDS - DAYS:
                yield match[0] + unit[0]
            yield match[0]
    yield value
    spoken = told.SPOKEN.finditer(text)
    yield from (match[0] for match in spoken if str(told.spoken(match)) == value)
    if value.isdigit() and len(value) > 3:
        yield f"{int(value):,}"


def as_written(value: str, text: str) -> Iterator[str]:
    """Yield the words of the text that stand for a code or a name."""
    found = [word for word in re.findall(r"\S+", text) if squeeze(word).strip(".@") == value]
    yield from (word.strip(".,;:!?()[]\"'“”‘’*") for word in found)
    if not found:
        yield value


# By kind of fact: how an answer may write it, as the text does and in the usual other ways.
SPELLINGS = {
    "date": as_dates,
    "time": as_times,
    "number": as_numbers,
    "code": as_written,
    "name": as_written,
}
