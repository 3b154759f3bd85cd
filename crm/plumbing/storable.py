"""What every database can keep of a row, and what of it is shortened so that the rest is kept."""

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

from crm.plumbing import markup
from inference.length import boundary

LONGEST = {"title": 500, "text": 200_000}
CUT = " [cut]"
# JSON's own readers and the walks through a record's fields call themselves once for each level;
# no CRM's record is known to need more than five.
DEEPEST = 20
# How far a sender's clock may be ahead; as much as its signature's time may be.
AHEAD = timedelta(minutes=5)
# Senders write whole seconds, and the true update may have been made while this one was on its way.
JUST_BEFORE = timedelta(seconds=1)
EXAMPLE = "2026-11-27T14:00:00Z"
MIDNIGHT = re.compile(r"([T ])24:00(:00(?:\.0+)?)?")
LEAP_SECOND = re.compile(r"([T ]\d\d:\d\d):60(?:\.\d+)?")


class RecordError(ValueError):
    """A row that is no record; the message names the field and what it should be."""


def loads(text: str | bytes, **options: Any) -> Any:
    """JSON's value. Every entrance of records reads it by this: no digit of a number is lost."""
    return json.loads(text, parse_float=exact, **options)


def exact(text: str) -> float | str:
    """A number as JSON writes it, or its text where a double holds another one. (As a Decimal no
    database's JSON would take it.)"""
    found = float(text)
    try:
        same = isinf(found) or Decimal(repr(found)) == Decimal(text)
    except InvalidOperation:  # An exponent of twenty digits.
        same = False
    return found if same else text


def unstorable(text: str) -> bool:
    """NUL (which PostgreSQL refuses) or half a surrogate pair (which UTF-8 does)."""
    if text.isascii():
        return "\x00" in text
    return "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text)


def strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value, its keys too. RecordError where it is nested too deeply."""
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > DEEPEST:
            raise RecordError(f"is nested more than {DEEPEST} levels deep")
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            yield from one
            waiting += [(inner, depth + 1) for inner in one.values()]
        elif isinstance(one, list):
            waiting += [(inner, depth + 1) for inner in one]


def check(fields: dict[str, Any]) -> None:
    """As JSON in every database."""
    try:
        if any(map(unstorable, strings(fields))):
            raise RecordError("holds a NUL character or half of one")
        json.dumps(fields, allow_nan=False)
    except RecordError as error:
        raise RecordError(f'"fields" {error}') from None
    except ValueError:
        raise RecordError('"fields" holds a number that is none') from None


def plain(value: Any) -> Any:
    """The texts of a checked JSON value without markup."""
    if isinstance(value, str):
        return markup.plain(value)
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return value


def shortened(row: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """The row with its title and text plain, and no longer than can be kept."""
    given = {name: row[name] for name in LONGEST if isinstance(row.get(name), str)}
    texts = {name: markup.plain(text) for name, text in given.items() if not unstorable(text)}
    if "title" in texts:
        texts["title"] = texts["title"] or given["title"]  # A title that speaks of a tag.
    return row | {name: cut(name, text, notes) for name, text in texts.items()}


def cut(name: str, text: str, notes: list[str]) -> str:
    most = LONGEST[name]
    if len(text) <= most:
        return text
    notes.append(f'"{name}" was cut: {most:,} of its {len(text):,} characters are kept')
    return text[: boundary(text, most - len(CUT))].rstrip() + CUT


def moment(given: Any) -> datetime:
    """In UTC: PostgreSQL takes no offset of 16 hours or more."""
    if isinstance(given, int | float) or (isinstance(given, str) and given.strip().isdecimal()):
        message = f'"updated_at" is the number {given}; send an ISO 8601 time such as {EXAMPLE}'
        raise RecordError(message)
    try:
        found = iso(given)
        aware = found if timezone.is_aware(found) else timezone.make_aware(found)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, AttributeError):
        message = f'"updated_at" must be an ISO 8601 time such as {EXAMPLE}, not {given!r}'
        raise RecordError(message) from None


def iso(text: str) -> datetime:
    """24:00 is the next day's midnight, and a leap second the next minute, as ISO 8601 has it."""
    text, midnights = MIDNIGHT.subn(r"\g<1>00:00\2", text)
    text, leaps = LEAP_SECOND.subn(r"\1:59", text)
    found = parse_datetime(text) or datetime.fromisoformat(text)
    return found + timedelta(days=midnights, seconds=leaps)


def capped(at: datetime, came: datetime, notes: list[str]) -> datetime:
    """A time that is yet to come would outlast every later update: then the row is as of just
    before it came."""
    if at <= came + AHEAD:
        return at
    notes.append(f'"updated_at" {at:%Y-%m-%d %H:%M:%S} UTC is yet to come: set the clock right')
    return came.replace(microsecond=0) - JUST_BEFORE


def digest(*state: Any) -> str:
    """Tells the states of one record apart that bear the same time."""
    text = json.dumps(state, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
