"""Makes rows storable in every database: refuses what none can store, and shortens what is long."""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from math import isinf
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from inference import markup
from inference.length import boundary
from inference.text import unstorable

LONGEST = {"title": 500, "text": 200_000}
CUT = " [cut]"
# Python's JSON module and the functions that walk through a record's fields recurse once for each
# level; no known CRM record needs more than five.
DEEPEST = 20
# How far a sender's clock may be ahead: as far as the time of its signature may be off.
AHEAD = timedelta(minutes=5)
# Senders write whole seconds, and the next update may have been made while this one was on its way.
JUST_BEFORE = timedelta(seconds=1)
EXAMPLE = "2026-11-27T14:00:00Z"
MIDNIGHT = re.compile(r"([T ])24:00(:00(?:\.0+)?)?")
LEAP_SECOND = re.compile(r"([T ]\d\d:\d\d):60(?:\.\d+)?")


class RecordError(ValueError):
    """A row that is not a valid record; the message names the field and what it should be."""


def loads(text: str | bytes, **options: Any) -> Any:
    """Parse JSON without losing a digit of a number. All records are read by this function."""
    return json.loads(text, parse_float=exact, **options)


def exact(text: str) -> float | str:
    """Return the number as a float, or its text if a double cannot hold it exactly. (A Decimal
    would not fit into any database's JSON.)"""
    value = float(text)
    try:
        same = isinf(value) or Decimal(repr(value)) == Decimal(text)
    except InvalidOperation:  # An exponent of twenty digits.
        same = False
    return value if same else text


def strings(value: Any) -> Iterator[str]:
    """Yield every string of a JSON value, keys included. Raises RecordError if it is nested too
    deeply."""
    waiting = [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        if depth > DEEPEST:
            raise RecordError(f"is nested more than {DEEPEST} levels deep")
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            yield from part
            waiting += [(inner, depth + 1) for inner in part.values()]
        elif isinstance(part, list):
            waiting += [(inner, depth + 1) for inner in part]


def check(fields: dict[str, Any]) -> None:
    """Raise RecordError if some database cannot store the fields as JSON."""
    try:
        if any(map(unstorable, strings(fields))):
            raise RecordError("holds a NUL character or half of a surrogate pair")
        json.dumps(fields, allow_nan=False)
    except RecordError as error:
        raise RecordError(f'"fields" {error}') from None
    except ValueError:
        raise RecordError('"fields" holds NaN or an infinite number') from None


def without_markup(value: Any) -> Any:
    """Remove the markup from all texts of a JSON value that has passed `check`."""
    if isinstance(value, str):
        return markup.without_markup(value)
    if isinstance(value, list):
        return [without_markup(inner) for inner in value]
    if isinstance(value, dict):
        return {name: without_markup(inner) for name, inner in value.items()}
    return value


def shortened(row: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """Return the row with its title and text free of markup and cut to what can be stored."""
    given = {name: row[name] for name in LONGEST if isinstance(row.get(name), str)}
    texts = {
        name: markup.without_markup(text) for name, text in given.items() if not unstorable(text)
    }
    if "title" in texts:
        texts["title"] = texts["title"] or given["title"]  # The title may be about a tag.
    return row | {name: cut(name, text, notes) for name, text in texts.items()}


def cut(name: str, text: str, notes: list[str]) -> str:
    most = LONGEST[name]
    if len(text) <= most:
        return text
    notes.append(f'"{name}" was cut: {most:,} of its {len(text):,} characters are kept')
    return text[: boundary(text, most - len(CUT))].rstrip() + CUT


def moment(given: Any) -> datetime:
    """Parse `updated_at`. The result is in UTC: PostgreSQL takes no offset of 16 hours or more."""
    if isinstance(given, int | float) or (isinstance(given, str) and given.strip().isdecimal()):
        message = f'"updated_at" is the number {given}; send an ISO 8601 time such as {EXAMPLE}'
        raise RecordError(message)
    try:
        time = iso(given)
        aware = time if timezone.is_aware(time) else timezone.make_aware(time)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, AttributeError):
        message = f'"updated_at" must be an ISO 8601 time such as {EXAMPLE}, not {given!r}'
        raise RecordError(message) from None


def iso(text: str) -> datetime:
    """Parse an ISO 8601 time; 24:00 is the next day's midnight, a leap second the next minute."""
    text, midnights = MIDNIGHT.subn(r"\g<1>00:00\2", text)
    text, leaps = LEAP_SECOND.subn(r"\1:59", text)
    time = parse_datetime(text) or datetime.fromisoformat(text)
    return time + timedelta(days=midnights, seconds=leaps)


def capped(at: datetime, came: datetime, notes: list[str]) -> datetime:
    """Replace a time in the future, which would win over every later update, with the moment just
    before the row arrived."""
    if at <= came + AHEAD:
        return at
    notes.append(f'"updated_at" {at:%Y-%m-%d %H:%M:%S} UTC is yet to come: set the clock right')
    return came.replace(microsecond=0) - JUST_BEFORE


def digest(*state: Any) -> str:
    """Return a digest that tells apart states of one record with the same `updated_at`."""
    text = json.dumps(state, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
