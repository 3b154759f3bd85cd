"""Reads CSV files, whatever stands between their cells."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from io import StringIO, TextIOWrapper
from itertools import islice

from crm.importing.formats import limits
from crm.importing.formats.encodings import opened
from crm.importing.formats.heads import Numbered
from crm.importing.formats.shapes import Unreadable

DELIMITERS = ",;\t|"
# Lines and characters from which the delimiter is found.
LOOKED_AT, START = 60, 100_000
# Excel takes the delimiter from such a first line.
NAMED = re.compile(r"sep=(.)\r?\n", re.I)
LONG_LINE = f"has more than {limits.LINE:,} characters in one line: export it again"

# A quotation mark that is not closed takes in all lines below it.
ENDLESS = (
    f"has a cell of more than {limits.CELL:,} characters, or of several rows: shorten it, or close "
    "its quotation marks"
)


def cells_of(data: bytes) -> Numbered:
    """Yield the rows with their numbers. A row that cannot be told apart is Unreadable, and the
    next line begins a new one."""
    csv.field_size_limit(limits.CELL)
    file = opened(data)
    start = file.read(START)
    file.seek(0)
    reader = csv.reader(Lines(file), delimiter=delimiter_of(start))
    number = 1 if NAMED.match(start) else 0
    if number:
        file.readline()
    while True:
        number, line = number + 1, reader.line_num
        try:
            yield number, [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            yield number, Unreadable(ENDLESS)
            number += reader.line_num - line - 1


class Lines:
    """The lines of a file. Raises Unreadable at one without an end, before the memory is full."""

    def __init__(self, file: TextIOWrapper) -> None:
        self.file = file

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.file.readline(limits.LINE + 1)
        if not line:
            raise StopIteration
        if len(line) > limits.LINE:
            raise Unreadable(LONG_LINE)
        return line


def delimiter_of(start: str) -> str:
    """Return the delimiter that gives most rows the same number of cells, and then most cells: a
    decimal comma stands in some cells, and not in the head."""
    if named := NAMED.match(start):
        return named[1]
    whole = start if len(start) < START else start.rpartition("\n")[0]
    return max(DELIMITERS, key=lambda delimiter: evenness(whole, delimiter))


def evenness(text: str, delimiter: str) -> tuple[float, int]:
    widths: Counter[int] = Counter()
    try:
        for row in islice(csv.reader(StringIO(text, newline=""), delimiter=delimiter), LOOKED_AT):
            widths[len(row)] += bool(row)
    except csv.Error:
        return 0.0, 0
    width, rows = max(widths.items(), key=lambda one: (one[1], one[0]), default=(0, 0))
    return (rows / max(widths.total(), 1), width) if width > 1 else (0.0, 0)
