"""How long a text is: for the encoder in words, for the language model in tokens.

Both are estimates that count no spaces: Chinese and base64 have none. A tokenizer reads neither
more words than a passage may have nor more tokens than are counted here.
"""

import re
import unicodedata

# Scripts that part no words: Thai, Lao, Tibetan, Burmese, Khmer, Chinese, Japanese; and emoji.
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff"
    "\U00010000-\U0010ffff]"
)
# Signs are made of a letter and marks, or of letters that a virama or a joiner ties together; Thai
# and Lao write some vowels before their consonant. A family of emoji has eleven characters.
_LONGEST_SIGN = 16
_TIES = re.compile("[\u200d\u0e40-\u0e44\u0ec0-\u0ec4]")
_TIED = re.compile("[\u200d\U0001f3fb-\U0001f3ff]")
_VIRAMA = 9  # their class among Unicode's combining characters
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


def boundary(text: str, at: int) -> int:
    """The last place up to there that cuts no sign in two; just there where there is none."""
    places = range(at, max(0, at - _LONGEST_SIGN), -1)
    return next((place for place in places if between_signs(text, place)), at)


def between_signs(text: str, at: int) -> bool:
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    tied = _TIES.match(before) or _TIED.match(after) or unicodedata.combining(before) == _VIRAMA
    return not tied and not unicodedata.category(after).startswith("M")


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
