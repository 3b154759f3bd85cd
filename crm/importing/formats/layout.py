"""Turns the lines of a PDF's pages into Markdown: paragraphs, headings, lists and tables.

A PDF says where each line stands, and nothing about what it is; that is told from sizes, gaps and
repetitions, as readers do.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from crm.importing.formats.pdf import Cell, Line, Page
from inference.markup import line as table_line

# Lines at the top and at the foot of a page among which headers, footers and page numbers stand.
MARGIN = 3
NUMBER = re.compile(
    r"\W{0,3}(?:(?:page|seite|p\.)\s)?\d{1,4}(?:\s?(?:/|of|von)\s?\d{1,4})?\W{0,3}", re.I
)
DIGITS = re.compile(r"\d+")
# How much larger than most lines a heading is, at least; and how many characters and levels.
LARGER, LONGEST_HEADING, LEVELS = 1.12, 120, 3
# The distance to the next paragraph, as a multiple of that between most lines.
FURTHER = 1.35
# A line that ends left of that share of the width, with a full stop, ends its paragraph.
NARROW = 0.8
# Points by which cells in a column may be out of line.
FLUSH = 3.0
# Characters of a cell; in longer ones, two columns of prose stand beside each other.
CELL = 60
BULLET = re.compile(r"[•◦▪●○■–—‣·∙*-] +|[•●▪■‣] *")
NUMBERED = re.compile(r"(?:\d{1,2}[.)]|[a-z]\)|\(\d{1,2}\)) ")
# Items of one list, as they are written.
ITEM = re.compile(r"- |(?:\d{1,2}[.)]|[a-z]\)|\(\d{1,2}\)) ")
ENDS = (".", "!", "?", ":", ";")


def markdown(pages: list[Page]) -> str:
    pages = list(without_margins(pages))
    lines = [line for page in pages for line in page]
    if not lines:
        return ""
    first, *others = Text(lines).blocks(pages)
    written = [first]
    for before, block in pairwise([first, *others]):
        is_list = ITEM.match(block) and ITEM.match(before)
        written += ["\n" if is_list else "\n\n", block]
    return "".join(written)


def without_margins(pages: list[Page]) -> Iterator[Page]:
    """Drop the lines at the edges that most pages repeat, but for a number, and page numbers."""
    seen = Counter(key for page in pages for key in {key_of(line) for line in edges(page)})
    repeated = {key for key, count in seen.items() if count > max(1, len(pages) / 2)}
    for page in pages:
        at_edges = {id(line) for line in edges(page)}
        yield [
            line
            for line in page
            if id(line) not in at_edges
            or not (key_of(line) in repeated or (len(pages) > 1 and NUMBER.fullmatch(line.text)))
        ]


def edges(page: Page) -> list[Line]:
    by_height = sorted(page, key=lambda line: line.foot)
    return by_height[:MARGIN] + by_height[-MARGIN:] if len(page) > 2 * MARGIN else by_height


def key_of(line: Line) -> str:
    return DIGITS.sub("0", line.text)


class Text:
    """The lines of a document, with the measures of most of them."""

    def __init__(self, lines: list[Line]) -> None:
        sizes: Counter[float] = Counter()
        for line in lines:
            sizes[line.size] += len(line.text)
        self.size = sizes.most_common(1)[0][0]
        self.right = max(line.cells[-1].right for line in lines)
        self.left = min(line.cells[0].left for line in lines)
        steps = [round(a.foot - b.foot, 1) for a, b in pairwise(lines)]
        fit = Counter(step for step in steps if 0 < step < 3 * self.size)
        self.step = fit.most_common(1)[0][0] if fit else 1.2 * self.size
        is_light = sum(len(one.text) for one in lines if one.bold) < sum(sizes.values()) / 2
        self.bold_stands_out = is_light
        headings = {line.size for line in lines if self.is_larger(line)}
        self.levels = {size: n for n, size in enumerate(sorted(headings, reverse=True), start=1)}

    def is_larger(self, line: Line) -> bool:
        return line.size >= LARGER * self.size and len(line.text) <= LONGEST_HEADING

    def level(self, line: Line) -> int:
        """Return the level of a heading; 0 for other lines."""
        if self.is_larger(line):
            return min(self.levels[line.size], LEVELS)
        is_heading = (
            self.bold_stands_out
            and line.bold
            and line.size >= self.size
            and not any(cell.apart for cell in line.cells[1:])
            and len(line.text) <= LONGEST_HEADING
            and not line.text.endswith((".", ",", ":", ";"))
        )
        return min(len(self.levels) + 1, LEVELS + 1) if is_heading else 0

    def blocks(self, pages: Iterable[Page]) -> Iterator[str]:
        """Yield headings, tables and paragraphs. A paragraph may go on on the next page."""
        waiting: list[Line] = []
        for run in (run for page in pages for run in runs_of(page)):
            if len(run) == 1:
                waiting += run
            elif is_prose(run):
                waiting += in_columns(run)
            else:
                yield from self.paragraphs(waiting)
                waiting = []
                yield table(run)
        yield from self.paragraphs(waiting)

    def paragraphs(self, lines: list[Line]) -> Iterator[str]:
        """Yield the text of lines, those of a paragraph joined."""
        paragraph: list[Line] = []
        for line in lines:
            if paragraph and self.begins(line, paragraph[-1]):
                yield self.written(paragraph)
                paragraph = []
            paragraph.append(line)
        if paragraph:
            yield self.written(paragraph)

    def begins(self, line: Line, before: Line) -> bool:
        """Tell whether a line begins a paragraph."""
        level, level_before = self.level(line), self.level(before)
        if level or level_before:
            is_same = level == level_before and abs(before.foot - line.foot) <= 1.8 * line.size
            return not is_same or starts_item(line)
        if starts_item(line):
            return True
        ended = before.text.endswith(ENDS)
        step = before.foot - line.foot
        if step <= 0:  # The next column or page.
            return ended or not line.text[:1].islower()
        width = self.right - self.left
        is_short = before.cells[-1].right < self.left + NARROW * width
        return step > FURTHER * self.step or (ended and is_short)

    def written(self, lines: list[Line]) -> str:
        text = dehyphenated([line.text for line in lines])
        if level := self.level(lines[0]):
            return f"{'#' * level} {text}"
        item = BULLET.match(text)
        return f"- {text[item.end() :]}" if item else text


def starts_item(line: Line) -> bool:
    return bool(BULLET.match(line.text) or NUMBERED.match(line.text))


def dehyphenated(lines: list[str]) -> str:
    """Join lines, and the halves of a word that a hyphen divides."""
    text = lines[0]
    for line in lines[1:]:
        divided = text.endswith("-") and text[-2:-1].isalpha() and line[:1].islower()
        text = text[:-1] + line if divided else f"{text} {line}"
    return text


def runs_of(page: Page) -> Iterator[list[Line]]:
    """Yield lines one by one; those whose cells stand below each other together."""
    run: list[Line] = []
    for line in page:
        widest = max(run, key=lambda row: len(row.cells), default=line)
        if run and not is_below(line, widest):
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def is_below(line: Line, row: Line) -> bool:
    if (
        min(len(line.cells), len(row.cells)) < 2
        or abs(line.size - row.size) > 1
        or starts_item(line)
    ):
        return False
    if len(line.cells) != len(row.cells) and not any(cell.apart for cell in line.cells[1:]):
        return False
    return all(any(fits(cell, above) for above in row.cells) for cell in line.cells)


def fits(cell: Cell, above: Cell) -> bool:
    """Tell whether a cell is in the same column as the one above: flush left, right or centred."""
    left, right = cell.left - above.left, cell.right - above.right
    is_flush = min(abs(left), abs(right), abs(left + right) / 2) < FLUSH
    return is_flush or (cell.apart and min(cell.right, above.right) > max(cell.left, above.left))


def is_prose(rows: list[Line]) -> bool:
    """Tell columns of prose from a table by how much their cells hold."""
    cells = [cell for row in rows for cell in row.cells]
    return sum(len(cell.text) for cell in cells) > CELL * len(cells) / 2 and all(
        len(row.cells) == 2 for row in rows
    )


def in_columns(rows: list[Line]) -> list[Line]:
    """Return the left column's lines before the right one's."""
    return [
        Line((row.cells[side],), row.foot, row.size, row.bold) for side in (0, 1) for row in rows
    ]


def table(rows: list[Line]) -> str:
    """Write a Markdown table; each cell belongs to the column that it overlaps the most."""
    columns = [[cell.left, cell.right] for cell in max(rows, key=lambda row: len(row.cells)).cells]
    lines = []
    for row in rows:
        texts = [""] * len(columns)
        for cell in row.cells:
            place = max(range(len(columns)), key=lambda at: overlap(columns[at], cell))
            texts[place] = f"{texts[place]} {cell.text}".strip()
            columns[place] = [min(columns[place][0], cell.left), max(columns[place][1], cell.right)]
        lines.append(table_line(texts))
    return "\n".join([lines[0], table_line(["---"] * len(columns)), *lines[1:]])


def overlap(column: list[float], cell: Cell) -> float:
    """Return by how much they overlap; how far they are apart, as a negative number."""
    return min(column[1], cell.right) - max(column[0], cell.left)
