"""Cuts a passage into lines that are true by themselves: a field, a row of a table (or a short list
of two columns), or a few sentences that belong together."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from inference import sentences
from inference.remembered import remembered
from inference.text import FIELD

# Stands between the names of a table, a row and a column.
CELL = " · "
# Words of a row, and of sentences taken together: a customer reads them at a glance. Of a longer
# row, each cell is a line.
ROW, TOGETHER = 40, 30
# A sentence that begins like this leans on the one before it, and is never told without it.
LEANS = re.compile(
    r"^(?:yes|no|it|its|it['’]s|they|them|their|these|those|this|that|he|she|otherwise|however|but|and"
    r"|or|also|then|unless|except|in (?:that|this|these|such) cases?|if (?:so|not)|after that"
    r"|past that|both|neither|either)\b",
    re.I,
)
# So does what follows "Forgot the code?" and "You can:".
LEADS = ("?", ":")


@remembered
def cut(passage: str) -> tuple[str, tuple[str, ...]]:
    """Return the title and the lines."""
    title, *lines = passage.split("\n")
    found: list[str] = []
    for name, group in groupby(lines, key=row_of):
        if name is not None:
            found += row(name, list(group))
            continue
        for part in (part for line in group for part in parts(line)):
            if found and leads(found[-1]) and is_prose(part):
                found[-1] += f" {part}"
            else:
                found.append(part)
    return title, tuple(found)


def titled(passages: Iterable[str]) -> list[tuple[str, str]]:
    """Return the lines of passages, each with its title."""
    return [(title, line) for title, lines in map(cut, passages) for line in lines]


def row_of(line: str) -> str | None:
    """Return the name of the row that a cell stands in; None if the line is no cell."""
    label = line.partition(": ")[0]
    return label.rpartition(CELL)[0] if CELL in label else None


def row(name: str, cells: list[str]) -> list[str]:
    whole = f"{name}{CELL}{'; '.join(cell.removeprefix(name + CELL) for cell in cells)}"
    return [whole] if len(whole.split()) <= ROW else cells


def parts(line: str, most_words: int = TOGETHER) -> list[str]:
    return list(grouped(line, most_words)) if is_prose(line) else [line]


def grouped(line: str, most_words: int) -> Iterator[str]:
    """Yield the sentences of a paragraph, some together."""
    group = ""
    for sentence in sentences.split(line):
        longer = f"{group} {sentence}".strip()
        if not group or leads(group) or LEANS.match(sentence) or len(longer.split()) <= most_words:
            group = longer
        else:
            yield group
            group = sentence
    if group:
        yield group


def leads(text: str) -> bool:
    return is_prose(text) and text.endswith(LEADS)


def is_prose(line: str) -> bool:
    """Tell a sentence from a field or a cell of a table."""
    return CELL not in line and not FIELD.match(line)
