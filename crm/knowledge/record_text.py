"""Turns CRM fields into lines that a customer would understand.

`{"shipped date": "1997-09-02"}` becomes "Shipped date: 2 September 1997".
Every line states one fact and can stand alone: the prompt takes only the lines that matter.
"""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from itertools import chain
from typing import Any

from crm.knowledge import amounts, moments, tables
from inference import sentences
from inference.length import boundary, words
from inference.text import words_of as words_of

# A sentence up to this many times as long as a passage stays whole.
LONGEST_WHOLE = 1.5
# Characters after which a word is cut: web addresses are seldom longer.
LONGEST_WORD = 120
# A longer label is cut together with its value.
LABEL_WORDS = 20
BULLET = re.compile(r"^[-*•] ")
ITEM = re.compile(r"^(?:[-*•]|\d{1,2}[.)]) ")
# A program's word for a state: "waiting_for_parts".
ENUMERATED = re.compile(r"[a-z]{1,30}(?:_[a-z]{1,30}){1,8}")
SPOKEN_NUMBER = re.compile(r"(?=[A-Z-]{0,15}\d)[A-Z\d](?:[A-Z\d]|-(?=[A-Z\d])){0,15}")
# Markdown's marks of headings, quotations and emphasis. "> 5 kg", "2**10" and "a_b_c" have none.
HEADING, QUOTATION = re.compile(r"^#{1,6} "), re.compile(r"^(?:> ?)+(?!\s*\d)")
STRONG = re.compile(r"(?<![\w*])\*\*(?=\S)([^*\n]{1,300})(?<=\S)\*\*(?![\w*])")
EMPHASIS = re.compile(r"(?<![\w*_])([*_])(?=\S)([^*_\n]{1,200})(?<=\S)\1(?![\w*_])")
ESCAPED = re.compile(r"\\([*_#>])")
# An escaped mark meanwhile: a character for private use.
PRIVATE = 0xE000
# The start of an item of a list, "1. Open …", or of "Monday: 9 to 17".
OWN_LINE = re.compile(r"(?<!\s)\s*+(?:[-*•]\s|\d{1,2}[.)]\s|[A-ZÀ-Þ][^:.!?,]{0,40}: )")
# Words; a longer introduction is not repeated before the items of its list.
INTRODUCTION_WORDS = 15
# Words of a field's value; a longer one is treated as prose.
LONGEST_VALUE = 60


def lines(fields: dict[str, Any]) -> list[str]:
    """Return one line per fact, in the order of the fields."""
    currency = amounts.currency_of(fields)
    return [line for name, value in fields.items() for line in field_lines(name, value, currency)]


def is_field(line: str, name: str) -> bool:
    """Tell whether a line states the field of this name."""
    return line.casefold().startswith(f"{words_of(name)}:".casefold())


def field_lines(name: str, value: Any, currency: str = "") -> Iterator[str]:
    label = words_of(name)
    if isinstance(value, dict):
        currency = amounts.currency_of(value, currency)
        for inner, inner_value in value.items():
            yield from field_lines(f"{label} {inner}", inner_value, currency)
    elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        yield f"Number of {label}: {len(value)}"
        for entry in value:
            yield f"{singular(label).capitalize()}: {entry_text(entry, currency)}"
    elif is_table(value):
        head, *rows = ([value_text("", cell) for cell in row] for row in value)
        for lines in tables.lines_of_rows(head, rows, heading(label)):
            yield from lines
    elif isinstance(value, str) and ("\n" in value or words(value) > LONGEST_VALUE):
        yield from (f"{heading(label)}: {line}" for line in paragraphs(value, LONGEST_VALUE))
    else:
        yield f"{heading(label)}: {value_text(label, value, currency)}"


def is_table(value: Any) -> bool:
    """Tell whether the value is a list of rows of one length; the first is then the head."""
    rows = isinstance(value, list) and len(value) > 1 and all(isinstance(r, list) for r in value)
    return bool(rows) and len({len(row) for row in value}) == 1 and len(value[0]) > 1


def heading(label: str) -> str:
    return label[:1].upper() + label[1:]


def entry_text(entry: Any, currency: str = "") -> str:
    """Write a nested row, such as an order item, on one line."""
    if not isinstance(entry, dict):
        return value_text("", entry)
    currency = amounts.currency_of(entry, currency)
    pairs = [(words_of(name), value) for name, value in entry.items()]
    parts = [f"{name} {value_text(name, value, currency)}" for name, value in pairs]
    # The first value usually names the row, and needs no label unless it is a number.
    if pairs and isinstance(pairs[0][1], str):
        parts[0] = value_text(*pairs[0])
    return ", ".join(parts)


