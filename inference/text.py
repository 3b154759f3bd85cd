"""Judges whether a text shows anything to its reader."""

import unicodedata

# White space, controls, formats (zero width, direction, tags) and marks without a letter to carry.
_UNSEEN = {"Zs", "Zl", "Zp", "Cc", "Cf", "Mn", "Mc", "Me"}
# Letters and signs whose picture is empty by definition: fillers of Hangul, blanks of Braille,
# music and hieroglyphs, the place of an object; and what Unicode reserves for more of these
# (DerivedCoreProperties.txt, Default_Ignorable_Code_Point).
_EMPTY = {0x115F, 0x1160, 0x2065, 0x2800, 0x3164, 0xFFA0, 0xFFFC, 0x13441, 0x13442, 0x1D159}
_RESERVED = (range(0xFFF0, 0xFFF9), range(0xE0000, 0xE1000))


def blank(text: str) -> bool:
    """Tells whether nothing in `text` can be seen. Emoji, flags and joined words can."""
    return all(map(_unseen, text))


def written(text: str) -> str:
    """Gives the text without white space around it; "" where nothing in it can be seen."""
    return "" if blank(text) else text.strip()


def trimmed(text: str) -> str:
    """Gives the text without what nobody sees at either end, as an id needs; "" if that is all."""
    if text.isascii() and text.isprintable():  # Most are: a fifth of an import's time.
        return text.strip()
    if blank(text):
        return ""
    seen = [at for at, one in enumerate(text) if not _trims(one)]
    return text[seen[0] : seen[-1] + 1] if seen else ""


def _trims(character: str) -> bool:
    """A mark belongs to the letter before it, and a tag to its flag."""
    return _unseen(character) and not (
        unicodedata.category(character).startswith("M") or 0xE0020 <= ord(character) <= 0xE007F
    )


def _unseen(character: str) -> bool:
    point = ord(character)
    reserved = point in _EMPTY or any(point in those for those in _RESERVED)
    return reserved or unicodedata.category(character) in _UNSEEN
