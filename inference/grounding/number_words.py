"""Recognises numbers in words: "forty-two", "two hundred and fifty"."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from text_to_num import Token, find_numbers

TOKEN = re.compile(r"\w+|\s+|[^\w\s]+")
SCALE = "hundred|thousand|million|billion"
# "Between one hundred and two hundred": this "and" joins two numbers.
JOINS = re.compile(rf"\s+\w+\s+(?:{SCALE})\b", re.I)
# "Hundreds of people" is no figure, and the "o" of "six o'clock" is no zero.
NO_FIGURE = re.compile(rf"(?:tens|(?:{SCALE})s)|.*\bo\b.*", re.I)
# "1.5 million" is not all in words.
SCALED, DIGIT = re.compile(rf"(?:{SCALE})\b", re.I), re.compile(r"\d[ \t]?$")


class NumberWords(NamedTuple):
    """value: in digits; begin, end: the place in the text."""

    value: str
    begin: int
    end: int


class Word(Token):
    """A token in the form that text2num expects."""

    def __init__(self, match: re.Match[str]) -> None:
        self.match = match

    def text(self) -> str:
        return self.match[0]

    def not_a_number_part(self) -> bool:
        return self.match[0].lower() == "and" and bool(
            JOINS.match(self.match.string, self.match.end())
        )


def numbers(text: str) -> Iterator[NumberWords]:
    """Yield, in order, the cardinal numbers that a text spells out. A number never continues on the
    next line."""
    start = 0
    for line in text.splitlines(keepends=True):
        words = [Word(match) for match in TOKEN.finditer(line)]
        # threshold=0 also finds small numbers that stand alone.
        for found in find_numbers(words, "en", threshold=0):
            begin, end = words[found.start].match.start(), words[found.end - 1].match.end()
            if not found.is_ordinal and is_figure(line, begin, end):
                yield NumberWords(found.text, start + begin, start + end)
        start += len(line)


def is_figure(line: str, begin: int, end: int) -> bool:
    follows_digits = SCALED.match(line, begin) and DIGIT.search(line, max(0, begin - 2), begin)
    return not NO_FIGURE.fullmatch(line, begin, end) and not follows_digits


def in_digits(text: str) -> str:
    """Write "forty-two" as 42."""
    parts, done = [], 0
    for one in numbers(text):
        parts += [text[done : one.begin], one.value]
        done = one.end
    return "".join([*parts, text[done:]])
