"""What a reader would see of a text: an id made of blanks names nobody."""

import unicodedata

# Fillers and blanks that Unicode counts among the letters, marks and symbols.
BLANKS = set("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
OF_ASCII = "".join(map(chr, [*range(33), 127]))


def trimmed(text: str) -> str:
    """Without what nobody sees at either end; "" where nothing else is there."""
    if text.isascii():  # Nearly every id: not character by character.
        return text.strip(OF_ASCII)
    start = next((at for at, one in enumerate(text) if not invisible(one)), len(text))
    end = next((at for at in range(len(text), start, -1) if not invisible(text[at - 1])), start)
    return text[start:end]


def invisible(character: str) -> bool:
    """White space, and what Unicode calls formats (Cf) and controls (Cc)."""
    return (
        character.isspace()
        or character in BLANKS
        or unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}
    )
