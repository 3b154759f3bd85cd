"""Prepares a message for the model, in the same way in training and in service.

Model vocabularies have no emoji and spend many tokens on addresses. So emoji become their Unicode
names, and each account name, link and e-mail address becomes one word.
"""

import re
import unicodedata

# A very long text must not take a very long time: the first pages show the mood.
MAX_CHARACTERS = 16_000

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_MAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]+\.[\w.-]+")
_ACCOUNT = re.compile(r"(?<!\w)@\w+")
_PLACEHOLDER = re.compile(r"@user|\b(?:http|email)\b")
_SPACE = re.compile(r"\s+")
_STRETCHED = re.compile(r"(\w)\1{3,}")
_SKIN_TONES = range(0x1F3FB, 0x1F400)

# The meaning of emoji whose Unicode names say something else.
_MEANT = {
    "😡": "angry face",
    "🤬": "cursing angry face",
    "😤": "annoyed angry face",
    "🙄": "annoyed face with rolling eyes",
    "😒": "annoyed face",
    "😭": "crying sad face",
    "😢": "crying sad face",
    "😕": "unhappy face",
    "💩": "this is crap",
    "❤": "love",
    "🙌": "great",
    "💯": "perfect",
}


def readable(text: str) -> str:
    """Return `text` in plain words, at most MAX_CHARACTERS of it; '' if nothing is left to read."""
    text = _ACCOUNT.sub("@user", _MAIL.sub("email", _LINK.sub("http", text[:MAX_CHARACTERS])))
    if not (text.isascii() and text.isprintable()):
        text = "".join(_spelled(character) for character in unicodedata.normalize("NFKC", text))
    return _SPACE.sub(" ", _STRETCHED.sub(r"\1\1\1", text)).strip()


def says_something(words: str) -> bool:
    """Tell whether a readable text has a letter outside links, accounts and addresses."""
    return any(character.isalpha() for character in _PLACEHOLDER.sub("", words))


def _spelled(character: str) -> str:
    if meant := _MEANT.get(character):
        return f" {meant} "
    kind = unicodedata.category(character)
    if ord(character) in _SKIN_TONES:
        return ""
    if kind == "So":
        return f" {unicodedata.name(character, '').lower()} "
    # Controls, lone surrogates, joiners and variation selectors carry no mood; line breaks do.
    if kind in ("Cc", "Cs", "Co", "Cn"):
        return " "
    return "" if kind in ("Cf", "Mn") and not character.isalpha() else character
