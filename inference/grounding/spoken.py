"""Recognises numbers in words: "forty-two", "two hundred and fifty"."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from text_to_num import Token, find_numbers

TOKEN = re.compile(r"\w+|\s+|[^\w\s]+")
# "Hundreds of people" is no figure.
VAGUE = re.compile(r"(?:hundred|thousand|million|billion)s", re.I)
# "1.5 million": the number is not all in words.
DIGITS = re.compile(r"\d\s*$")


class Spoken(NamedTuple):
    """value: in digits; begin, end: the place in the text."""

    value: str
    begin: int
    end: int


class Word(Token):
    def __init__(self, match: re.Match[str]) -> None:
        self.match = match

    def text(self) -> str:
        return self.match[0]


def numbers(text: str) -> Iterator[Spoken]:
    """Yield the cardinal numbers that are written in words, in order."""
    words = [Word(match) for match in TOKEN.finditer(text)]
    for found in find_numbers(words, "en", 0):
        begin, end = words[found.start].match.start(), words[found.end - 1].match.end()
        vague = VAGUE.fullmatch(text, begin, end) or DIGITS.search(text, max(0, begin - 9), begin)
        if not found.is_ordinal and not vague:
            yield Spoken(found.text, begin, end)


def in_digits(text: str) -> str:
    """Write "forty-two" as 42."""
    parts, done = [], 0
    for one in numbers(text):
        parts += [text[done : one.begin], one.value]
        done = one.end
    return "".join([*parts, text[done:]])
