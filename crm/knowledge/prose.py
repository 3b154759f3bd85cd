"""Cuts the text of an article into lines that can stand alone.

Each line has the heading or label that it stands under: "Locked out: 9 pm to 7 am, ring security."
Without it, nobody would find the line, and nobody who reads it would know what it is about.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from crm.knowledge import tables
from inference import sentences
from inference.length import boundary, words
from inference.lines import parts

# A sentence up to this many times as long as a passage stays whole.
LONGEST_WHOLE = 1.5
# Characters after which a word is cut: web addresses are seldom longer.
LONGEST_WORD = 120
# A longer label is cut together with its value.
LABEL_WORDS = 20
BULLET = re.compile(r"^[-*•] ")
ITEM = re.compile(r"^(?:[-*•]|\d{1,2}[.)]) ")
# Markdown's marks of headings, quotations and emphasis. "> 5 kg", "2**10" and "a_b_c" have none.
HEADING, QUOTATION = re.compile(r"^#{1,6} "), re.compile(r"^(?:> ?)+(?!\s*\d)")
STRONG = re.compile(r"(?<![\w*])\*\*(?=\S)([^*\n]{1,300})(?<=\S)\*\*(?![\w*])")
EMPHASIS = re.compile(r"(?<![\w*_])([*_])(?=\S)([^*_\n]{1,200})(?<=\S)\1(?![\w*_])")
ESCAPED = re.compile(r"\\([*_#>])")
# An escaped mark meanwhile: a character for private use.
PRIVATE = 0xE000
# The start of an item of a list, "1. Open …", or of "Monday: 9 to 17".
OWN_LINE = re.compile(r"(?<!\s)\s*+(?:[-*•]\s|\d{1,2}[.)]\s|[A-ZÀ-Þ][^:.!?,]{0,40}: )")
# Words; a longer heading or introduction is not repeated before what follows it.
INTRODUCTION_WORDS = 15
# A paragraph in bold is a heading; bold words with a mark of their own are the paragraph's label:
# "**Guarantee.** Twelve months." More words before a full stop are a sentence.
BOLD = re.compile(r"^\*\*(?=\S)([^*\n]{1,120})(?<=\S)\*\*:?$")
LABEL = re.compile(
    r"^\*\*(?:([^*\n]{1,120}?)(?::\*\*|(?<=[?!])\*\*|\*\*:)|"
    r"((?:[^*\s.\d]+ ){0,4}[^*\s.\d]+)(?:\.\*\*|\*\*\.))\s+(?=\S)"
)
ASKED = ("?", "!")

# A line, or the lines of a table.
Block = str | list[str]


def paragraphs(text: str, most_words: int, title: str = "") -> Iterator[str]:
    """Yield the text's paragraphs, items of lists and rows of tables, with their headings. Those
    that are too long are cut between sentences, rows between their cells.

    title: what the passage says anyway, so no heading repeats it.
    """
    for above, blocks in sections(blocks_of(text)):
        heading = "" if above.casefold() == title.casefold() else above
        if heading and not blocks:
            yield heading
        caption = ""
        for block in with_introductions(blocks):
            if isinstance(block, list):
                yield from rows(block, caption or heading, most_words)
                caption = ""
            else:
                caption = tables.heading(block)
                for line in under(heading, block):
                    yield from pieces(line, most_words)


def blocks_of(text: str) -> Iterator[Block]:
    for is_table, run in tables.grouped(text.splitlines()):
        yield from [run] if is_table else unwrapped("\n".join(run))


def rows(table: list[str], caption: str, most_words: int) -> Iterator[str]:
    for cells in tables.lines_of_table(table, caption):
        row = "\n".join(cells)
        whole = words(row) <= most_words
        yield from [row] if whole else chain(*(fitting_line(cell, most_words) for cell in cells))


def unwrapped(text: str) -> list[str]:
    """Join lines that a narrow window has broken; "- Sunday: closed" stays a line of its own."""
    lines: list[list[str]] = []
    for paragraph in re.split(r"\n\s*\n", text):
        own = True
        for line in paragraph.splitlines():
            plain, is_heading = QUOTATION.sub("", line), bool(HEADING.match(line))
            if own or is_heading or OWN_LINE.match(plain):
                lines.append([plain])
            else:
                lines[-1].append(plain)
            own = is_heading
    return [" ".join(" ".join(pieces).split()) for pieces in lines]


def sections(blocks: Iterable[Block]) -> Iterator[tuple[str, list[Block]]]:
    """Yield each heading with what stands under it, at first none. A paragraph in bold is a heading
    below the last one with a mark; a label is one for its paragraph and a list right after it."""
    section, above, own, is_label = "", "", list[Block](), False
    for block in blocks:
        is_list = isinstance(block, str) and bool(ITEM.match(block))
        lower, rest = ("", block) if isinstance(block, list) else lower_heading(block)
        if isinstance(block, str) and (found := heading_of(block)):
            yield above, own
            section, above, own, is_label = found, found, [], False
        elif lower:
            if own or above != section:
                yield above, own
            above, is_label = under(section, lower)[0], bool(rest)
            own = [rest] if rest else []
        else:
            if is_label and not is_list:
                yield above, own
                above, own, is_label = section, [], False
            own.append(plain(block) if isinstance(block, str) else block)
    yield above, own


def heading_of(line: str) -> str:
    """Return the text of a heading; "" if the line is none, or too long to be repeated."""
    heading = plain(line).rstrip(": ") if HEADING.match(line) else ""
    return heading if words(heading) <= INTRODUCTION_WORDS else ""


def lower_heading(line: str) -> tuple[str, str]:
    """Return the text of a paragraph in bold, or the label of a paragraph and what follows it; or
    "" and the line."""
    if bold := BOLD.match(line):
        heading = without_emphasis(bold[1]).rstrip(": ")
        return (heading, "") if words(heading) <= INTRODUCTION_WORDS else ("", line)
    if label := LABEL.match(line):
        return without_emphasis(label[1] or label[2]), plain(line[label.end() :])
    return "", line


def plain(line: str) -> str:
    return without_emphasis(HEADING.sub("", line))


def under(heading: str, line: str) -> list[str]:
    """Return the line under its heading, cut into what may be told alone."""
    if not heading:
        return [line]
    mark = "" if heading.endswith(ASKED) else ":"
    return [f"{heading}{mark} {part}" for part in parts(line)]


def without_emphasis(line: str) -> str:
    """Remove Markdown's marks: customers read plain text."""
    if not {"*", "_", "\\"} & {*line} or any(PRIVATE < ord(one) < PRIVATE + 128 for one in line):
        return line
    kept = ESCAPED.sub(lambda found: chr(PRIVATE + ord(found[1])), line)
    plain = STRONG.sub(r"\1", EMPHASIS.sub(r"\2", kept))
    return "".join(
        chr(ord(one) - PRIVATE) if PRIVATE < ord(one) < PRIVATE + 128 else one for one in plain
    )


def with_introductions(blocks: Iterable[Block]) -> Iterator[Block]:
    """Put the line before a list in front of each item: alone, "Plant pots" does not say whether
    they are taken."""
    introduction, alone = "", False
    for block in blocks:
        item = "" if isinstance(block, list) else BULLET.sub("", block)
        if introduction and item and ITEM.match(str(block)):
            yield f"{introduction} {item}"
            alone = False
            continue
        if alone:
            yield introduction
        introduction = introducing(item)
        alone = bool(introduction)
        if isinstance(block, list):
            yield block
        elif rest := item.removesuffix(introduction).strip():
            yield rest
    if alone:
        yield introduction


def introducing(line: str) -> str:
    """Return the line's last sentence if it introduces a list: "We do not take:"."""
    last = (sentences.split(line) or [""])[-1]
    is_short = words(last) <= INTRODUCTION_WORDS
    return last if last.rstrip("*_ ").endswith(":") and is_short else ""


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
