"""Recognises a quantity in other words: two weeks for 14 days, "six in the evening" for 18:00."""

import re
from collections.abc import Iterator

from inference.grounding.dates import MONTHS as MONTH_NAMES
from inference.grounding.dates import dates
from inference.grounding.facts import Fact, amount, facts, number_words
from inference.remembered import remembered

HOURS = {
    "minute": 1 / 60,
    "hour": 1.0,
    "day": 24.0,
    "night": 24.0,
    "week": 168.0,
    "fortnight": 336.0,
}
MONTHS = {"month": 1.0, "quarter": 3.0, "year": 12.0}
PIECES = {"pair": 2.0, "dozen": 12.0}
SCALES: tuple[dict[str, float], ...] = (HOURS, MONTHS, PIECES)
UNIT = re.compile(
    r"((?<![\d.,])\d{1,6}(?:\.\d{1,4})?|\ban?\b)[\s-]{1,3}"
    r"(?:(?:calendar|working|business|full|whole|more|clear) )?"
    r"(minute|hour|day|night|week|fortnight|month|quarter|year|pair|dozen)s?\b",
    re.I,
)
HOUR = re.compile(
    r"\b(?P<half>half past )?(?P<hour>\d{1,2})\b(?!\s*%|[.,:]\d)"
    r"(?:\s+o['’]clock)?(?P<part>\s+in the (?:morning|afternoon|evening)|\s+at night)?"
    r"(?=\s*(?:$|[.,;!?)]|(?:on|and|or|to|until|till|the|every|each|daily)\b))",
    re.I,
)
AT = re.compile(
    r"\b(?:at|from|until|till|to|by|before|after|past|between|and|around|about) $", re.I
)
WEEKDAY = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?")
WEEK = re.compile(
    r"\b(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:days?)?\b"
    r"|\bweek(?:day|end)s?\b|\b(?:every|each|working|business) days?\b|\bdaily\b",
    re.I,
)
DAY = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)\b(?! (?:floor|time|birthday|anniversary))", re.I)


def said_otherwise(fact: Fact, sentence: str, text: str) -> bool:
    """Tell whether the text has the sentence's number as another unit, a time or a day's date, or
    speaks of the month or of days of the week."""
    if fact.kind == "name":
        return of_the_calendar(fact.value, text)
    if fact.kind != "number":
        return False
    plain = number_words(sentence)
    return (
        any(own in quantities(text) for own in of_number(fact.value, plain))
        or any(time in known(text, "time") for time in times(fact.value, plain))
        or (day(fact.value, plain) and any(d.endswith(f"-{fact.value}") for d in dates(text)[0]))
    )


@remembered
def quantities(text: str) -> frozenset[tuple[int, float]]:
    return frozenset(one for _, one in found(number_words(text)))


def found(text: str) -> Iterator[tuple[str, tuple[int, float]]]:
    """Yield numbers as they are written, each with its scale and size there."""
    for number, unit in UNIT.findall(text):
        value = 1.0 if number.lower() in {"a", "an"} else float(number)
        for place, scale in enumerate(SCALES):
            if unit.lower() in scale:
                yield number, (place, value * scale[unit.lower()])


def of_number(value: str, sentence: str) -> list[tuple[int, float]]:
    return [one for number, one in found(sentence) if number.isdigit() and amount(number) == value]


def times(value: str, sentence: str) -> Iterator[str]:
    """Yield the times of day that the number may stand for in the sentence."""
    for match in HOUR.finditer(sentence):
        hour = int(match["hour"])
        spoken = (
            match["half"]
            or match["part"]
            or AT.search(sentence[max(0, match.start() - 9) : match.start()])
        )
        if match["hour"] == value and spoken and hour <= 12:
            minutes = "30" if match["half"] else "00"
            yield from (f"{hour % 12}:{minutes}", f"{hour % 12 + 12}:{minutes}")


def of_the_calendar(name: str, text: str) -> bool:
    """A weekday is not a figure: whether "Monday to Friday" includes it is for the reader."""
    if name in MONTH_NAMES:
        return any(
            date.split("-")[1] == str(MONTH_NAMES.index(name) + 1) for date in dates(text)[0]
        )
    return bool(WEEKDAY.fullmatch(name) and WEEK.search(text))


def day(value: str, sentence: str) -> bool:
    return value in DAY.findall(sentence)


def known(text: str, kind: str) -> set[str]:
    return {fact.value for fact in facts(text) if fact.kind == kind}
