"""Personal data out of a text: what its form gives away, and what the CRM knows of its writer.

`redact` is for what is kept for long and read by machines: it takes every long number, an order's
too. `mask` is for texts that have to go on making sense: it takes a number only where a check sum,
the way it is written or the word beside it says whose number it is.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from chatbot.privacy import addresses, numbers
from chatbot.privacy.finders import TAKEN, Find, Span, every

# What shows nothing, of other kinds than Unicode's format characters: fillers, variation selectors.
UNSEEN = {0x034F, 0x115F, 0x1160, 0x3164, *range(0xFE00, 0xFE10), *range(0x180B, 0x1810)}
# A letter with its marks; endless ones would be sorted for as long.
CLUSTER = re.compile(r"[^\u0300-\u036f][\u0300-\u036f]{0,8}|[\u0300-\u036f]")
# A value of fewer letters ("M", "DE") is no personal data, and would tear words apart.
SHORTEST = 3

ALWAYS: list[tuple[str, Find]] = [
    ("[email]", addresses.emails),
    ("[address]", addresses.posts),
    ("[iban]", numbers.accounts),
    ("[id]", numbers.identities),
    ("[code]", numbers.codes),
]
MASKED: list[tuple[str, Find]] = [*ALWAYS, ("[card]", numbers.cards), ("[phone]", numbers.phones)]
REDACTED: list[tuple[str, Find]] = [
    *ALWAYS,
    ("[link]", every(r"(?:https?://|www\.)\S+")),
    # Of every run of four or more digits, whatever parts it.
    ("[number]", every(rf"\+?\(?\d(?:{numbers.GAP}{{0,3}}\d){{3,}}")),
]


def redact(text: str, known: Iterable[str] = ()) -> str:
    """`known`: names and other values of the writer; each becomes [name], longest first."""
    return without(text, [*REDACTED, *names(known)])


def mask(text: str, known: Iterable[str] = ()) -> str:
    return without(text, [*MASKED, *names(known)])


def without(text: str, table: Iterable[tuple[str, Find]]) -> str:
    plain, places = as_read(text)
    found: list[tuple[Span, str]] = []
    for word, find in table:
        spans = list(find(plain))
        found += [(span, word) for span in spans]
        plain = blanked(plain, spans)
    parts, end = [], 0
    for (start, stop), word in sorted(found):
        if start >= end:
            parts += [text[places[end] : places[start]], word]
            end = stop
    return "".join([*parts, text[places[end] :]])


def blanked(text: str, spans: Iterable[Span]) -> str:
    """What is taken is a hole in the text: nothing is found across it."""
    parts, end = [], 0
    for start, stop in sorted(spans):
        if start >= end:
            parts += [text[end:start], TAKEN * (stop - start)]
            end = stop
    return "".join([*parts, text[end:]])


def as_read(text: str) -> tuple[str, Sequence[int]]:
    """The text as it looks: one form of each letter and digit, without what is not seen; and where
    each of its characters, and its end, stand in the text as it is."""
    if text.isascii():
        return text, range(len(text) + 1)
    seen, places = [], []
    for cluster in CLUSTER.finditer(text):
        shown = look(cluster[0])
        seen.append(shown)
        places += [cluster.start()] * len(shown)
    return "".join(seen), [*places, len(text)]


@lru_cache(maxsize=5_000)
def look(cluster: str) -> str:
    return "".join(map(looks, unicodedata.normalize("NFKC", cluster)))


def looks(character: str) -> str:
    if character in "ßẞ":
        return "ss"  # As it is written in capitals.
    kind = unicodedata.category(character)
    if kind == "Cf" or ord(character) in UNSEEN:
        return ""
    return str(unicodedata.decimal(character)) if kind == "Nd" else character


def names(known: Iterable[str]) -> Iterator[tuple[str, Find]]:
    values = {as_read(value.strip())[0] for value in known}
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= SHORTEST:
            spaced = r"\s+".join(map(re.escape, value.split()))
            yield "[name]", every(rf"(?<!\w){spaced}(?!\w)")
