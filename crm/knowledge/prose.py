"""Cuts the text of an article into lines that can stand alone.

Each line has the heading that it stands under: "Locked out: 9 pm to 7 am, ring security." Without
it, nobody would find the line, and nobody who reads it would know what it is about.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from crm.knowledge import tables
from crm.knowledge.outline import ITEM, Block, plain, sections, under
from inference import sentences
from inference.length import boundary, words
from inference.lines import TOGETHER, is_prose, leads, parts

# A sentence up to this many times as long as a passage stays whole.
LONGEST_WHOLE = 1.5
# Characters after which a word is cut: web addresses are seldom longer.
LONGEST_WORD = 120
# A longer label is cut together with its value.
LABEL_WORDS = 20
BULLET = re.compile(r"^\s*[-*•] ")
# Words; a longer introduction is not repeated before the items of its list.
INTRODUCTION_WORDS = 15


def paragraphs(text: str, most_words: int, title: str = "") -> Iterator[str]:
    """Yield the text's paragraphs, items of lists and rows of tables, with their headings. Those
    that are too long are cut between sentences, rows between their cells.

    title: of the passage; a heading that says the same is left out.
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
    """Yield a line in pieces that fit; below a heading, in what may be told alone, with it."""
    for piece in pieces(line, most_words):
        room = TOGETHER - len(heading.split())
        yield from (under(heading, part) for part in parts(piece, room)) if heading else [piece]


def with_introductions(own: Iterable[Block]) -> Iterator[Block]:
    """Put what introduces a list in front of each item: alone, "Plant pots" does not say whether
    they are taken. Put a question or "You do this:" in front of the sentence after it."""
    # What introduces the items below, with its indentation (-1: a paragraph); and the last of it
    # that stands alone so far.
    introductions: list[tuple[int, str]] = []
    waiting = ""
    for block in own:
        is_item = isinstance(block, str) and bool(ITEM.match(block))
        depth = len(block) - len(block.lstrip()) if is_item and isinstance(block, str) else -1
        introductions = [one for one in introductions if one[0] < depth]
        if isinstance(block, list):
            if waiting:
                yield waiting
            yield block
            waiting = ""
            continue
        line = plain(BULLET.sub("", block)).strip()
        if introductions:
            line = f"{introductions[-1][1]} {line}"
        elif waiting and leads(waiting) and is_prose(line) and not is_item:
            line = f"{waiting} {line}"
        elif waiting:
            yield waiting
        waiting = ""
        if introduction := introducing(line):
            introductions.append((depth, introduction))
        if introduction or leads(line):
            waiting = introduction or line
        if rest := line.removesuffix(waiting).strip():
            yield rest
    if waiting:
        yield waiting


def introducing(line: str) -> str:
    """Return the line's last sentence if it introduces a list: "We do not take:"."""
    last = (sentences.split(line) or [""])[-1]
    is_short = words(last) <= INTRODUCTION_WORDS
    return last if last.endswith(":") and is_short else ""


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
