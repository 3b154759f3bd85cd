"""Tables of all formats, read by the real child process."""

import csv
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest

from crm.importing.formats import Unreadable, read, rows
from crm.importing.formats.delimited import cells_of, delimiter_of
from crm.importing.formats.encodings import encoding_of, opened
from crm.importing.formats.heads import with_columns
from crm.importing.formats.kinds import File
from crm.importing.formats.sheets import number
from crm.importing.formats.tables import OpenTable, tables_of
from tests.crm.importing.files import xlsx, zipped

# Slow: each test starts a real child process.
pytestmark = pytest.mark.slow

Store = Callable[[str | bytes], Path]


@pytest.fixture
def stored(tmp_path: Path) -> Store:
    def store(content: str | bytes) -> Path:
        path = tmp_path / "stored"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return store


def table(text: str | bytes) -> tuple[list[str], list[tuple[int, Any]]]:
    """What `formats` makes of a CSV file, in this process."""
    data = text if isinstance(text, bytes) else text.encode()
    columns, found = with_columns(cells_of(data))
    return columns, [(n, str(row) if isinstance(row, Unreadable) else row) for n, row in found]


def test_alices_orders_are_read_row_by_row_and_bad_rows_are_told_by_number(stored: Store) -> None:
    path = stored('id,customer,note\n1,alice,"a, ""b""\nc"\n2,bob\n\n3,bob,x,y\n4,bob,=1+1\n')
    [found] = read(path, "orders.csv").tables
    assert (found.name, found.columns, found.count) == ("orders.csv", ["id", "customer", "note"], 4)
    assert [row["id"] for row in found.first] == ["1", "4"]
    got = list(rows(path, "orders.csv", "orders.csv"))
    assert got[0] == (2, {"id": "1", "customer": "alice", "note": 'a, "b"\nc'})
    assert [(n, str(row)) for n, row in got[1:3]] == [
        (3, "has 2 cells, but the table has 3 columns"),
        (5, "has 4 cells, but the table has 3 columns"),
    ]
    assert got[3] == (6, {"id": "4", "customer": "bob", "note": "=1+1"}), "nothing is worked out"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_though_the_cells_hold_the_others(delimiter: str) -> None:
    out = StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["id", "title", "total"])
    writer.writerows([n, "Pots, pans; lids | more", f"{n},50"] for n in range(9))
    assert delimiter_of(out.getvalue()) == delimiter
    assert len(table(out.getvalue())[0]) == 3


def test_excels_line_about_the_delimiter_is_none_of_the_rows() -> None:
    assert table("sep=;\nid;a,b\n1;2\n") == (["id", "a,b"], [(3, {"id": "1", "a,b": "2"})])


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("id;Größe\n1;Müller €\n", "cp1252"),
        ("id;navn\n1;Ærø Ørsted\n", "cp1252"),
        ("id;nazwa\n1;Żółty rower górski z koszem\n2;Święta książka\n", "cp1250"),
        ("id;имя\n1;Красный велосипед с корзиной\n2;Доставка по России\n", "cp1251"),
        ("id,naïve\n1,café\n", "utf-8"),
        ("id,naïve\n1,café\n", "utf-8-sig"),
        ("id,navn\n1,Ærø\n", "utf-16"),
        ("id,navn\n1,Ærø\n", "utf-16-le"),
        ("id,navn\n1,Ærø\n", "utf-16-be"),
    ],
)
def test_a_file_is_read_in_its_encoding(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    assert opened(data).read() == text, encoding_of(data)


def test_the_head_is_found_below_titles_and_its_names_are_made_different() -> None:
    columns, got = table("Orders of May\nmade by Bob\n\nid,name,,name,\n1,a,b,c,\n2,d,e,f,\n")
    assert columns == ["id", "name", "column 3", "name 2"]
    assert got[0] == (5, {"id": "1", "name": "a", "column 3": "b", "name 2": "c"})


@pytest.mark.parametrize("text", ["1,2026-01-02,bob@ash.example\n2,2026-01-03,eve@ash.example\n"])
def test_a_table_without_a_head_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="has no row of column names: write one"):
        table(text)


def test_years_may_be_names_of_columns() -> None:
    assert table("product,place,2025,2026\npot,A,1,2\n")[0] == ["product", "place", "2025", "2026"]


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(Unreadable, match="more than 1,000,000 characters in one line"):
        table(b"id,x\n1," + b"a," * 1_000_000)


def test_what_is_too_wide_or_too_long_is_told() -> None:
    with pytest.raises(Unreadable, match="more than 200 columns"):
        table(",".join(f"c{n}" for n in range(201)) + "\n" + "x," * 200 + "x\n")
    assert table(f"id,x\n1,{'a' * 20_001}\n2,b\n")[1][1] == (3, {"id": "2", "x": "b"})
    assert "NUL" in table("id,x\n1,a\x00b\n2,c\n")[1][0][1]


