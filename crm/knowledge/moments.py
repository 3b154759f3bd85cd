"""Formats a record's dates and times as people write them."""

import re
from datetime import UTC, date, datetime
from typing import Any

from django.utils import timezone

ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# No part of a longer number: INV-12026-12-031.
DAY_IN_TEXT = re.compile(rf"(?<![\w-]){ISO_DATE.pattern}(?![\d-])")
ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
# Ends of the names of fields that hold a date or a time: "closedate", "created at", "expires".
OF_TIME = re.compile(
    r"(?:date|time|timestamp|datetime|deadline|expiry|expires|expiration|until|since|birthday|birth"
    r"|due|activity|renewal|starts?|ends?"
    r"|(?:^|[ _])(?:at|on|day|created|updated|modified|changed|contacted|visited"
    r"|seen|login|opened|closed|paid|sent|shipped|delivered|received|ordered|booked|cancell?ed))$",
    re.I,
)
# The number in such a field: seconds since 1970, from 2001 to 2099, or milliseconds, also from 1973
# on for dates of birth.
EPOCH = re.compile(r"[1-3]\d{9}|\d{12}|[1-3]\d{12}")
SECONDS = 10  # digits
# Words of a value that gives a day; a longer text is a note that mentions one.
DAY_WORDS = 9


def formatted(label: str, value: Any) -> str | None:
    """Write a date as "4 July 1996", with the time and its zone if it is not midnight. Returns None
    if the value is ambiguous or not a date: 5/4/2026 may be in April or in May."""
    found = read(label, value)
    if found is None:
        return None
    return clock(found) if isinstance(found, datetime) else day(found)


def day_of(label: str, value: Any) -> date | None:
    """Return the day that `formatted` writes, in the company's own zone, or the first that a short
    text names."""
    return next(iter(days_of(label, value)), None)


def days_of(label: str, value: Any) -> list[date]:
    """Return the day that `formatted` writes, or all that a short text names."""
    found = read(label, value)
    if found is None:
        return days_in(value)
    if not isinstance(found, datetime):
        return [found]
    if timezone.is_naive(found) or not (found.hour or found.minute):
        return [found.date()]
    return [found.astimezone(timezone.get_default_timezone()).date()]


def days_in(value: Any) -> list[date]:
    """Return the days that a short text names: "2026-12-03, between 8 and 10 am"."""
    if not isinstance(value, str) or len(value.split()) > DAY_WORDS:
        return []
    read_days = (read("", one) for one in DAY_IN_TEXT.findall(value))
    return [found for found in read_days if found is not None]


def read(label: str, value: Any) -> datetime | date | None:
    text = str(value).strip()
    try:
        if ISO_DATE.fullmatch(text):
            return date.fromisoformat(text)
        if ISO_TIME.match(text):
            return datetime.fromisoformat(text)
        if EPOCH.fullmatch(text) and OF_TIME.search(label.strip()):
            seconds = int(text if len(text) == SECONDS else text[:-3])
            return datetime.fromtimestamp(seconds, UTC)
    except ValueError:
        pass
    return None


def day(of: date) -> str:
    return f"{of.day} {of:%B %Y}"


def clock(at: datetime) -> str:
    """Write a time in the company's own zone. Midnight means the day alone, in whatever zone."""
    if not (at.hour or at.minute):
        return day(at)
    if timezone.is_naive(at):
        return f"{day(at)}, {at:%H:%M}"
    here = at.astimezone(timezone.get_default_timezone())
    name = here.tzname() or ""
    return f"{day(here)}, {here:%H:%M} {f'UTC{name}' if name[:1] in {'+', '-'} else name}"
