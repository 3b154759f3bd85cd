"""Extracts facts from a text: dates, codes, numbers and names, each in one spelling."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal, NamedTuple

from inference.grounding.dates import date_held, dates, month_of
from inference.grounding.words import STOPWORDS, squeeze, stem
from inference.remembered import remembered

# A code has letters and digits, or is joined by hyphens: FH-TNT-210, W2611340, 1-800-5.
# The bounds are far above real codes; without them a long word would take quadratic time.
CODE = re.compile(
    r"(?=[\w/-]{0,80}\d)(?=[\w/-]{0,80}[A-Za-z/-])[A-Za-z0-9]+(?:[-/][A-Za-z0-9]+)*"
    r"|\S{1,64}@\S{1,255}\w"
)
QUANTITY = re.compile(r"(?<!\d)(\d++)[a-z]{1,3}")
NUMBERED = re.compile(r"[a-z]{0,4}(\d+)")
CLOCK = re.compile(
    r"\b(?P<h>\d{1,2})(?:[:.](?P<m>\d{2}))?\s*(?P<half>[ap])\.?m\b\.?|\b(\d{1,2}):(\d{2})\b", re.I
)
NUMBER = re.compile(r"\d+(?:[.,]\d{3})*(?:[.,]\d+)?")
UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
NUMBER_WORDS = (
    {word: value for value, word in enumerate(UNITS)}
    | {word: 20 + 10 * place for place, word in enumerate(TENS)}
    | {"hundred": 100}
)
# "Forty-two", "two hundred", "twenty".
SPOKEN = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(TENS)})[- ](?P<units>{'|'.join(UNITS[1:10])})"
    rf"|(?P<hundreds>{'|'.join(UNITS[1:10])}|a) hundred|(?P<one>{'|'.join(NUMBER_WORDS)}))\b",
    re.I,
)
# The currency before an amount in groups, "R30,000": without a space the two look like a code.
CURRENCY = re.compile(r"\b[A-Z]{1,3}(?=\d{1,3}(?:,\d{3})+\b)")
# Up to the first word of a sentence.
BEGINS = re.compile(r"(?:\A|[.!?:]\s|\n)[\s\"'“‘(\[*•-]*+")
NAME = re.compile(r"[A-ZÀ-Þ][\w'’&-]*(?:\.(?=[A-Za-z]))?[\w'’&-]*")


class Fact(NamedTuple):
    kind: Literal["date", "time", "code", "number", "name"]
    value: str


@remembered
def facts(text: str) -> frozenset[Fact]:
    told, rest = dates(text)
    found = {Fact("date", date) for date in told}
    found |= {Fact("time", clock(match)) for match in CLOCK.finditer(rest)}
    rest = CURRENCY.sub(r"\g<0> ", CLOCK.sub(" ", rest))
    codes = [code for code in CODE.findall(rest) if not ordinal(code)]
    rest = CODE.sub(lambda code: code[0] if ordinal(code[0]) else " ", rest)
    found |= {Fact("code", squeeze(code)) for code in codes}
    found |= {Fact("number", value) for value in numbers(rest)}
    return frozenset(found | {Fact("name", name) for name in names(rest)})


@remembered
def vocabulary(text: str) -> frozenset[Fact]:
    """Return what a text can support: its facts, and each of its words as a name."""
    return facts(text) | {Fact("name", squeeze(word)) for word in re.findall(r"[\w'’&.-]+", text)}


def holds(known: frozenset[Fact], fact: Fact) -> bool:
    """Tell whether a fact is known: a date without a year, a code by digits, a name by stem."""
    if fact in known:
        return True
    kind, value = fact
    if kind == "date":
        named = Fact("name", month_of(value)) in known
        return named or date_held(value, [one.value for one in known if one.kind == "date"])
    if kind == "code":
        # "200ml" and "200 ml" are the same to a reader.
        return (quantity := QUANTITY.fullmatch(value)) is not None and (
            Fact("number", quantity[1]) in known
        )
    if kind == "number":
        # So are "10482" and "W10482", "200" and "200ml".
        return any(bare(other.value) == value for other in known if other.kind == "code")
    return kind == "name" and stem(value) in {
        stem(other.value) for other in known if other.kind == "name"
    }


def bare(code: str) -> str:
    """Return the digits of a code that is a number with a few letters before or after it."""
    found = NUMBERED.fullmatch(code) or QUANTITY.fullmatch(code)
    return found[1].lstrip("0") if found else ""


def ordinal(code: str) -> bool:
    return bool(re.fullmatch(r"\d+(?:st|nd|rd|th)", code))


def clock(match: re.Match[str]) -> str:
    """Normalise a time of day: '8 pm' and '20:00' are the same."""
    if not match["half"]:
        return f"{int(match[4])}:{match[5]}"
    hour = int(match["h"]) % 12 + (12 if match["half"].lower() == "p" else 0)
    return f"{hour}:{match['m'] or '00'}"


def numbers(text: str) -> Iterator[str]:
    for match in NUMBER.findall(text):
        yield amount(match)
    for match in SPOKEN.finditer(text):
        if match[0].lower() != "one":
            yield str(spoken(match))


def spoken(match: re.Match[str]) -> int:
    if match["tens"]:
        return NUMBER_WORDS[match["tens"].lower()] + NUMBER_WORDS[match["units"].lower()]
    if match["hundreds"]:
        return 100 * NUMBER_WORDS.get(match["hundreds"].lower(), 1)
    return NUMBER_WORDS[match["one"].lower()]


def number_words(text: str) -> str:
    """Write "forty-two" as 42."""
    return SPOKEN.sub(lambda match: str(spoken(match)), text)


def amount(text: str) -> str:
    """Normalise a number: '1,234.50', '1.234,50' and '1234.5' are the same.

    The last part of '123456.789' and '1,234,567.891' is a fraction, that of '10,499' is not.
    """
    marks = re.findall(r"[.,]", text)
    grouped = re.fullmatch(r"[1-9]\d{0,2}([.,])\d{3}(?:\1\d{3})*(?:[.,]\d+)?", text)
    if grouped and (len(set(marks)) > 1 or re.fullmatch(r".*[.,]\d{3}", text)):
        text = text.replace(grouped[1], "")
    if len(re.findall(r"[.,]", text)) > 1:
        return text
    exact = f"{Decimal(text.replace(',', '.')):f}"
    return exact.rstrip("0").rstrip(".") if "." in exact else exact


def names(text: str) -> Iterator[str]:
    """Yield capitalised words, except the first of a sentence and everyday words."""
    beginnings = {match.end() for match in BEGINS.finditer(text)}
    for match in NAME.finditer(text):
        word = squeeze(re.sub(r"['’]s$", "", match[0]))
        begins = match.start() in beginnings
        if word and word not in STOPWORDS and len(word) > 1 and not begins:
            yield word
