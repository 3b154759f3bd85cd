"""Finds sentences whose facts are on record but are combined wrongly.

A sentence may take all its facts from the record and still be wrong: it gives the order's date as
the day of dispatch, swaps the quantities of two lines, says "was delivered" of a day that is only
expected, or "is refundable" of something that is not. So each clause is compared with the statement
of the record that is about the same thing, by words and by meaning.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from inference.grounding.facts import Fact, amount, facts, holds, vocabulary, without_facts
from inference.grounding.statements import PLANNED, Statement, clauses, negated, statements
from inference.grounding.words import FUNCTION_WORDS, WORD, context, novel, squeeze
from inference.remembered import remembered

# The names of a table cell's row and column.
Cell = tuple[frozenset[str | Fact], ...]
# Returns the cosines of a text with each of some others, from the encoder if there is one.
Nearness = Callable[[str, Sequence[str]], Iterable[float]]

# Two capitalised words or more.
NAMES = re.compile(r"\b[A-ZÀ-Þ][\w'’-]{1,60}+(?:\s++(?:[A-ZÀ-Þ][\w'’-]{1,60}+|&))+")
HAPPENED = re.compile(
    r"\b(?:was|were|has been|have been|had been|has|have|had|did)\b(?!\s+to\b)|\b\w+ed on\b", re.I
)
CAUSE = re.compile(
    r"\b(?:because(?: of)?|due to|owing to|as a result of|on account of"
    r"|(?:since|as) (?=(?:the|your|our|it|he|she|they|there|we|you)\b))",
    re.I,
)
DECIMAL = re.compile(r"(?<!\d)\d++[.,]\d{1,2}(?!\d)")
PROMISE = re.compile(r"\b(?:will|shall|won['’]t|going to)\b|['’]ll\b", re.I)
# A cause or a promise with more than this share of words that are not on record is invented.
FOREIGN = 0.4
# From this cosine on, a word may stand for another ("sent", "send", "dispatched").
SYNONYM = 0.6
# By how much a rival statement must be more relevant to a clause than the one that has its fact.
RIVAL_MARGIN = 0.15
# Added relevance for each of the clause's facts that a statement has: "3 chairs and 2 tables".
COMPANY = 0.5
# From this relevance on, a statement is about the same thing as the clause.
SAME = 0.9
TITLE_WEIGHS = 0.25


def objections(sentence: str, passage: str, near: Nearness | None = None) -> list[str]:
    """Return what is wrong with a sentence although its facts are in the passage."""
    record = Beside(passage, near)
    found = [why for clause in with_facts(sentence) for why in record.misplaced(clause)]
    for clause in clauses(sentence):
        found += record.contradicted(clause)
        found += record.unfounded(clause)
    return found


def speaks_of(sentence: str, passage: str, near: Nearness) -> bool:
    """Tell whether some statement of the passage is about the same thing as the sentence."""
    record = Beside(passage, near)
    return any(max(record.relevance(clause), default=0.0) >= SAME for clause in clauses(sentence))


@dataclass(frozen=True)
class Beside:
    """The passage with which a sentence is compared."""

    passage: str
    near: Nearness | None

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        return statements(self.passage)

    @cached_property
    def weights(self) -> dict[str, float]:
        """Weigh words: words of many statements, and of the title, distinguish little."""
        uses = Counter(word for one in self.statements for word in one.about)
        title = context(self.title)
        return {
            word: (TITLE_WEIGHS if word in title else 1.0) / count for word, count in uses.items()
        }

    def relevance(self, clause: str) -> list[float]:
        """Return the relevance of each statement to the clause, by shared words and cosine."""
        bare = without_facts(NAMES.sub(" ", clause))
        words = context(bare)
        shared = [sum(self.weights[word] for word in words & one.about) for one in self.statements]
        if self.near is None or not self.statements:
            return shared
        cosines = self.near(bare, [one.bare for one in self.statements])
        return [first + float(second) for first, second in zip(shared, cosines, strict=True)]

    def misplaced(self, clause: str) -> Iterator[str]:
        """Yield facts of the clause that the record gives for something else."""
        told = facts(clause)
        relevance = [
            near + COMPANY * sum(holds(one.held, fact) for fact in told)
            for near, one in zip(self.relevance(clause), self.statements, strict=True)
        ]
        title = vocabulary(self.title)
        for fact in (fact for fact in told if not holds(title, fact)):
            holding = [holds(one.held, fact) for one in self.statements]
            rivals = [
                near
                for near, one, held in zip(relevance, self.statements, holding, strict=True)
                if not held and same_kind(fact, clause, one)
            ]
            held = [near for near, holds_it in zip(relevance, holding, strict=True) if holds_it]
            near_rival = rivals and held and max(rivals) > max(held) - COMPANY + RIVAL_MARGIN
            if near_rival or self.of_another_cell(clause, holding):
                yield f"said of something else: {fact.value}"

    def of_another_cell(self, clause: str, holding: list[bool]) -> bool:
        """Tell whether the fact stands only in table cells that the clause does not name, while it
        names a neighbouring cell."""
        those = [one for one, held in zip(self.statements, holding, strict=True) if held]
        cells = [one.cell for one in self.statements if one.cell]
        return bool(those) and all(
            one.cell and any(beside(clause, one.cell, other) for other in cells) for one in those
        )

    def contradicted(self, clause: str) -> Iterator[str]:
        """Yield contradictions: yes for no, or "has happened" for something only expected."""
        relevance = self.relevance(clause)
        best = max(range(len(relevance)), key=relevance.__getitem__, default=None)
        if best is None or relevance[best] < SAME:
            return
        statement = self.statements[best]
        if statement.row:
            return
        if negated(clause) != statement.negative:
            yield f"the record says otherwise: {statement.text[:80]}"
        elif statement.planned and HAPPENED.search(clause) and not PLANNED.search(clause):
            yield f"only expected: {statement.text[:80]}"

    def unfounded(self, clause: str) -> Iterator[str]:
        """Yield causes, promises and states that are not on record."""
        if (cause := CAUSE.search(clause)) and self.news(clause[cause.end() :]) > FOREIGN:
            yield f"no such cause on record: {clause[cause.start() :]}"
        elif PROMISE.search(clause) and self.news(clause) > FOREIGN:
            yield f"no such promise on record: {clause}"
        elif not facts(clause) - facts(self.title) and self.of_a_field(clause):
            yield from self.unheard(clause)

    def unheard(self, clause: str) -> Iterator[str]:
        if words := new_words(clause, self.passage, self.near):
            yield f"not on record: {', '.join(words)}"

    @property
    def title(self) -> str:
        return self.passage.split("\n", 1)[0]

    def of_a_field(self, clause: str) -> bool:
        """Tell whether a field fits the clause best: fields are short, so every word counts."""
        relevance = self.relevance(clause)
        best = max(range(len(relevance)), key=relevance.__getitem__, default=None)
        return best is not None and bool(self.statements[best].label)

    def news(self, text: str) -> float:
        """Return the share of the text's words that the passage does not have."""
        words = [word for word in WORD.findall(text) if squeeze(word) not in FUNCTION_WORDS]
        return len(new_words(text, self.passage, self.near)) / max(1, len(words))