def test_a_quotation_mark_that_is_not_closed_takes_only_some_rows_with_it() -> None:
    _, got = table('id,x\n1,"open\n' + "".join(f"{n},b\n" for n in range(2, 9_999)))
    assert "close its quotation marks" in got[0][1]
    number, row = got[-1]
    assert (number, row) == (9_999, {"id": "9998", "x": "b"})


# --- sheets


def test_a_workbooks_sheets_are_tables_with_dates_numbers_and_truth_values(stored: Store) -> None:
    book = xlsx(
        [
            ["Prices", None, None, None, None],
            [],
            ["id", "net", "on", "at", "open"],
            [10482, 10499.99, date(2026, 4, 5), datetime(2026, 4, 5, 10, 3), True],
            [10483.0, 41.5],
            [10484, 1, "=cmd|'/C calc'!A0", None, False],
        ],
        [],
        [["id", "name"], ["A-1", "x\u00e9"]],
    )
    found = read(stored(book), "prices.csv")  # Its name is wrong.
    assert [(one.name, one.count) for one in found.tables] == [
        ("prices.csv: Sheet", 3),
        ("prices.csv: Sheet2", 1),
    ]
    got = list(rows(stored(book), "prices.csv", "prices.csv: Sheet"))
    day = {"id": 10482, "net": 10499.99, "on": "2026-04-05", "at": "2026-04-05 10:03:00"}
    assert got[0] == (4, day | {"open": True})
    assert got[1] == (5, {"id": 10483, "net": 41.5, "on": None, "at": None, "open": None})
    assert str(got[2][1]).startswith("“on” is a formula without a result: open the file in Excel")
    assert next(rows(stored(book), "prices.csv", "prices.csv: Sheet2")) == (
        2,
        {"id": "A-1", "name": "xé"},
    )


@pytest.mark.parametrize(
    ("value", "shown_as", "told"),
    [
        (42, "00000", "00042"),
        (0.15, "0%", "15%"),
        (41.5, '#,##0.00 "EUR"', "41.50 EUR"),
        (41.5, "#,##0.00\\ [$€-407]", "41.50 €"),
        (10499.994, "[$$-409]#,##0.00", "10499.994 $"),
        (41.5, "[$-409]0.00", 41.5),
        (10482.0, "General", 10482),
        (4.35, "0.0", 4.35),
    ],
)
def test_a_number_is_told_as_its_cell_shows_it(value: float, shown_as: str, told: Any) -> None:
    assert number(value, shown_as) == told


def edited(book: bytes, name: str, before: str, after: str) -> bytes:
    with zipfile.ZipFile(BytesIO(book)) as archive:
        files = {one: archive.read(one).decode() for one in archive.namelist()}
    assert before in files[name]
    return zipped(files | {name: files[name].replace(before, after)})


SHEET = "xl/worksheets/sheet1.xml"
SMALL = xlsx([["id", "x"], [1, 2]])


def of_book(data: bytes) -> list[tuple[int, Any]]:
    [found] = tables_of(File("a.xlsx", data), "xlsx")
    assert isinstance(found, OpenTable)
    return [(n, str(row) if isinstance(row, Unreadable) else row) for n, row in found.rows]


def test_empty_rows_without_end_and_a_cell_far_away_cost_little() -> None:
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    assert of_book(edited(SMALL, SHEET, "</sheetData>", f"{'<row/>' * 2_000}{far}")) == [
        (2, {"id": 1, "x": 2}),
        (1_048_576, "has more than 200 columns: leave some out"),
    ]


@pytest.mark.parametrize(
    ("part", "before", "after"),
    [(SHEET, "<v>2</v>", "<v>&b;</v>"), ("xl/workbook.xml", 'name="Sheet"', 'name="&b;"')],
)
def test_entities_of_a_workbook_are_not_expanded(
    part: str, before: str, after: str, stored: Store
) -> None:
    root = "<worksheet " if part == SHEET else "<workbook "
    entities = f'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>{root}'
    hostile = edited(edited(SMALL, part, root, entities), part, before, after)
    with pytest.raises(Unreadable, match="a.xlsx is damaged"):
        read(stored(hostile), "a.xlsx")


# --- JSON lines


def test_json_lines_keep_their_nested_values_and_every_digit(stored: Store) -> None:
    path = stored(
        '{"id": "1", "kind": "order", "fields": {"total": 10499.990000000001234}}\n\n{broken\n[1]\n'
        '{"id": "\\ud800"}\n{"id": "\\u0000"}\n{"id": NaN}\n' + "[" * 90_000 + "\n"
        '{"id": 2, "more": [1]}'
    )
    [found] = read(path, "records.txt").tables  # Its name does not say so.
    assert (found.columns, found.count) == (["id", "kind", "fields", "more"], 8)
    got = list(rows(path, "records.txt", "records.txt"))
    assert got[0][1]["fields"] == {"total": "10499.990000000001234"}  # type: ignore[index]
    assert [number for number, row in got if isinstance(row, Unreadable)] == [3, 4, 5, 6, 7, 8]
    assert got[-1] == (9, {"id": 2, "more": [1]})
