"""Cuts the text of an article into lines that can stand alone.

Each line has the heading that it stands under: "Locked out: 9 pm to 7 am, ring security." Without
it, nobody would find the line, and nobody who reads it would know what it is about.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from re import Match

from crm.knowledge import tables
from crm.knowledge.outline import ASKS, ITEM, Block, plain, sections, under
from inference import sentences
from inference.length import boundary, words
from inference.lines import TOGETHER, is_prose, leads, parts

# A sentence up to this many times as long as a passage stays whole.
LONGEST_WHOLE = 1.5
# Characters after which a word is cut: web addresses are seldom longer.
LONGEST_WORD = 120
# A longer label is cut together with its value.
LABEL_WORDS = 20
BULLET = re.compile(r"^\s*[-–*•] ")
# Words; a longer introduction is not repeated before the items of its list.
INTRODUCTION_WORDS = 30


def paragraphs(text: str, most_words: int, title: str = "") -> Iterator[str]:
    """Yield the text's paragraphs, items of lists and rows of tables, with their headings. Those
    that are too long are cut between sentences, rows between their cells.

    title: the title of the passage; a heading that says the same is left out.
    """
    for heading, own in sections(text, title):
        if heading and not own:
            yield heading
        caption = ""
        for block in with_introductions(own):
            if isinstance(block, list):
                yield from rows(block, caption or heading, most_words)
                caption = ""
            else:
                caption = tables.heading(block)
                yield from headed(heading, block, most_words)


def rows(table: list[str], caption: str, most_words: int) -> Iterator[str]:
    for cells in tables.lines_of_table(table, caption):
        row = "\n".join(cells)
        whole = words(row) <= most_words
        yield from [row] if whole else chain(*(fitting_line(cell, most_words) for cell in cells))


def headed(heading: str, line: str, most_words: int) -> Iterator[str]:
    """Yield a line in pieces that fit. Below a heading, split each piece into parts that can stand
    alone, and put the heading before each part."""
    for piece in pieces(line, most_words):
        room = TOGETHER - len(heading.split())
        yield from (under(heading, part) for part in parts(piece, room)) if heading else [piece]


@dataclass(frozen=True)
class Introduction:
    """A text that introduces the items below it: a paragraph, at depth -1, or an item of a higher
    list."""

    depth: int
    text: str


def with_introductions(blocks: Iterable[Block]) -> Iterator[Block]:
    """Put what introduces a list in front of each item: alone, "Plant pots" does not say whether
    they are taken. Put a question or "You do this:" in front of the sentence after it."""
    above: list[Introduction] = []
    items: dict[int, Match[str]] = {}
    # An introduction or a question that nothing has followed yet.
    waiting = ""
    for block in blocks:
        if isinstance(block, list):
            if waiting:
                yield waiting
            yield block
            above, items, waiting = [], {}, ""
            continue
        item = ITEM.match(block)
        depth = len(item[1]) if item else -1
        above = [one for one in above if one.depth < depth]
        items = {at: one for at, one in items.items() if at <= depth}
        if item and not goes_on(items.get(depth), item):
            above = []
        line = plain(BULLET.sub("", block)).strip()
        if above:
            line = below(above[-1].text, line)
        elif waiting and not item and continues(waiting, line):
            line = f"{waiting} {line}"
        elif waiting:
            yield waiting
        waiting = ""
        if item:
            items[depth] = item
            above.append(Introduction(depth, line))
        if introduction := introducing(line):
            above = [one for one in above if one.depth < depth]
            above.append(Introduction(depth, introduction))
        if introduction or leads(line):
            waiting = introduction or line
        if rest := line.removesuffix(waiting).strip():
            yield rest
    if waiting:
        yield waiting


def goes_on(last: Match[str] | None, item: Match[str]) -> bool:
    """Tell whether an item belongs to the list of the one before it at its depth, or begins one."""
    if not item[2] and not item[3]:
        return last is None or not (last[2] or last[3])
    if last is None:
        return item[2] in {"0", "1"} or item[3] == "a"
    if item[2]:
        return bool(last[2]) and int(item[2]) in {int(last[2]), int(last[2]) + 1}
    return bool(last[3]) and ord(item[3]) in {ord(last[3]), ord(last[3]) + 1}


def below(introduction: str, line: str) -> str:
    """Put an introduction in front of a line, if it is short enough to be repeated."""
    if words(introduction) > INTRODUCTION_WORDS:
        return line
    return (
        f"{introduction} {line}"
        if introduction.endswith((":", *ASKS))
        else f"{introduction}: {line}"
    )


def continues(waiting: str, line: str) -> bool:
    """Tell whether a line says what a question asks or a paragraph introduces."""
    if waiting.endswith(ASKS):
        return not line.endswith(ASKS)
    return leads(waiting) and is_prose(line)


def introducing(line: str) -> str:
    """Return the line's last sentence if it introduces what follows: "We do not take:", "What do
    you not take?"."""
    last = (sentences.split(line) or [""])[-1]
    is_short = words(last) <= INTRODUCTION_WORDS
    return last if last.endswith((":", *ASKS)) and is_short else ""


def pieces(line: str, most_words: int) -> Iterator[str]:
    piece: list[str] = []
    room = most_words
    for sentence in re.split(r"(?<=[.!?])\s+|(?<=[。！？])", line):
        for part in fitting(sentence, most_words):
            if piece and words(part) > room:
                yield " ".join(piece)
                piece, room = [], most_words
            piece.append(part)
            room -= words(part)
    if joined := " ".join(piece).strip():
        yield joined


def fitting(text: str, most_words: int) -> list[str]:
    """Cut the text into parts that fit, between words or, without spaces, between characters."""
    if words(text) <= LONGEST_WHOLE * most_words:
        return [text]
    parts: list[list[str]] = [[]]
    room = most_words
    for word in chain.from_iterable(map(slices, text.split())):
        if parts[-1] and words(word) > room:
            parts.append([])
            room = most_words
        parts[-1].append(word)
        room -= words(word)
    return [" ".join(part) for part in parts]


def slices(word: str) -> Iterator[str]:
    at = 0
    while at < len(word):
        end = boundary(word, at + LONGEST_WORD)
        yield word[at:end]
        at = end


def fitting_line(line: str, most_words: int) -> list[str]:
    """Cut the line of a field into parts that fit, each with the label."""
    if words(line) <= LONGEST_WHOLE * most_words:
        return [line]
    label, colon, value = line.partition(": ")
    if not colon or words(label) > LABEL_WORDS:
        return fitting(line, most_words)
    return [f"{label}: {part}" for part in fitting(value, most_words)]
