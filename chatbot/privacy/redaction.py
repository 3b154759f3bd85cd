"""Removes personal data from texts: data of a known form, and the writer's data from the CRM.

`redact` is for texts that are stored for long and read by machines: it removes all long numbers,
also those of orders. `mask` is for texts that must still make sense: it removes a number only if a
check sum, its format or the word beside it shows that it is a person's.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from chatbot.privacy import addresses, numbers
from chatbot.privacy.finders import TAKEN, Find, Span, every

# Invisible characters outside Unicode's format characters: fillers and variation selectors.
UNSEEN = {0x034F, 0x115F, 0x1160, 0x3164, *range(0xFE00, 0xFE10), *range(0x180B, 0x1810)}
# A letter with its marks, but not endless ones, which would take endless time to sort.
CLUSTER = re.compile(r"[^\u0300-\u036f][\u0300-\u036f]{0,8}|[\u0300-\u036f]")
# A shorter value ("M", "DE") is not personal data, and would be found in ordinary text.
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
    # Every run of four or more digits, whatever is between them.
    ("[number]", every(rf"\+?\(?\d(?:{numbers.GAP}{{0,3}}\d){{3,}}")),
]


def redact(text: str, known: Iterable[str] = ()) -> str:
    """Remove all personal data. known: names and other data of the writer, which become [name]."""
    return without(text, [*REDACTED, *names(known)])


def mask(text: str, known: Iterable[str] = ()) -> str:
    """Remove personal data, but keep numbers of things. known: as for `redact`."""
    return without(text, [*MASKED, *names(known)])


def without(text: str, table: Iterable[tuple[str, Find]]) -> str:
    plain, places = as_read(text)
    replacements: list[tuple[Span, str]] = []
    for word, find in table:
        spans = list(find(plain))
        replacements += [(span, word) for span in spans]
        plain = blanked(plain, spans)
    parts, end = [], 0
    for (start, stop), word in sorted(replacements):
        if start >= end:
            parts += [text[places[end] : places[start]], word]
            end = stop
    return "".join([*parts, text[places[end] :]])


def blanked(text: str, spans: Iterable[Span]) -> str:
    """Replace the spans by holes, across which nothing else is found."""
    parts, end = [], 0
    for start, stop in sorted(spans):
        if start >= end:
            parts += [text[end:start], TAKEN * (stop - start)]
            end = stop
    return "".join([*parts, text[end:]])


def as_read(text: str) -> tuple[str, Sequence[int]]:
    """Return the text as people see it, and the position of each of its characters and of its end
    in the original. Each letter and digit has one form, and invisible characters are left out."""
    if text.isascii():
        return text, range(len(text) + 1)
    visible, places = [], []
    for cluster in CLUSTER.finditer(text):
        shown = normalised(cluster[0])
        visible.append(shown)
        places += [cluster.start()] * len(shown)
    return "".join(visible), [*places, len(text)]


@lru_cache(maxsize=5_000)
def normalised(cluster: str) -> str:
    return "".join(map(as_seen, unicodedata.normalize("NFKC", cluster)))


def as_seen(character: str) -> str:
    if character in "ßẞ":
        return "ss"  # As in capitals.
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
