"""Moves the demo's dates to the day on which it is loaded: a parcel on its way stays on its way."""

import re
from calendar import month_abbr, month_name
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from crm.demo import shop

MONTHS = {name: number for number, name in enumerate(month_name) if name}
SHORT = {name: number for number, name in enumerate(month_abbr) if name}
_MONTH = "|".join([*MONTHS, *SHORT])
# 2026-11-24; 24.11.2026 or 24/11/2026; 24(th) (of) November (2026); November 24(th)(, 2026)
DATE = re.compile(
    r"\b(?:(?P<iso>20\d\d-\d\d-\d\d)(?!\d)"
    r"|(?P<d>\d\d)(?P<mark>[./])(?P<m>\d\d)(?P=mark)(?P<y>20\d\d)"
    rf"|(?P<day>\d{{1,2}})(?P<th>st|nd|rd|th)?(?P<of> of)? (?P<month>{_MONTH})\b"
    r"(?: (?P<year>20\d\d))?"
    rf"|(?P<month2>{_MONTH}) (?P<day2>\d{{1,2}})(?P<th2>st|nd|rd|th)?\b(?:, (?P<year2>20\d\d))?)"
)


def until(day: date) -> timedelta:
    """Return how far the demo's dates move, so that its today is the day before this one: no record
    may have changed later than now."""
    return day - timedelta(days=1) - shop.TODAY


def moved(value: Any, by: timedelta) -> Any:
    """Move every date in a JSON value, however it is written there."""
    if isinstance(value, dict):
        return {name: moved(inner, by) for name, inner in value.items()}
    if isinstance(value, list):
        return [moved(inner, by) for inner in value]
    return DATE.sub(lambda found: _moved(found, by), value) if isinstance(value, str) else value


def _moved(found: re.Match[str], by: timedelta) -> str:
    if iso := found["iso"]:
        return (date.fromisoformat(iso) + by).isoformat()
    if mark := found["mark"]:
        day = date(int(found["y"]), int(found["m"]), int(found["d"])) + by
        return f"{day:%d}{mark}{day:%m}{mark}{day.year}"
    name = found["month"] or found["month2"]
    year = found["year"] or found["year2"]
    month = MONTHS.get(name) or SHORT[name]
    day = _of(int(found["day"] or found["day2"]), month, year) + by
    names = month_name if name in MONTHS else month_abbr
    th = "th" if 11 <= day.day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    number = f"{day.day}{th if found['th'] or found['th2'] else ''}"
    if found["month2"]:
        return f"{names[day.month]} {number}" + (f", {day.year}" if year else "")
    return f"{number}{found['of'] or ''} {names[day.month]}" + (f" {day.year}" if year else "")


def _of(day: int, month: int, year: str | None) -> date:
    """Return the date; without a year, the one nearest to the demo's today. ValueError for a date
    that no calendar has."""
    if year:
        return date(int(year), month, day)
    near = []
    for one in (shop.TODAY.year - 1, shop.TODAY.year, shop.TODAY.year + 1):
        with suppress(ValueError):  # 29 February
            near.append(date(one, month, day))
    return min(near, key=lambda one: abs(one - shop.TODAY))
