"""Days and times of a record, in words."""

import re
from datetime import UTC, date, datetime
from typing import Any

from django.utils import timezone

ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
# A field that holds a day or a time, by the end of its name: "closedate", "created at", "expires".
OF_TIME = re.compile(
    r"(?:date|time|timestamp|datetime|deadline|expiry|expires|expiration|until|since|birthday|birth"
    r"|due|activity|renewal|starts?|ends?"
    r"|(?:^|[ _])(?:at|on|day|created|updated|modified|changed|contacted|visited"
    r"|seen|login|opened|closed|paid|sent|shipped|delivered|received|ordered|booked|cancell?ed))$",
    re.I,
)
# Of a field of that kind: seconds since 1970, of the years 2001 to 2099, or milliseconds, also of
# the years since 1973 in which customers were born.
EPOCH = re.compile(r"[1-3]\d{9}|\d{12}|[1-3]\d{12}")
SECONDS = 10  # digits


def spoken(label: str, value: Any) -> str | None:
    """'4 July 1996', with the time where it is not midnight, and the time's zone. None where the
    value is none; 5/4/2026 may be of April or of May, and stays as it is."""
    text = str(value).strip()
    try:
        if ISO_DATE.fullmatch(text):
            return day(date.fromisoformat(text))
        if ISO_TIME.match(text):
            return clock(datetime.fromisoformat(text))
        if EPOCH.fullmatch(text) and OF_TIME.search(label.strip()):
            seconds = int(text if len(text) == SECONDS else text[:-3])
            return clock(datetime.fromtimestamp(seconds, UTC))
    except ValueError:
        pass
    return None


def day(of: date) -> str:
    return f"{of.day} {of:%B %Y}"


def clock(at: datetime) -> str:
    """In the company's own zone. Midnight stands for the day alone, and is of no zone."""
    if not (at.hour or at.minute):
        return day(at)
    if timezone.is_naive(at):
        return f"{day(at)}, {at:%H:%M}"
    here = at.astimezone(timezone.get_default_timezone())
    name = here.tzname() or ""
    return f"{day(here)}, {here:%H:%M} {f'UTC{name}' if name[:1] in {'+', '-'} else name}"
