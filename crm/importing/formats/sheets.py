"""Reads the sheets of .xlsx files. Formulas are never worked out: their stored values are taken."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

from crm.importing.formats import limits
from crm.importing.formats.heads import Cells, Numbered
from crm.importing.formats.shapes import Unreadable

NO_VALUE = "is a formula without a result: open the file in Excel, save it, and import it again"
# A cell shows one of these if its formula has failed.
FAILED = frozenset(("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"))
# "00000" shows 42 as 00042: a postcode or an order's number.
ZEROS = re.compile(r"0{2,20}")
# The currency of a number format: [$€-407], [$EUR], "€", $.
CURRENCY = re.compile(r"\[\$([^\]-]{1,4})[^\]]{0,20}\]|([€$£¥₹₽₩₺₫฿₴₪])|\"([A-Z]{3})\"")
LOCALE = re.compile(r"\[\$-[^\]]{0,20}\]")
PLACES = re.compile(r"\.(0{1,6})")


def sheets_of(data: bytes) -> Iterator[tuple[str, Numbered]]:
    """Yield the name of each sheet that is shown, and its rows."""
    from openpyxl import load_workbook
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

    book = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    for sheet in book.worksheets:
        if isinstance(sheet, ReadOnlyWorksheet) and sheet.sheet_state == "visible":
            yield sheet.title, cells_of(sheet)


def cells_of(sheet: Any) -> Numbered:
    """Yield the filled rows. openpyxl's own loop would add a million empty ones below, and it does
    not tell an empty cell from a formula without a result."""
    from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

    class Parser(WorkSheetParser):
        def parse_cell(self, element: Any) -> dict[str, Any]:
            cell: dict[str, Any] = super().parse_cell(element)
            if cell["value"] is None and element.find(FORMULA_TAG) is not None:
                cell["value"] = Unreadable(NO_VALUE)
            return cell

    book = sheet.parent
    with sheet._get_source() as source:
        parser = Parser(
            source,
            sheet._shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        for number, row in parser.parse():
            yield number, placed(row, book)


def placed(row: list[dict[str, Any]], book: Any) -> Cells | Unreadable:
    cells: Cells = []
    for cell in row:
        value = cell["value"]
        if value is None or value == "":
            continue
        if cell["column"] > limits.COLUMNS:
            return Unreadable(f"has more than {limits.COLUMNS} columns: leave some out")
        cells += [None] * (cell["column"] - len(cells))
        cells[cell["column"] - 1] = told(value, cell["style_id"], book)
    return cells


def told(value: Any, style: int, book: Any) -> Any:
    """Return a value that JSON has, with what the cell's format adds to it."""
    match value:
        case bool():
            return value
        case int() | float():
            return number(value, format_of(style, book)) if style else plain(value)
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case str() if value in FAILED:
            return Unreadable(f"is a formula that failed ({value}): correct it")
        case str():
            return value.strip()
    return value


def format_of(style: int, book: Any) -> str:
    from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE

    styles = book._cell_styles
    kind = styles[style].numFmtId if style < len(styles) else 0
    if kind < BUILTIN_FORMATS_MAX_SIZE:
        return BUILTIN_FORMATS.get(kind, "General")
    at = kind - BUILTIN_FORMATS_MAX_SIZE
    return book._number_formats[at] if at < len(book._number_formats) else "General"


def number(value: int | float, shown_as: str) -> int | float | str:
    """Write a number as people know it: 00042, 15%, 41.50 EUR; others stay numbers."""
    shown_as = LOCALE.sub("", shown_as).partition(";")[0]
    if ZEROS.fullmatch(shown_as) and value == int(value) >= 0:
        return f"{int(value):0{len(shown_as)}}"
    if shown_as.endswith("%"):
        return f"{plain(round(value * 100, 10))}%"
    if currency := CURRENCY.search(shown_as):
        return f"{money(value, shown_as)} {next(filter(None, currency.groups()))}"
    return plain(value)


def plain(value: int | float) -> int | float:
    """Return 10482 for 10482.0; ids are typed as numbers."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
    return int(value) if is_whole else value


def money(value: int | float, shown_as: str) -> str:
    """Return all digits, and zeros up to the places that are shown."""
    places = len(found[1]) if (found := PLACES.search(shown_as)) else 0
    rounded = f"{value:.{places}f}"
    return rounded if float(rounded) == value else str(value)
