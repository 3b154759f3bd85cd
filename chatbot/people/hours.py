"""The business hours of an inbox: opening times of a week, special days, a time zone.

Times are stored as people read them: "09:00–12:30, 13:30–18:00", and "" for a closed day.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Minutes from the day's midnight; an end after 24:00 lies in the next day.
Span = tuple[int, int]
# In UTC; the end is None if it lies further ahead than AHEAD.
Spell = tuple[datetime, datetime | None]
DAY = 24 * 60
ALL_DAY: tuple[Span, ...] = ((0, DAY),)
SPAN = re.compile(r"(\d{1,2})(?:[:.](\d\d))?\s*(?:[-–—]|to)\s*(\d{1,2})(?:[:.](\d\d))?")
CLOSED = "closed"
# Days to look ahead for the next opening.
AHEAD = 60
WEEK = 7
EXAMPLE = "09:00–12:30, 13:30–18:00"


def spans(text: str) -> tuple[Span, ...]:
    """Parse the times of one day. A ValueError is a sentence to the person who typed them."""
    parts = [part.strip() for part in text.strip().lower().split(",") if part.strip()]
    day = tuple(sorted(span(part) for part in parts if part != CLOSED))
    for (_, ends), (begins, _) in pairwise(day):
        if begins < ends:
            raise ValueError(f"Two of these times overlap at {clock(begins)}.")
    return day


def span(text: str) -> Span:
    match = SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f'Write "{text}" like {EXAMPLE}.')
    begins, ends = minutes(match[1], match[2]), minutes(match[3], match[4])
    if begins in (ends, DAY):
        raise ValueError(f'"{text}" has no length; write 00:00–24:00 for a whole day.')
    return begins, ends if ends > begins else ends + DAY


def minutes(hour: str, minute: str | None) -> int:
    total = 60 * int(hour) + int(minute or 0)
    if int(minute or 0) > 59 or total > DAY:
        raise ValueError(f"{hour}:{minute or '00'} is not a time of day.")
    return total


def written(day: Iterable[Span]) -> str:
    return ", ".join(f"{clock(begins)}–{clock(ends)}" for begins, ends in day)


def clock(minute: int) -> str:
    minute = minute if minute <= DAY else minute - DAY
    return f"{minute // 60:02}:{minute % 60:02}"


def special_day(line: str) -> str:
    """Return "2026-12-24 9-12" or "2026-12-25 closed" in the stored form. ValueError as `spans`."""
    day, _, rest = line.strip().partition(" ")
    try:
        on = date.fromisoformat(day.rstrip(":"))
    except ValueError:
        example = f"2026-12-24 09:00–12:00, or 2026-12-25 {CLOSED}"
        raise ValueError(f'Begin "{line}" with a date, like {example}.') from None
    if not rest.strip():
        raise ValueError(f"Write the times after {on}, or write: {on} {CLOSED}.")
    return f"{on} {written(spans(rest)) or CLOSED}"


@dataclass(frozen=True)
class Hours:
    zone: ZoneInfo
    # Monday first; if no day has times, the inbox is always open.
    week: tuple[tuple[Span, ...], ...] = ((),) * 7
    special: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, zone: str, week: Mapping[str, str], special: Iterable[str]) -> "Hours":
        days = (line.split(" ", 1) for line in special)
        return cls(
            ZoneInfo(zone),
            tuple(spans(week.get(day, "")) for day in WEEKDAYS),
            {date.fromisoformat(day): spans(text) for day, text in days},
        )

    def of_day(self, day: date) -> tuple[Span, ...]:
        usual = self.week[day.weekday()] if any(self.week) else ALL_DAY
        return self.special.get(day, usual)

    def moments(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        for begins, ends in self.of_day(day):
            opens, closes = self.moment(day, begins), self.moment(day, ends, closing=True)
            if opens < closes:  # A change of the clocks can skip all of it.
                yield opens, closes

    def moment(self, day: date, minute: int, closing: bool = False) -> datetime:
        """Return a time in UTC, where differences hold across a change of the clocks. A local time
        that occurs twice opens the first time and closes the second time; one that is skipped moves
        an hour later."""
        wall = datetime.combine(day, time()) + timedelta(minutes=minute)
        folds = (0, 1) if closing else (0,)
        return max(wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in folds)

    def spell(self, now: datetime) -> Spell | None:
        """Return the opening that contains `now`, or the next one within AHEAD days, if any."""
        first = now.astimezone(self.zone).date() - timedelta(days=2)
        spell: tuple[datetime, datetime] | None = None
        for day in (first + timedelta(days=number) for number in range(AHEAD)):
            for opens, closes in self.moments(day):
                if spell and opens <= spell[1]:
                    spell = spell[0], max(spell[1], closes)
                elif spell and spell[1] > now:
                    return spell
                else:
                    spell = opens, closes
        if spell is None or spell[1] <= now:
            return None
        last = self.moment(first + timedelta(days=AHEAD), 0)
        return spell[0], spell[1] if spell[1] < last else None

    def is_open(self, now: datetime) -> bool:
        spell = self.spell(now)
        return spell is not None and spell[0] <= now

    def next_opening(self, now: datetime) -> datetime | None:
        """Return None if it is open now, or if AHEAD days have no opening."""
        spell = self.spell(now)
        return spell[0] if spell and spell[0] > now else None

    # --- descriptions

    def standing(self, now: datetime) -> str:
        """Describe for administrators whether the inbox is open now."""
        spell = self.spell(now)
        if spell is None:
            return "Closed until further notice"
        opens, closes = spell
        if opens > now:
            return f"Opens {self.briefly(opens, now)}"
        return f"Open now, until {self.briefly(closes, now)}" if closes else "Always open"

    def briefly(self, at: datetime, now: datetime) -> str:
        """Write a time like 18:00, Monday 09:00 or 4 January 09:00."""
        there, days = self.local(at, now)
        day = f"{there:%A} " if days < WEEK else f"{there.day} {there:%B} "
        return f"{day if days else ''}{there:%H:%M}"

    def for_customers(self, at: datetime, now: datetime) -> str:
        """Write a time as a part of a sentence: "on Monday at 9:00"."""
        there, days = self.local(at, now)
        near = {0: "today", 1: "tomorrow"}.get(days, f"on {there:%A}")
        day = near if days < WEEK else f"on {there:%A}, {there.day} {there:%B},"
        return f"{day} at {there.hour}:{there:%M}"

    def local(self, at: datetime, now: datetime) -> tuple[datetime, int]:
        """Return the inbox's local time, and the number of days from today."""
        there = at.astimezone(self.zone)
        return there, (there.date() - now.astimezone(self.zone).date()).days
