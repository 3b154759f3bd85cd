"""Splits a passage into statements: a field with its value, or a sentence of prose."""

import re
from dataclasses import dataclass
from functools import cached_property

from inference import sentences
from inference.grounding.dates import DATES
from inference.grounding.facts import Fact, facts, vocabulary, without_facts
from inference.grounding.words import context
from inference.remembered import remembered

# "Shipped date (sent, dispatched): …". A longer label begins a sentence: "You can rent these: …".
FIELD = re.compile(
    r"^(?P<label>(?:[^\s:.!?()]+ ){0,5}[^\s:.!?()]+(?: \([^():]{1,60}\))?): (?P<value>.+)$"
)
# Stands between the names of a table, a row and a column.
CELL = " · "
# Values that say no.
EMPTY = re.compile(
    r"^(?:\W*+(?:no|0(?:\.0+)?|false|none|none on record|never|n/?a|not \w+)|[^\w-]*+-)\W*+$", re.I
)
NEGATION = re.compile(
    r"\b(?:not|no(?!\.? ?\d)|never|cannot|without|neither|nor|none|nothing|nobody|non|avoid\w*"
    r"|exclud\w*|declin\w*|refus\w*)\b|n['’]t\b"
    r"|\bun(?=paid|able|available|confirmed|used|shipped|signed|insured|verified)",
    re.I,
)
# "At no charge" is no negation.
GIVEN = re.compile(
    r"\b(?:without|at no|no) (?:any |extra |additional |further )*(?:charge|cost|fee|surcharge)s?\b"
    r"|\bno later than\b|\bnot only\b|\bno problem\b",
    re.I,
)
# Something that is expected has not happened.
PLANNED = re.compile(
    r"\b(?:expect\w*|estimat\w*|eta|due|requir\w*|plan(?:ned)?|schedul\w*|promis\w*|target|deadline"
    r"|latest day|to arrive by|wanted by|should arrive|until|expir\w*|renew\w*|next)\b",
    re.I,
)


@dataclass(frozen=True)
class Statement:
    text: str
    # "" in prose.
    label: str
    value: str

    @cached_property
    def facts(self) -> frozenset[Fact]:
        return facts(self.text)

    @cached_property
    def held(self) -> frozenset[Fact]:
        """The facts that it can support."""
        return vocabulary(self.text)

    @cached_property
    def bare(self) -> str:
        """Its words without its facts: what it is about."""
        if self.label:
            # A field whose value is only a name is about its label.
            return without_facts(f"{self.label} {without_names(self.value)}".lower())
        return without_facts(self.text)

    @cached_property
    def about(self) -> frozenset[str]:
        return context(self.bare)

    @cached_property
    def negative(self) -> bool:
        """Whether it says no."""
        if self.label and EMPTY.match(self.value):
            return True
        # A row of a list ("…, refrigerated no") says both yes and no.
        return not self.row and negated(f"{self.label} {self.value}")

    @cached_property
    def row(self) -> bool:
        return bool(self.label) and ", " in self.value

    @cached_property
    def cell(self) -> tuple[frozenset[str | Fact], ...]:
        """Names of the row and column of a table cell ("Friday · Dentistry: closed")."""
        parts = self.text.partition(": ")[0].split(CELL)
        return tuple(marks(part) for part in parts) if len(parts) > 1 else ()

    @cached_property
    def planned(self) -> bool:
        return bool(PLANNED.search(self.label or self.text))


def marks(text: str) -> frozenset[str | Fact]:
    return context(text) | {fact for fact in facts(text) if fact.kind != "name"}


def without_names(text: str) -> str:
    """Return the text, or "" if all its words are capitalised."""
    words = re.findall(r"[^\W\d_]+", text)
    return "" if words and all(word[0].isupper() for word in words) else text


def negated(text: str) -> bool:
    """Tell whether a text says no; an even number of negations cancels out."""
    return len(NEGATION.findall(GIVEN.sub(" ", text))) % 2 == 1


CLAUSE = re.compile(
    r"[;,]\s++(?:(?:and|but)\s++)?|(?<!\s)\s++(?:and|but|while|whereas|whilst)\s++|\s[–—]\s|\s-\s(?!\d)"
)
PROTECTED = "\x00"
ANSWERS = re.compile(
    r"^\W*(?:(?:(?:yes|no|sure|sorry)\b[,.!:]|(?:unfortunately|of course|i['’]m afraid|indeed|"
    r"certainly)\b[,.!]?)\s*(?:that\s+|it looks like\s+)?)+",
    re.I,
)


@remembered
def statements(passage: str) -> tuple[Statement, ...]:
    """Return the statements of every line except the title."""
    return tuple(one for line in passage.split("\n")[1:] for one in _of(line))


def _of(line: str) -> list[Statement]:
    if field := FIELD.match(line):
        return [Statement(line, field["label"], field["value"])]
    said = [part for sentence in sentences.split(line) for part in (sentence, *clauses(sentence))]
    return [Statement(one, "", one) for one in dict.fromkeys(said)]


def clauses(sentence: str) -> list[str]:
    """Split at commas and conjunctions, without a mere answer at the beginning ("Yes, …")."""
    text = ANSWERS.sub("", sentence) or sentence
    for pattern in DATES:
        text = pattern.sub(lambda date: re.sub(r"[,\s]", PROTECTED, date[0]), text)
    parts = [part.replace(PROTECTED, " ").strip() for part in CLAUSE.split(text)]
    return [part for part in parts if part]