def value_text(label: str, value: Any, currency: str = "") -> str:
    if value is None or value == "" or value == []:
        return "none on record"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value_text(label, entry, currency) for entry in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {value_text(name, inner)}" for name, inner in value.items())
    if time := moments.formatted(label, value):
        return time
    if isinstance(value, int | float):
        return amounts.formatted(label, value, currency)
    text = " ".join(str(value).split())
    if ENUMERATED.fullmatch(text):
        return text.replace("_", " ")
    return amounts.with_currency(label, text, currency)


def latest_day(fields: dict[str, Any]) -> date | None:
    """Return the latest date in the fields. At the top level it may have any form; deeper, only
    the form 2026-03-01 is found."""
    days = [day for name, value in fields.items() for day in moments.days_of(name, value)]
    for day in re.findall(r"\b\d{4}-\d{2}-\d{2}", json.dumps(fields)):
        with suppress(ValueError):
            days.append(date.fromisoformat(day))
    return max(days, default=None)


def singular(label: str) -> str:
    if label.endswith("ies"):
        return f"{label[:-3]}y"
    return label[:-1] if label.endswith("s") and not label.endswith("ss") else label


def plural(word: str) -> str:
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if re.search(r"(?:s|x|z|ch|sh)$", word) else f"{word}s"


def told(name: str, fields: Iterable[str]) -> str:
    """Write fields as a sentence: "Order 10482 – Status: in transit; Total: 41.50."."""
    return f"{name} – {'; '.join(field.rstrip('.') for field in fields)}."


def name_of(kind: str, id: str, title: str) -> str:
    """Return a short name of a customer's own record: "Order 50001".

    Its title may be the subject of somebody's mail: shown as a source, never as the bot's words. A
    number that people use stands in the title, or has only capitals, digits and dashes.
    """
    number, spoken = re.split("[:/]", id)[-1], words_of(kind)
    in_title = number and re.search(rf"(?<!\w){re.escape(number)}(?!\w)", title, re.I)
    is_known = in_title or SPOKEN_NUMBER.fullmatch(number)
    return heading(f"{spoken} {number}" if is_known else spoken)


def paragraphs(text: str, most_words: int) -> Iterator[str]:
    """Yield the text's paragraphs, items of lists and rows of tables. Those that are too long are
    cut between sentences, rows between their cells."""
    caption = ""
    for is_table, run in tables.grouped(text.splitlines()):
        if is_table:
            for cells in tables.lines_of_table(run, caption):
                row = "\n".join(cells)
                whole = words(row) <= most_words
                yield from [row] if whole else chain(*(fitting_line(c, most_words) for c in cells))
            caption = ""
        else:
            for line in with_introductions(unwrapped("\n".join(run))):
                yield from pieces(line, most_words)
                caption = tables.heading(line)


def unwrapped(text: str) -> list[str]:
    """Join lines that a narrow window has broken; "- Sunday: closed" stays a line of its own."""
    lines: list[list[str]] = []
    for paragraph in re.split(r"\n\s*\n", text):
        own = True
        for line in paragraph.splitlines():
            plain, is_heading = QUOTATION.sub("", line), bool(HEADING.match(line))
            if own or is_heading or OWN_LINE.match(plain):
                lines.append([HEADING.sub("", plain)])
            else:
                lines[-1].append(plain)
            own = is_heading
    return [without_emphasis(" ".join(" ".join(parts).split())) for parts in lines]


def without_emphasis(line: str) -> str:
    """Remove Markdown's marks: customers read plain text."""
    if not {"*", "_", "\\"} & {*line} or any(PRIVATE < ord(one) < PRIVATE + 128 for one in line):
        return line
    kept = ESCAPED.sub(lambda found: chr(PRIVATE + ord(found[1])), line)
    plain = STRONG.sub(r"\1", EMPHASIS.sub(r"\2", kept))
    return "".join(
        chr(ord(one) - PRIVATE) if PRIVATE < ord(one) < PRIVATE + 128 else one for one in plain
    )


def with_introductions(lines: Iterable[str]) -> Iterator[str]:
    """Put the line before a list in front of each item: alone, "Plant pots" does not say whether
    they are taken."""
    introduction, alone = "", False
    for line in lines:
        item = BULLET.sub("", line)
        if introduction and ITEM.match(line):
            yield f"{introduction} {item}"
            alone = False
            continue
        if alone:
            yield introduction
        introduction = introducing(item)
        alone = bool(introduction)
        if rest := item.removesuffix(introduction).strip():
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
