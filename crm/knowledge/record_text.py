"""Turns CRM fields into lines that a customer would understand.

`{"shipped date": "1997-09-02"}` becomes "Shipped date: 2 September 1997".
Every line states one fact and can stand alone: the prompt takes only the lines that matter.
"""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from typing import Any

from crm.knowledge import amounts, moments, prose, tables
from inference.length import words
from inference.text import words_of as words_of

# A program's word for a state: "waiting_for_parts".
ENUMERATED = re.compile(r"[a-z]{1,30}(?:_[a-z]{1,30}){1,8}")
SPOKEN_NUMBER = re.compile(r"(?=[A-Z-]{0,15}\d)[A-Z\d](?:[A-Z\d]|-(?=[A-Z\d])){0,15}")
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
        yield from (f"{heading(label)}: {line}" for line in prose.paragraphs(value, LONGEST_VALUE))
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
