"""Tables are told cell by cell, so that no figure stands beside another row's or column's."""

import tracemalloc

import pytest

from crm.knowledge import prose, record_text
from crm.knowledge.passages import passages
from crm.models import Record
from inference import markup

WEIGHTS = """Parcels abroad:

| Weight | Norway | Iceland | Greenland |
|:-------|-------:|--------:|-----------|
| up to 2 kg | 13,90 euros | 14,90 euros | 31,00 euros |
| up to 5 kg | 17,50 euros | 19,90 euros | |
| up to 10 kg | 21,50 euros | 33,00 euros | 71,00 euros |

We send on weekdays."""
PIPES = "Day | Physiotherapy | Dentistry\n--- | --- | ---\nFriday | 9.00 to 17.00 | closed"
GRID = (
    "+---+---+\n| Size | Width |\n+===+===+\n| 42 | 10 cm |\n+---+---+\n| 43 | 11 cm |\n+---+---+"
)
LONG_FORM = (
    "| Country | Weight | Price |\n|-|-|-|\n| Norway | 2 kg | 13 |\n| Norway | 5 kg | 17 |\n"
    "| Iceland | 2 kg | 14 |"
)
MERGED = """<p>Rates</p><table>
<thead><tr><th rowspan=2>Weight<th colspan=2>2026<tr><th>Norway<th>Iceland</thead>
<tr><td>2 kg<td>13<td>14<tr><td>5 kg<td colspan=2>20</table>"""


def told(text: str) -> list[str]:
    return list("\n".join(prose.paragraphs(markup.without_markup(text), 110)).split("\n"))


def test_each_cell_names_its_table_its_row_and_its_column() -> None:
    lines = told(WEIGHTS)
    assert "Parcels abroad · Weight up to 5 kg · Iceland: 19,90 euros" in lines
    assert "Parcels abroad · Weight up to 5 kg · Greenland: none on record" in lines
    assert lines[-1] == "We send on weekdays."
    assert len(lines) == 1 + 9 + 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (PIPES, "Friday · Physiotherapy: 9.00 to 17.00"),
        (PIPES, "Friday · Dentistry: closed"),
        (GRID, "Size 43 · Width: 11 cm"),
        (LONG_FORM, "Country Norway · Weight 5 kg · Price: 17"),
        ("| Monday | 9 to 17 |\n| Sunday | closed |", "Sunday: closed"),
        ("Level;Fee;Places\nInfants;40 euros;6\nJuniors;55 euros;0", "Infants · Fee: 40 euros"),
        ("Bay,Depth,Berths\nNorth,2 m,11\nSouth,4 m,7", "South · Depth: 4 m"),
        ("Line   First   Last\nHarbour   5.10   23.40\nHill      6.00   22.15",
         "Hill · Last: 22.15"),
        ("Model\tSeats\tPrice\nA1\t2\t100\nB2\t4\t200", "Model B2 · Price: 200"),
        ("| Key | Use |\n|---|---|\n| a\\|b | `pipe` |\n| c | **bold** |", "Key a|b · Use: pipe"),
        ("| Size | Price (EUR) |\n|--|--|\n| S | 10 |\n| M | 12 |", "Size S · Price (EUR): 10"),
        ("| Day | Open |\n|--|--|\n| Monday | 9-12 |\n| Monday | 14-18 |", "Monday · Open: 14-18"),
        ("| Item | Price |\n|--|--|\n| Tents | |\n| Peak | 249 |\n| Stoves | |\n| Peak | 49 |",
         "Stoves · Peak · Price: 49"),
        (MERGED, "Rates · Weight 2 kg · 2026 Iceland: 14"),
        (MERGED, "Rates · Weight 5 kg · 2026 Norway: 20"),
        ("<table><caption>Hours</caption><tr><td>Friday<td>9 to 5<tr><td>Sunday<td>closed</table>",
         "Hours · Sunday: closed"),
    ],
)  # fmt: skip
def test_whatever_shape_it_has(text: str, line: str) -> None:
    assert line in told(text)


@pytest.mark.parametrize(
    "text", ["Home | Shop", "one | two\n\nthree", "a - b\nc - d", "|", "|-|\n|-|"]
)
def test_what_is_no_table_stays_as_it_is(text: str) -> None:
    assert "·" not in " ".join(told(text))


def test_a_table_that_only_lays_out_a_mail_is_read_as_text() -> None:
    text = "<table><tr><td><table><tr><td>Dear Alice,</td></tr></table><p>Bye</p></td></tr></table>"
    assert told(text) == ["Dear Alice,", "Bye"]


def test_a_field_may_hold_a_table_too() -> None:
    rows = [["Weight", "Norway"], ["2 kg", 13.9], ["5 kg", 17.5]]
    assert record_text.lines({"prices": rows})[-1] == "Prices · Weight 5 kg · Norway: 17.50"
    lines = record_text.lines({"note": "Prices\n| Size | Price |\n|-|-|\n| S | 10 |\n| M | 12 |"})
    assert lines[-1] == "Note: Prices · Size M · Price: 12"


def test_a_long_table_is_cut_between_rows_and_each_line_keeps_its_heads() -> None:
    rows = [f"| {n} kg | {n}.50 euros | {n}.90 euros |" for n in range(1, 60)]
    text = "\n".join(["| Weight | Norway | Iceland |", "|---|---|---|", *rows])
    found = passages(Record(id="a", title="Parcels", text=text, fields={}))
    assert len(found) > 3
    for passage in found:
        title, *lines = passage.split("\n")
        assert title == "Parcels"
        assert len(lines) % 2 == 0, "a row is never cut"
        assert all(line.startswith("Weight ") for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["a|" * 5_000 + "\n-|-\n" + "b|\n" * 5_000, "|".join("a" * 99) + "\n" + "b|c\n" * 9_000]
)
def test_a_head_that_is_wider_than_its_rows_fills_no_memory(text: str) -> None:
    tracemalloc.start()
    passages(Record(id="a", title="T", text=text, fields={}))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 50_000_000
