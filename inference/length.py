"""Measures the length of a text: in words for the encoder, in tokens for the language model.

Both are estimates that do not rely on spaces, which Chinese and base64 do not have. They are upper
bounds: a tokenizer finds no more tokens than are counted here.
"""

import re
import unicodedata

# Signs that the encoder reads one by one: letters of other scripts than Latin, and emoji. Some of
# these scripts have no spaces between words.
_SPELLED = re.compile("[\u0370-\u1dff\u2c00-\ud7ff\uf900-\uffdc\U00010000-\U0010ffff]")
# A Korean syllable is read as its two or three letters.
_SYLLABLE = re.compile("[\uac00-\ud7a3]")
# A visible sign is a letter with its marks, or letters that a virama or a joiner ties together;
# Thai and Lao write some vowels before their consonant. A family emoji has eleven characters.
_LONGEST_SIGN = 16
_TIES = re.compile("[\u200d\u0e40-\u0e44\u0ec0-\u0ec4]")
_TIED = re.compile("[\u200d\U0001f3fb-\U0001f3ff]")
_VIRAMA = 9  # Unicode's combining class of viramas
_LONG = re.compile(r"\S{13,}")
_LOWER = re.compile("[a-z]+")
# The encoder cuts a long compound word into pieces of some three letters.
_PIECE = 4
# Letters per token in running text, where one letter in three begins a word.
_LETTERS = 3


def words(text: str) -> int:
    """Count the words as long as English ones are to the encoder: some 1.3 tokens.

    A long run without spaces counts as several, and so does a word that is read sign by sign.
    """
    long = sum(len(run) // _PIECE - 1 for run in _LONG.findall(text))
    spelled = len(_SPELLED.findall(text)) + len(_SYLLABLE.findall(text))
    return len(text.split()) + long + spelled // 2


def tokens(text: str) -> int:
    """Return an upper bound: a token for three small letters, one for any other sign, two for a
    sign that is not Latin."""
    runs = _LOWER.findall(text)
    small = sum(map(len, runs))
    spaces = text.count(" ")
    wide = sum(ord(sign) >= 0x250 for sign in text) if not text.isascii() else 0
    return sum(-(-len(run) // _LETTERS) for run in runs) + len(text) - small - spaces + wide


def boundary(text: str, at: int) -> int:
    """Return the last position up to `at` that cuts no sign in two, or `at` if there is none."""
    places = range(at, max(0, at - _LONGEST_SIGN), -1)
    return next((place for place in places if between_signs(text, place)), at)


def between_signs(text: str, at: int) -> bool:
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    tied = _TIES.match(before) or _TIED.match(after) or unicodedata.combining(before) == _VIRAMA
    return not tied and not unicodedata.category(after).startswith("M")


def cut(text: str, most: int) -> str:
    """Cut a text to so many tokens, from the middle: the question may be at either end."""
    if tokens(text) <= most:
        return text
    # No sign takes more than two tokens, except for the mark of the cut.
    kept = text
    while tokens(kept) > most:
        half = max(0, len(kept) * most // tokens(kept) // 2 - 2)
        kept = f"{kept[:half]} … {kept[len(kept) - half :]}"
    return kept
