"""Writes the tables in a text cell by cell: "Prices · up to 5 kg · Iceland: 19,90 euros".

To read a table line by line one must count columns, which small models cannot do. So each cell
names its row, its column and its table, and no figure can be mistaken for another.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from inference import sentences
from inference.lines import CELL

# Bars between the cells of Markdown and other tables, or tabs. "<|" and "|>" are marks of a chat
# template and must stay whole so that they are recognised.
BAR, TAB = re.compile(r"(?<![\\<])\|(?!>)"), re.compile(r"\t+")
RULE = re.compile(r"^(?=[^-=]*[-=])[\s|:+=-]+")
# Other separators, if neighbouring lines have equally many: "Boxing;Tuesday;8", or columns aligned
# with spaces. (In a sentence a space follows a comma.)
SEPARATORS = (re.compile(";"), re.compile(",(?! )"), re.compile(r"(?<=\S) {2,40}(?=\S)"))
FEWEST = 2  # separators in a line
LONGEST_HEADING = 80
# A name of at most so many letters says nothing alone: "S", "42".
SHORT = 3
# A table with a head of thousands of cells and thousands of short rows would fill the memory: then
# the last column has the rest of each row.
MOST_CELLS = 400_000
# Columns that name a row together: "Blue shirt · size 42 · long".
MOST_NAMING = 6
# The same words as for an empty field.
NOTHING = "none on record"
MARKS = re.compile(r"^(?:#{1,6} |\*\*|__|> ){1,2}")

Rows = list[list[str]]


def grouped(lines: Iterable[str]) -> Iterator[tuple[bool, list[str]]]:
    """Yield runs of lines, each with whether it is a table."""
    rest: list[str] = []
    for is_row, group in groupby(with_bars(lines), key=is_of_table):
        run = list(group)
        if is_row and sum(not RULE.fullmatch(line) for line in run) > 1:
            if rest:
                yield False, rest
            yield True, run
            rest = []
        else:
            rest += run
    if rest:
        yield False, rest


def with_bars(lines: Iterable[str]) -> Iterator[str]:
    """Replace other separators of cells with bars."""
    for separator, group in groupby(lines, key=separator_of):
        run = list(group)
        if separator and len(run) > 1:
            rows = [separator[0].split(line.strip().replace("|", r"\|")) for line in run]
            yield from (f"| {' | '.join(map(str.strip, row))} |" for row in rows)
        else:
            yield from run


def separator_of(line: str) -> tuple[re.Pattern[str], int] | None:
    """Return the first separator that the line has often enough, with its count."""
    bare = line.strip()
    if BAR.search(bare) or TAB.search(bare) or bare.endswith((".", "!", "?", ":")):
        return None
    counted = ((separator, len(separator.findall(bare))) for separator in SEPARATORS)
    return next(((separator, count) for separator, count in counted if count >= FEWEST), None)


def is_of_table(line: str) -> bool:
    bare = line.strip()
    is_grid = bare.startswith("+") and RULE.fullmatch(line)  # +-----+-----+
    return bool(BAR.search(line) or TAB.search(bare) or is_grid)


def heading(line: str) -> str:
    """Return the end of the line before a table as its caption; "" if it does not look like one."""
    last = (sentences.split(line) or [""])[-1]
    bare = MARKS.sub("", last.strip()).rstrip("*_: ")
    says_more = ": " in bare or bare.rstrip(")").endswith((".", "!", "?", ";", ","))
    return "" if says_more or len(bare) > LONGEST_HEADING else bare


def lines_of_table(lines: Sequence[str], caption: str = "") -> Iterator[list[str]]:
    """Yield the lines of each row, one for each cell."""
    heads, rows = head_and_rows(lines)
    yield from lines_of_rows(heads, rows, caption)


def head_and_rows(lines: Sequence[str]) -> tuple[list[str], Rows]:
    """Return the head and the rows, all padded to one length. A table of two columns without a rule
    has no head: its first row is like the others."""
    rules = [place for place, line in enumerate(lines) if RULE.fullmatch(line)]
    rows = [cells(line) for line in lines if not RULE.fullmatch(line)]
    width = min(max(map(len, rows)), max(2, MOST_CELLS // len(rows)))
    rows = [padded(row, width) for row in rows]
    under_head = any(not RULE.fullmatch(line) for place in rules for line in lines[:place])
    if not under_head and width < 3:
        return [""] * width, rows
    return rows[0], rows[1:]


def padded(row: list[str], width: int) -> list[str]:
    if len(row) > width:
        return [*row[: width - 1], " ".join(row[width - 1 :])]
    return row + [""] * (width - len(row))


def cells(line: str) -> list[str]:
    text = line.strip()
    bars = re.sub(r"^\||(?<!\\)\|$", "", text)
    parts = BAR.split(bars) if BAR.search(text) else TAB.split(text)
    return [" ".join(part.replace(r"\|", "|").split()).strip("*_` ") for part in parts]


def lines_of_rows(heads: list[str], rows: Rows, caption: str = "") -> Iterator[list[str]]:
    section, in_sections = "", []
    for row in rows:
        if len(row) > 1 and (head := section_of(row)):
            section = head
        else:
            in_sections.append((section, row))
    named = naming_columns(in_sections)
    for section, row in in_sections:
        if any(row):
            yield list(lines_of_row(heads, row, named, [caption, section]))


def section_of(row: list[str]) -> str:
    """Return the text of a row with a single cell, which is a head of the rows below; else ""."""
    first, *others = row
    return first if first and (not any(others) or {*others} == {first}) else ""


def naming_columns(rows: list[tuple[str, list[str]]]) -> int:
    """Return how many of the first columns tell the rows apart; 0 if only all of them could, or
    more than make a name."""
    for count in range(1, min(len(rows[0][1]), MOST_NAMING + 1) if rows else 0):
        if len({(section, *row[:count]) for section, row in rows}) == len(rows):
            return count
    return 0


def lines_of_row(heads: list[str], row: list[str], named: int, about: list[str]) -> Iterator[str]:
    names = [name_of(head, cell, named < 2) for head, cell in zip(heads, row, strict=True)]
    about = [*about, *names[: named or 1]]
    rest = [pair for pair in list(zip(heads, row, strict=True))[named or 1 :] if any(pair)]
    label = CELL.join(filter(None, about))
    if named:
        for head, cell in rest:
            yield (CELL if head else ": ").join(filter(None, [label, labelled(head, cell)]))
    else:
        # No column names the row, so its cells stay on one line.
        yield f"{label}{CELL}{'; '.join(labelled(*pair) for pair in rest)}"


def name_of(head: str, cell: str, alone: bool) -> str:
    """Return the cell as the row's name, with its head if it says little alone: "Friday", but
    "Size 42"."""
    is_clear = alone and len(cell) > SHORT and not any(map(str.isdigit, cell))
    return cell if is_clear or not cell else f"{head} {cell}".strip()


def labelled(head: str, cell: str) -> str:
    return f"{head}: {cell or NOTHING}" if head else cell
