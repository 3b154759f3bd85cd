"""Finds the row of column names in a table, and gives each cell below its column's name."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from crm.importing.formats import limits
from crm.importing.formats.shapes import Unreadable

# A row as its reader found it, with its number.
Cells = list[Any]
Numbered = Iterator[tuple[int, Cells | Unreadable]]
Rows = Iterator[tuple[int, dict[str, Any] | Unreadable]]
# Rows that are looked at to find the head; titles, dates and logos take fewer above it.
LOOKED_AT = 50
# The head has a name for at least so many of the columns that rows usually fill.
NAMED = 0.6
# Of these, numbers and dates are made.
DIGITS = "0123456789.,:/-+% "
NO_HEAD = (
    "has no row of column names: write one above the others, such as id, customer, title, date"
)


def with_columns(rows: Numbered, pads: bool = False) -> tuple[list[str], Rows]:
    """Return the columns and the rows below the head. Raises Unreadable if there is no head.

    pads: rows end with their last filled cell, as in sheets; a short one is complete.
    """
    first = list(islice(rows, LOOKED_AT))
    head = head_of([cells for _, cells in first if isinstance(cells, list)])
    at = next(place for place, (_, cells) in enumerate(first) if cells is head)
    below = first[at + 1 :]
    width = max(
        [len(filled(cells)) for _, cells in below if isinstance(cells, list)],
        default=0,
    )
    columns = named(head[: max(len(filled(head)), min(width, len(head)))])
    if len(columns) > limits.COLUMNS:
        raise Unreadable(f"has more than {limits.COLUMNS} columns: leave some out")
    return columns, by_column(columns, chain(below, rows), pads)


def head_of(rows: list[Cells]) -> Cells:
    """Return the first row that names most of the columns: titles above it are narrower."""
    counts = Counter(len(present(cells)) for cells in rows if present(cells))
    if not counts:
        raise Unreadable("has no rows: choose another file")
    width = max(counts, key=lambda count: (counts[count], count))
    head = next(cells for cells in rows if len(present(cells)) >= max(1, NAMED * width))
    # Some names may look like values: 2025, 2026.
    if sum(map(is_value, present(head))) > len(present(head)) / 2:
        raise Unreadable(NO_HEAD)
    return head


def is_value(cell: Any) -> bool:
    """Tell a number, a date or an address from a column's name."""
    if not isinstance(cell, str):
        return True
    is_address = " " not in cell and ("@" in cell or cell.startswith(("http://", "https://")))
    return is_address or not cell.strip(DIGITS)


def present(cells: Cells) -> Cells:
    return [cell for cell in cells if cell not in ("", None)]


def filled(cells: Cells) -> Cells:
    """Return the cells without the empty ones at the end."""
    end = len(cells)
    while end and cells[end - 1] in ("", None):
        end -= 1
    return cells[:end]


def named(head: Cells) -> list[str]:
    """Return the names, those that are empty or stood before with a number."""
    names: list[str] = []
    for place, cell in enumerate(head, start=1):
        name = " ".join(str(cell).split())[:200] if cell not in ("", None) else f"column {place}"
        number, plain = 2, name
        while name in names:
            name, number = f"{plain} {number}", number + 1
        names.append(name)
    return names


def by_column(columns: list[str], rows: Iterable[tuple[int, Any]], pads: bool) -> Rows:
    for count, (number, cells) in enumerate(rows):
        if count == limits.ROWS:
            most = f"only {limits.ROWS:,} rows are read: import the others from another file"
            yield number, Unreadable(most)
            return
        if isinstance(cells, Unreadable):
            yield number, cells
        elif any(cell not in ("", None) for cell in cells):
            yield number, row_of(columns, cells, pads)


def row_of(columns: list[str], cells: Cells, pads: bool) -> dict[str, Any] | Unreadable:
    if len(cells) > len(columns):
        cells = filled(cells)
    elif pads:
        cells = cells + [None] * (len(columns) - len(cells))
    if len(cells) != len(columns):
        return Unreadable(f"has {len(cells)} cells, but the table has {len(columns)} columns")
    for column, cell in zip(columns, cells, strict=True):
        if isinstance(cell, Unreadable):
            return Unreadable(f"“{column}” {cell}")
        if isinstance(cell, str) and len(cell) > limits.CELL:
            return Unreadable(f"“{column}” has more than {limits.CELL:,} characters: shorten it")
        if isinstance(cell, str) and "\x00" in cell:
            return Unreadable(f"“{column}” holds a NUL character: export the file again")
    return dict(zip(columns, cells, strict=True))
