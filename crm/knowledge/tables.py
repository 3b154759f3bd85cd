"""Tables of a text, told cell by cell: "Prices · up to 5 kg · Iceland: 19,90 euros".

A table read line by line leaves it to the reader to count columns, and small models cannot: each
cell names its row, its column and its table, so that no figure stands beside another's.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

# Markdown's and other programs' tables, and cells with tabs between them. "<|" and "|>" are marks
# of a chat's template, which must stay whole to be seen as such.
BAR, TAB = re.compile(r"(?<![\\<])\|(?!>)"), re.compile(r"\t+")
RULE = re.compile(r"^(?=[^-=]*[-=])[\s|:+=-]+")
# What else parts cells, where lines one below the other have as many of it: "Boxing;Tuesday;8", and
# columns that are lined up with spaces. In a sentence a space follows a comma.
SEPARATORS = (re.compile(";"), re.compile(",(?! )"), re.compile(r"(?<=\S) {2,40}(?=\S)"))
FEWEST = 2  # of them in a line
# Not a comma or a dash, which would cut a line into clauses.
BESIDE = " · "
LONGEST_HEADING = 80
# A row that is named by so few letters is not named: "S", "42".
SHORT = 3
# As of a field that is empty.
NOTHING = "none on record"
MARKS = re.compile(r"^(?:#{1,6} |\*\*|__|> ){1,2}")

Rows = list[list[str]]


def grouped(lines: Iterable[str]) -> Iterator[tuple[bool, list[str]]]:
    """Runs of lines that are a table, and of lines that are none."""
    rest: list[str] = []
    for is_row, found in groupby(piped(lines), key=is_of_table):
        run = list(found)
        if is_row and sum(not RULE.fullmatch(line) for line in run) > 1:
            if rest:
                yield False, rest
            yield True, run
            rest = []
        else:
            rest += run
    if rest:
        yield False, rest


def piped(lines: Iterable[str]) -> Iterator[str]:
    """The lines, with bars between cells that other marks part."""
    for parts, found in groupby(lines, key=parted_by):
        run = list(found)
        if parts and len(run) > 1:
            rows = [parts[0].split(line.strip().replace("|", r"\|")) for line in run]
            yield from (f"| {' | '.join(map(str.strip, row))} |" for row in rows)
        else:
            yield from run


def parted_by(line: str) -> tuple[re.Pattern[str], int] | None:
    bare = line.strip()
    if BAR.search(bare) or TAB.search(bare) or bare.endswith((".", "!", "?", ":")):
        return None
    counted = ((one, len(one.findall(bare))) for one in SEPARATORS)
    return next(((one, count) for one, count in counted if count >= FEWEST), None)


def is_of_table(line: str) -> bool:
    return bool(BAR.search(line) or TAB.search(line.strip()) or is_grid(line))


def is_grid(line: str) -> bool:
    """+-----+-----+"""
    return line.strip().startswith("+") and bool(RULE.fullmatch(line))


def heading(line: str) -> str:
    """What a table is of, where the line before it says so."""
    bare = MARKS.sub("", line.strip()).rstrip("*_: ")
    says_more = ": " in bare or bare.endswith((".", "!", "?", ";", ","))
    return "" if says_more or len(bare) > LONGEST_HEADING else bare


def told(lines: Sequence[str], caption: str = "") -> Iterator[list[str]]:
    """For each row its lines, one a cell."""
    heads, rows = parted(lines)
    yield from of_rows(heads, rows, caption)


def parted(lines: Sequence[str]) -> tuple[list[str], Rows]:
    """The head and the rows, all of one length. Where no rule ends the head, the first row of a
    table of two columns is as the others."""
    ruled = [place for place, line in enumerate(lines) if RULE.fullmatch(line)]
    rows = [cells(line) for line in lines if not RULE.fullmatch(line)]
    width = max(map(len, rows))
    rows = [row + [""] * (width - len(row)) for row in rows]
    before = [place for place in ruled if any(not RULE.fullmatch(one) for one in lines[:place])]
    if not before and width < 3:
        return [""] * width, rows
    return rows[0], rows[1:]


def cells(line: str) -> list[str]:
    text = line.strip()
    bars = re.sub(r"^\||(?<!\\)\|$", "", text)
    parts = BAR.split(bars) if BAR.search(text) else TAB.split(text)
    return [" ".join(part.replace(r"\|", "|").split()).strip("*_` ") for part in parts]


def of_rows(heads: list[str], rows: Rows, caption: str = "") -> Iterator[list[str]]:
    section, found = "", []
    for row in rows:
        if len(row) > 1 and (head := section_of(row)):
            section = head
        else:
            found.append((section, row))
    named = named_by(found)
    for section, row in found:
        if any(row):
            yield list(of_row(heads, row, named, [caption, section]))


def section_of(row: list[str]) -> str:
    """A row of one cell, or of one that spans them all, is a head of those below it."""
    first, *others = row
    return first if first and (not any(others) or {*others} == {first}) else ""


def named_by(rows: list[tuple[str, list[str]]]) -> int:
    """So many of the first columns tell the rows apart; 0: none do, short of all."""
    for count in range(1, len(rows[0][1]) if rows else 0):
        if len({(section, *row[:count]) for section, row in rows}) == len(rows):
            return count
    return 0


def of_row(heads: list[str], row: list[str], named: int, about: list[str]) -> Iterator[str]:
    names = [name_of(head, cell, named < 2) for head, cell in zip(heads, row, strict=True)]
    about = [*about, *names[: named or 1]]
    rest = [pair for pair in list(zip(heads, row, strict=True))[named or 1 :] if any(pair)]
    label = BESIDE.join(filter(None, about))
    if named:
        for head, cell in rest:
            yield (BESIDE if head else ": ").join(filter(None, [label, labelled(head, cell)]))
    else:
        # What nothing tells apart stays on one line.
        yield f"{label}{BESIDE}{'; '.join(labelled(*pair) for pair in rest)}"


def name_of(head: str, cell: str, alone: bool) -> str:
    """ "Size 42" and "Friday": a row that is named by a figure says what that is of."""
    speaks = alone and len(cell) > SHORT and not any(map(str.isdigit, cell))
    return cell if speaks or not cell else f"{head} {cell}".strip()


def labelled(head: str, cell: str) -> str:
    # "(…)" at the end of a label are words that only help to find it.
    name = head.replace("(", "[").replace(")", "]")
    return f"{name}: {cell or NOTHING}" if name else cell
