"""Opens the tables of a file: CSV, the sheets of .xlsx, and JSON lines."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from crm.importing.formats import limits
from crm.importing.formats.delimited import Lines, cells_of
from crm.importing.formats.encodings import opened
from crm.importing.formats.heads import with_columns
from crm.importing.formats.kinds import File
from crm.importing.formats.shapes import Unreadable
from crm.importing.formats.sheets import sheets_of
from inference import json_lines
from inference.text import unstorable

# A row's values, or its JSON as it stands in the file: no digit of a number is lost.
Values = dict[str, Any] | str


@dataclass(frozen=True)
class OpenTable:
    name: str
    # Complete once the rows have been read.
    columns: list[str]
    rows: Iterator[tuple[int, Values | Unreadable]]


def tables_of(file: File, kind: str) -> Iterator[OpenTable | tuple[str, Unreadable]]:
    """Yield the tables, each to be read before the next; instead of a sheet that has none, its name
    and why."""
    if kind == "csv":
        yield OpenTable(file.name, *with_columns(cells_of(file.data)))
    elif kind == "jsonl":
        columns: list[str] = []
        yield OpenTable(file.name, columns, objects(file.data, columns))
    else:
        yield from sheets(file)


def sheets(file: File) -> Iterator[OpenTable | tuple[str, Unreadable]]:
    """Yield the filled sheets; a single one is named as the file."""
    filled = []
    for title, rows in sheets_of(file.data):
        if first := next((row for row in rows if row[1]), None):
            filled.append((title, chain([first], rows)))
    if not filled:
        raise Unreadable("has no rows: choose another file")
    for title, rows in filled:
        name = file.name if len(filled) == 1 else f"{file.name}: {title}"
        try:
            yield OpenTable(name, *with_columns(rows, pads=True))
        except Unreadable as error:
            yield name, error


def objects(data: bytes, columns: list[str]) -> Iterator[tuple[int, Values | Unreadable]]:
    """Yield each line's object, and add the names of its values to the columns."""
    for number, line in enumerate(Lines(opened(data)), start=1):
        if not (line := line.strip()):
            continue
        if number > limits.ROWS:
            raise Unreadable(f"has more than {limits.ROWS:,} lines: import it in parts")
        try:
            values = checked(line)
        except ValueError as error:
            yield number, Unreadable(str(error))
            continue
        columns += [name for name in values if name not in columns]
        if len(columns) > limits.COLUMNS:
            raise Unreadable(f"has more than {limits.COLUMNS} columns: leave some out")
        yield number, line


def checked(line: str) -> dict[str, Any]:
    """Return the object of a line. Raises ValueError."""
    values = json_lines.value(line, partial(json.loads, parse_constant=refuse))
    if not isinstance(values, dict):
        raise ValueError('is not an object such as {"id": "10482", "status": "shipped"}')
    if "\\u" in line and any(map(unstorable, texts(values))):
        raise ValueError("holds a NUL character or half of a surrogate pair: export it again")
    return values


def refuse(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case dict() as values:
                waiting += [*values, *values.values()]
            case list() as values:
                waiting += values
