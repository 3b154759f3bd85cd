"""When people of an inbox are there: the opening times of a week, special days, a time zone.

Times are kept as people read them: "09:00–12:30, 13:30–18:00", and "" for a day without any.
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
# In UTC; without an end, where it is open for longer than anybody looks ahead.
Spell = tuple[datetime, datetime | None]
DAY = 24 * 60
ALL_DAY: tuple[Span, ...] = ((0, DAY),)
SPAN = re.compile(r"(\d{1,2})(?:[:.](\d\d))?\s*(?:[-–—]|to)\s*(\d{1,2})(?:[:.](\d\d))?")
CLOSED = "closed"
# Days in which the next opening is looked for.
AHEAD = 60
WEEK = 7
EXAMPLE = "09:00–12:30, 13:30–18:00"


def spans(text: str) -> tuple[Span, ...]:
    """Of one day. ValueError says what is wrong, to the person who typed it."""
    parts = [part.strip() for part in text.strip().lower().split(",") if part.strip()]
    found = tuple(sorted(span(part) for part in parts if part != CLOSED))
    for (_, ends), (begins, _) in pairwise(found):
        if begins < ends:
            raise ValueError(f"Two of these times overlap at {clock(begins)}.")
    return found


def span(text: str) -> Span:
    match = SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f'Write "{text}" like {EXAMPLE}.')
    begins, ends = minutes(match[1], match[2]), minutes(match[3], match[4])
    if begins in (ends, DAY):
        raise ValueError(f'"{text}" has no length; a whole day is 00:00–24:00.')
    return begins, ends if ends > begins else ends + DAY


def minutes(hour: str, minute: str | None) -> int:
    found = 60 * int(hour) + int(minute or 0)
    if int(minute or 0) > 59 or found > DAY:
        raise ValueError(f"{hour}:{minute or '00'} is no time of the day.")
    return found


def written(found: Iterable[Span]) -> str:
    return ", ".join(f"{clock(begins)}–{clock(ends)}" for begins, ends in found)


def clock(minute: int) -> str:
    minute = minute if minute <= DAY else minute - DAY
    return f"{minute // 60:02}:{minute % 60:02}"


def special_day(line: str) -> str:
    """ "2026-12-24 9-12" or "2026-12-25 closed", as it is kept. ValueError as `spans`."""
    day, _, rest = line.strip().partition(" ")
    try:
        on = date.fromisoformat(day.rstrip(":"))
    except ValueError:
        example = f"2026-12-24 09:00–12:00, or 2026-12-25 {CLOSED}"
        raise ValueError(f'Begin "{line}" with a date, like {example}.') from None
    if not rest.strip():
        raise ValueError(f"Say when you are there on {on}, or write {on} {CLOSED}.")
    return f"{on} {written(spans(rest)) or CLOSED}"


@dataclass(frozen=True)
class Hours:
    zone: ZoneInfo
    # Monday first; nothing in any of them: always open.
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
            if opens < closes:  # Not so where the clocks leave most of it out.
                yield opens, closes

    def moment(self, day: date, minute: int, closing: bool = False) -> datetime:
        """In UTC: only there do differences hold over a change of the clocks. A time that comes
        twice opens the first time and closes the second; one that is left out comes an hour
        later."""
        wall = datetime.combine(day, time()) + timedelta(minutes=minute)
        folds = (0, 1) if closing else (0,)
        return max(wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in folds)

    def spell(self, now: datetime) -> Spell | None:
        """The open time that `now` lies in, or else the next one; None: none is in sight."""
        first = now.astimezone(self.zone).date() - timedelta(days=2)
        found: tuple[datetime, datetime] | None = None
        for day in (first + timedelta(days=number) for number in range(AHEAD)):
            for opens, closes in self.moments(day):
                if found and opens <= found[1]:
                    found = found[0], max(found[1], closes)
                elif found and found[1] > now:
                    return found
                else:
                    found = opens, closes
        if found is None or found[1] <= now:
            return None
        last = self.moment(first + timedelta(days=AHEAD), 0)
        return found[0], found[1] if found[1] < last else None

    def is_open(self, now: datetime) -> bool:
        found = self.spell(now)
        return found is not None and found[0] <= now

    def next_opening(self, now: datetime) -> datetime | None:
        """None: it is open now, or not in sight."""
        found = self.spell(now)
        return found[0] if found and found[0] > now else None

    # --- in words

    def standing(self, now: datetime) -> str:
        """For those who keep the hours."""
        found = self.spell(now)
        if found is None:
            return "Closed until further notice"
        opens, closes = found
        if opens > now:
            return f"Opens {self.briefly(opens, now)}"
        return f"Open now, until {self.briefly(closes, now)}" if closes else "Always open"

    def briefly(self, at: datetime, now: datetime) -> str:
        """18:00, Monday 09:00, 4 January 09:00."""
        there, days = self.local(at, now)
        day = f"{there:%A} " if days < WEEK else f"{there.day} {there:%B} "
        return f"{day if days else ''}{there:%H:%M}"

    def in_words(self, at: datetime, now: datetime) -> str:
        """For customers: "on Monday at 9:00"."""
        there, days = self.local(at, now)
        near = {0: "today", 1: "tomorrow"}.get(days, f"on {there:%A}")
        day = near if days < WEEK else f"on {there:%A}, {there.day} {there:%B},"
        return f"{day} at {there.hour}:{there:%M}"

    def local(self, at: datetime, now: datetime) -> tuple[datetime, int]:
        """As the clocks there show it, and how many days from today."""
        there = at.astimezone(self.zone)
        return there, (there.date() - now.astimezone(self.zone).date()).days