def beside(clause: str, cell: Cell, other: Cell) -> bool:
    """Tell whether two cells differ in one name, and the clause has the other cell's."""
    differ = [pair for pair in zip(cell, other, strict=False) if pair[0] != pair[1]]
    if len(cell) != len(other) or len(differ) != 1:
        return False
    [(own, others)] = differ
    return names(clause, others - own) and not names(clause, own - others)


def names(clause: str, marks: frozenset[str | Fact]) -> bool:
    words, known = context(clause), vocabulary(clause)
    return bool(marks) and all(
        holds(known, mark) if isinstance(mark, Fact) else mark in words for mark in marks
    )


def new_words(text: str, passage: str, near: Nearness | None) -> list[str]:
    """Return the words that the passage has neither in any form nor as a synonym."""
    words = novel(text, passage)
    if near is None or not words:
        return words
    known = sorted(known_words(passage))
    return [word for word in words if max(near(word, known), default=0.0) < SYNONYM]


@remembered
def known_words(passage: str) -> frozenset[str]:
    return frozenset(squeeze(word) for word in WORD.findall(passage)) - FUNCTION_WORDS


def compared(passage: str) -> frozenset[str]:
    """Return all texts of the passage whose nearness any sentence may need."""
    return known_words(passage) | {one.bare for one in statements(passage)}


def same_kind(fact: Fact, clause: str, statement: Statement) -> bool:
    """Tell whether a statement could have this fact; a name only if it is a field, not prose."""
    kind, value = fact
    if kind == "name" and not statement.label:
        return False
    # 12.50 and 21.00 are money or a measure, not a number of pieces.
    if kind == "number" and any(amount(one) == value for one in DECIMAL.findall(clause)):
        return bool(DECIMAL.search(statement.text))
    return any(other.kind == kind for other in statement.facts)


def with_facts(sentence: str) -> list[str]:
    """Split into clauses; one without a fact is joined to the next."""
    found, waiting = [], ""
    for clause in clauses(sentence):
        waiting = f"{waiting} {clause}".strip()
        if facts(clause):
            found.append(waiting)
            waiting = ""
    return found
