"""How long a text is: for the encoder in words, for the language model in tokens.

Both are estimates that count no spaces: Chinese and base64 have none. A tokenizer reads neither
more words than a passage may have nor more tokens than are counted here.
"""

import re

# Scripts that part no words: Thai, Lao, Burmese, Khmer, Chinese, Japanese; and emoji.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff"
    "\U00010000-\U0010ffff]"
)
_LONG = re.compile(r"\S{13,}")
_LOWER = re.compile("[a-z]+")
# A tokenizer's pieces of a word that it does not know have some six letters.
_PIECE = 6
# Letters of a token in running text, where one in three is a word's first.
_LETTERS = 3


def words(text: str) -> int:
    """As many as it has; one without spaces counts as often as a usual word goes into it."""
    long = sum(len(one) // _PIECE - 1 for one in _LONG.findall(text))
    return len(text.split()) + long + len(_UNSPACED.findall(text)) // 2


def tokens(text: str) -> int:
    """At most: small letters in threes, any other sign for itself, what is not Latin for two."""
    runs = _LOWER.findall(text)
    small = sum(map(len, runs))
    spaces = text.count(" ")
    wide = sum(ord(sign) >= 0x250 for sign in text) if not text.isascii() else 0
    return sum(-(-len(run) // _LETTERS) for run in runs) + len(text) - small - spaces + wide


def cut(text: str, most: int) -> str:
    """The text, or its beginning and end in so many tokens: a question may stand in either."""
    if tokens(text) <= most:
        return text
    # No sign takes more than two, but for the mark of the cut.
    kept = text
    while tokens(kept) > most:
        half = max(0, len(kept) * most // tokens(kept) // 2 - 2)
        kept = f"{kept[:half]} … {kept[len(kept) - half :]}"
    return kept
