"""Reads the dates of tables, which every program writes in its own way.

05/04/2026 may be a day in April or in May: the other values of its column tell, or somebody is
asked.
"""

import re
from datetime import date, datetime

from crm.knowledge import moments
from inference.text import without_accents

# A time of day after a date: "14:30", "2:30:05 pm".
TIME = r"(?:,? {1,2}|T)(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d{1,6})? ?([AaPp])?(?:[Mm])?"
YEAR, NAME = r"(\d{4}|\d{2})", r"([^\W\d_]{3,10})"
NUMBERS = re.compile(rf"(\d{{1,2}})([./-]) ?(\d{{1,2}})\2 ?{YEAR}(?:{TIME})?")
YEAR_FIRST = re.compile(rf"(\d{{4}})([./])(\d{{1,2}})\2(\d{{1,2}})(?:{TIME})?")
DAY_MONTH = re.compile(rf"(\d{{1,2}})\.?[ -]{NAME}\.?,?[ -]{YEAR}(?:{TIME})?")
MONTH_DAY = re.compile(rf"{NAME}\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})(?:{TIME})?")
# The first letters of the months in English, German, French, Spanish, Italian and Dutch, without
# accents.
MONTHS = (
    ("jan", "ene", "gen"), ("feb", "fev"), ("mar", "mrz", "maa", "mrt"),
    ("apr", "avr", "abr"), ("may", "mai", "mag", "mei"), ("jun", "juin", "giu"),
    ("jul", "juil", "lug"), ("aug", "aou", "ago"), ("sep", "set"), ("oct", "okt", "ott"),
    ("nov",), ("dec", "dez", "dic"),
)  # fmt: skip
# Longer texts are not dates; "Wednesday" is not read either.
LONGEST = 40
# 01/02/68 is in 2068, 01/02/69 in 1969, as POSIX has it.
PIVOT = 69


def iso(text: str, day_first: bool | None) -> str | None:
    """Return the date, with its time if it has one, as ISO 8601; None if the text is not a date, or
    may be one of two."""
    text = text.strip()
    if len(text) > LONGEST or not any(map(str.isdigit, text)):
        return None
    if moments.ISO_DATE.fullmatch(text) or moments.ISO_TIME.match(text):
        return text if moments.read("date", text) else None
    try:
        return _read(text, day_first)
    except ValueError:
        return None


def _read(text: str, day_first: bool | None) -> str | None:
    if found := YEAR_FIRST.fullmatch(text):
        return _written(int(found[1]), int(found[3]), int(found[4]), found.groups()[4:])
    if found := NUMBERS.fullmatch(text):
        one, mark, two, year = int(found[1]), found[2], int(found[3]), found[4]
        if (first := True if mark == "." else order(text)) is None:
            first = day_first
        if one == two:
            first = True
        if first is None:
            return None
        day, month = (one, two) if first else (two, one)
        return _written(full_year(year), month, day, found.groups()[4:])
    if found := DAY_MONTH.fullmatch(text):
        return _written(full_year(found[3]), month_of(found[2]), int(found[1]), found.groups()[3:])
    if found := MONTH_DAY.fullmatch(text):
        return _written(int(found[3]), month_of(found[1]), int(found[2]), found.groups()[3:])
    return None


def order(text: str) -> bool | None:
    """Tell whether a date of three numbers begins with the day; None if it may be either, or is
    no such date."""
    one, two = day_and_month(text)
    return None if (one > 12) == (two > 12) else one > 12


def is_ambiguous(text: str) -> bool:
    one, two = day_and_month(text)
    return one != two and max(one, two) <= 12


def day_and_month(text: str) -> tuple[int, int]:
    """Return the first two numbers of a date, in either order; zeros if the text is no such date,
    or its points say that it begins with the day."""
    found = NUMBERS.fullmatch(text.strip())
    return (int(found[1]), int(found[3])) if found and found[2] != "." else (0, 0)


def full_year(year: str) -> int:
    number = int(year)
    if len(year) == 4:
        return number
    return number + (2000 if number < PIVOT else 1900)


def month_of(name: str) -> int:
    """Return the month's number. Raises ValueError."""
    letters = without_accents(name.lower())
    for number, starts in enumerate(MONTHS, start=1):
        if letters.startswith(starts):
            return number
    raise ValueError(f"{name!r} is not a month")


def _written(year: int, month: int, day: int, time: tuple[str | None, ...]) -> str:
    on = date(year, month, day)
    hours, minutes, seconds, half = time
    if hours is None:
        return on.isoformat()
    hour = int(hours)
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("there is no such hour on a 12-hour clock")
        hour = hour % 12 + (12 if half in "Pp" else 0)
    return datetime(year, month, day, hour, int(minutes or 0), int(seconds or 0)).isoformat()
