"""Tells whether a text shows anything to its reader or cannot be stored, trims what does not show,
and knows a field."""

import re
import unicodedata

# "Shipped date: …", "Price (net): …". A label of more than six words begins a sentence.
FIELD = re.compile(r"^(?:[^\s:.!?()]+ ){0,5}[^\s:.!?()]+(?: \([^():]{1,60}\))?: .+$")

# Where a new word begins in leaveWithNeighbour and VATNumber.
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

# White space, controls, formats (zero width, direction, tags) and marks without a letter to carry.
_UNSEEN = {"Zs", "Zl", "Zp", "Cc", "Cf", "Mn", "Mc", "Me"}
# Letters and signs that are invisible by definition: Hangul fillers, blanks of Braille, music and
# hieroglyphs, the object replacement character; and the code points that Unicode reserves for more
# (DerivedCoreProperties.txt, Default_Ignorable_Code_Point).
_EMPTY = {0x115F, 0x1160, 0x2065, 0x2800, 0x3164, 0xFFA0, 0xFFFC, 0x13441, 0x13442, 0x1D159}
_RESERVED = (range(0xFFF0, 0xFFF9), range(0xE0000, 0xE1000))


def blank(text: str) -> bool:
    """Tell whether nothing in `text` is visible. Emoji, flags and joined words are visible."""
    return all(map(_unseen, text))


def written(text: str) -> str:
    """Return the text without white space around it; "" if nothing in it is visible."""
    return "" if blank(text) else text.strip()


def trimmed(text: str) -> str:
    """Return the text without invisible characters at its ends, as ids need; "" if none is left."""
    if text.isascii() and text.isprintable():  # Most are: a fifth of an import's time.
        return text.strip()
    if blank(text):
        return ""
    kept = [at for at, character in enumerate(text) if not _trims(character)]
    return text[kept[0] : kept[-1] + 1] if kept else ""


def _trims(character: str) -> bool:
    """Tell whether a character is cut from an end; marks belong to a letter, tags to a flag."""
    return _unseen(character) and not (
        unicodedata.category(character).startswith("M") or 0xE0020 <= ord(character) <= 0xE007F
    )


def _unseen(character: str) -> bool:
    point = ord(character)
    reserved = point in _EMPTY or any(point in points for points in _RESERVED)
    return reserved or unicodedata.category(character) in _UNSEEN


def encodable(text: str) -> str:
    """Replace lone surrogates, which JSON may contain and tokenizers refuse."""
    return text.encode("utf-8", "replace").decode()


def unstorable(text: str) -> bool:
    """Tell whether the text holds a NUL (PostgreSQL refuses it) or half a surrogate pair (UTF-8
    cannot encode it)."""
    return "\x00" in text or encodable(text) != text


def without_accents(text: str) -> str:
    split = unicodedata.normalize("NFKD", text)
    return "".join(character for character in split if not unicodedata.combining(character))


def words_of(name: str) -> str:
    """Turn `leave_with_neighbour` and `leaveWithNeighbour` into "leave with neighbour"; "ETA" and
    the hyphen of "Pick-up planned" stay."""
    if " " not in name:
        name = name.replace("-", " ")
    spaced = HUMP.sub(" ", name.replace("_", " "))
    words = [word.lower() if word.replace("-", "").istitle() else word for word in spaced.split()]
    return " ".join(words)
