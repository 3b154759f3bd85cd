"""Looks through the values of a table's columns: what guesses and dates need to know of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crm.importing import dates
from crm.importing.formats import Unreadable
from crm.knowledge import amounts

# Rows that are looked through: enough to find a day after the twelfth, and few enough to remember
# every value of every column.
LOOKED_AT = 10_000
# A column with at most so many different values may name kinds or states.
FEW = 12
# Longer values count as texts, and are remembered only by their beginning.
TEXT = 80


@dataclass
class Column:
    """Counts what a column's values are like, without the empty cells."""

    name: str
    filled: int = 0
    values: set[str] = field(default_factory=set)
    dates: int = 0
    numbers: int = 0
    texts: int = 0
    # Dates of three numbers that surely begin with the day, or with the month, or may do both.
    day_first: int = 0
    month_first: int = 0
    ambiguous: int = 0
    # Amounts that surely have a decimal comma, or a decimal point.
    commas: int = 0
    points: int = 0

    def see(self, value: Any) -> None:
        text = written(value)
        if not text:
            return
        self.filled += 1
        self.values.add(text[:TEXT])
        self.texts += len(text) > TEXT
        self.numbers += amounts.parsed(amounts.with_decimal_point(text)) is not None
        self.commas += (comma := amounts.has_decimal_comma(text)) is True
        self.points += comma is False
        first, ambiguous = dates.order(text), dates.is_ambiguous(text)
        self.day_first += first is True
        self.month_first += first is False
        self.ambiguous += ambiguous
        self.dates += ambiguous or dates.iso(text, None) is not None

    @property
    def unique(self) -> bool:
        return self.filled > 0 and len(self.values) == self.filled

    @property
    def few(self) -> bool:
        return 2 <= len(self.values) <= FEW

    def mostly(self, count: int) -> bool:
        """Tell whether nearly all values are of this sort; a few may be "n/a"."""
        return self.filled > 0 and count >= 0.8 * self.filled


def looked_through(names: Iterable[str], rows: Iterable[Any]) -> list[Column]:
    """rows: as `formats.rows` yields them."""
    columns = {name: Column(name) for name in names}
    for seen, (_, row) in enumerate(rows):
        if seen == LOOKED_AT:
            break
        if not isinstance(row, Unreadable):
            for name, column in columns.items():
                column.see(row.get(name))
    return list(columns.values())


def day_first(columns: Iterable[Column]) -> bool | None:
    """Return the order of the table's dates, if their values tell it."""
    day = sum(column.day_first for column in columns)
    month = sum(column.month_first for column in columns)
    return None if bool(day) == bool(month) else bool(day)


def with_decimal_commas(columns: Iterable[Column]) -> list[str]:
    """Name the columns of amounts that are written like 1.234,50: 1.234 is a thousand there."""
    return [
        one.name for one in columns if one.commas and not one.points and one.mostly(one.numbers)
    ]


def is_ambiguous(columns: Iterable[Column]) -> bool:
    """Tell whether somebody has to say in which order the dates are."""
    return day_first(columns) is None and any(column.ambiguous for column in columns)


def written(value: Any) -> str:
    """Return a cell's value as text, "" for an empty cell."""
    if value is None or isinstance(value, bool | dict | list):
        return "" if value is None else str(value)
    return amounts.number("", value) if isinstance(value, int | float) else str(value).strip()
