"""Keys, the exact names of records: extracts them from records and finds them in questions.

A key is its letters and digits in lower case without accents: "FH-TNT 210" and "#fh tnt-210"
are both `fhtnt210`, "Gumbär Gummibärchen" is `gumbargummibarchen`.
"""

import re
import string
import unicodedata
from collections.abc import Iterator
from typing import Any

LONGEST_PHRASE = 7
# Words of a question; each begins up to seven phrases that are looked up.
MOST_WORDS = 1_000
# The length of the column that holds keys.
LONGEST_KEY = 200
TITLE_WORDS = 6
# "my order 12", "invoice no. 7", "RMA 1042": a reference, however short the number.
REFERENCE = re.compile(
    r"\b(?P<noun>order|invoice|parcel|package|shipment|ticket|case|return|rma|claim|booking|reservation|"
    r"reference|ref|tracking|account|contract|policy|quote|subscription|delivery|receipt|serial)s?"
    r"(?:[\s:.]*(?:number|no|nr|num|id|code|reference|ref|is)){0,4}[\s:.#]*"
    r"(?P<value>[a-z]{0,5}[-/]?\d[\w-]*)",
    re.IGNORECASE,
)
HASHED = re.compile(r"#\s?(?P<value>[a-z]{0,5}-?\d[\w-]*)", re.IGNORECASE)
# Five digits or more, or letters with at least four digits ("W2611340"), are seldom a quantity,
# unless money or a unit stands beside them.
CODE = re.compile(
    r"(?<![\w.,@€$£+-])(?<![€$£]\s)"
    r"(?P<value>(?:[a-z]{1,6}[-/]?){1,3}\d{4,}+\w*+|\d{5,}+)"
    r"(?![\w@]|[.,]\d|\s?(?:[€$£%]|euros?|dollars?|pounds|usd|eur|gbp|km|miles|kwh|kg)\b)",
    re.IGNORECASE,
)
# Addresses and phone numbers are not what customers ask about.
CONTACT = re.compile(
    r"(?:\b(?:phone|mobile|cell|tel|telephone|call|ring|text|fax|whatsapp|zip|postal|postcode"
    r"|post code)(?:\W+(?:me|us|back|at|on|under|number|no|code|is))*\W+|\+)\d[\d\s()/-]{3,}\d",
    re.IGNORECASE,
)


def folded(text: str) -> str:
    """Lower case without accents."""
    return unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()


def normalise(text: str) -> str:
    return "".join(character for character in folded(text) if character.isalnum())


def record_keys(record_id: str, title: str, fields: dict[str, Any]) -> set[str]:
    # No customer knows the namespace of "desk/order:12". They name "order:12" as "order 12"; the
    # bare number is a key only if it is long enough to be unique.
    own = record_id.split("/", 1)[-1]
    bare = own.split(":", 1)[-1]
    names = {record_id, own, *identifiers(fields), *([bare] if looks_like_code(bare) else [])}
    if len(title.split()) <= TITLE_WORDS:
        names.add(title)
    return {key for key in map(normalise, names) if 2 <= len(key) <= LONGEST_KEY}


def identifiers(value: Any) -> Iterator[str]:
    """Yield every string in the fields, at any depth, that looks like a code or an e-mail."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from identifiers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from identifiers(inner)
    elif isinstance(value, str) and looks_like_code(value):
        yield value


def looks_like_code(text: str) -> bool:
    if " " in text or not 4 <= len(text) <= 80 or re.match(r"^\d{4}-\d{2}-\d{2}", text):
        return False
    return "@" in text or sum(character.isdigit() for character in text) >= 3


def phrases(question: str) -> set[str]:
    """Return every run of up to seven words of the question, as keys."""
    words = [normalise(word) for word in question.split()[:MOST_WORDS]]
    spans = {
        "".join(words[start:end])
        for start in range(len(words))
        for end in range(start + 1, min(start + LONGEST_PHRASE, len(words)) + 1)
    }
    parts = {normalise(part) for part in re.split(r"[^\w@.#/-]+", question)}
    return {span for span in spans | parts if 2 <= len(span) <= LONGEST_KEY}


def one_off(key: str) -> set[str]:
    """Return every key that differs from this one by one character mistyped, left out, added or
    swapped with its neighbour (digits for digits, letters for letters): some hundred keys."""
    variants = set()
    for at in range(len(key) + 1):
        before, after = key[:at], key[at:]
        variants.add(before + after[1:])
        variants.add(before + after[1:2] + after[:1] + after[2:])
        for other in alphabet(after[:1] or before[-1:]):
            variants |= {before + other + after, before + other + after[1:]}
    return variants - {key}


def alphabet(character: str) -> str:
    return string.digits if character.isdigit() else string.ascii_lowercase


def references(question: str) -> list[tuple[str, ...]]:
    """Return the record numbers in the question, in order; each in the forms that its key may
    have: "order 12" is `12` or `order12`."""
    bare = CONTACT.sub(" ", question)
    matches = [match for pattern in (REFERENCE, HASHED, CODE) for match in pattern.finditer(bare)]
    matches.sort(key=lambda match: match.start("value"))
    forms: dict[str, tuple[str, ...]] = {}
    for match in matches:
        value, noun = normalise(match["value"]), (match.groupdict().get("noun") or "").lower()
        if value not in forms or noun:
            forms[value] = (value, f"{noun}{value}") if noun else (value,)
    return list(forms.values())
