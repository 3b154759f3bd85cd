"""Where a sentence says something else of the right things.

A sentence may have all its facts from the record and still be wrong: the order's date told as the
day of dispatch, the quantities of two lines swapped, "was delivered" of a day that is only
expected, "is refundable" of what is not. So each clause is laid beside the statement of the
record that speaks of the same thing, by words and by meaning, and compared with that one.
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

# What a table's cell is known by.
Cell = tuple[frozenset[str | Fact], ...]
# Cosines of a text with each of some others: the encoder's, where there is one.
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
# Share of words that are not the record's from which a cause or a promise is made up.
FOREIGN = 0.4
# Cosine of two words from which one may stand for the other ("sent", "send", "dispatched").
SYNONYM = 0.6
# How much more a rival statement must have to do with a clause than the one that holds its fact.
RIVAL_MARGIN = 0.15
# What a statement gains for each of the clause's facts that it holds: "3 chairs and 2 tables".
COMPANY = 0.5
# From here on a statement speaks of the same as the clause.
SAME = 0.9
TITLE_WEIGHS = 0.25


def objections(sentence: str, passage: str, near: Nearness | None = None) -> list[str]:
    """What is wrong with the sentence although its facts stand in the passage."""
    record = Beside(passage, near)
    found = [why for clause in with_facts(sentence) for why in record.misplaced(clause)]
    for clause in clauses(sentence):
        found += record.contradicted(clause)
        found += record.unfounded(clause)
    return found


def speaks_of(sentence: str, passage: str, near: Nearness) -> bool:
    """A statement of the passage says something of the same."""
    record = Beside(passage, near)
    return any(max(record.relevance(clause), default=0.0) >= SAME for clause in clauses(sentence))


@dataclass(frozen=True)
class Beside:
    """The passage that a sentence is laid beside."""

    passage: str
    near: Nearness | None

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        return statements(self.passage)

    @cached_property
    def weights(self) -> dict[str, float]:
        """A word of many statements tells them apart badly; the title's words are everywhere."""
        uses = Counter(word for one in self.statements for word in one.about)
        title = context(self.title)
        return {
            word: (TITLE_WEIGHS if word in title else 1.0) / count for word, count in uses.items()
        }

    def relevance(self, clause: str) -> list[float]:
        """How much each statement has to do with the clause: shared words and cosine."""
        bare = without_facts(NAMES.sub(" ", clause))
        words = context(bare)
        shared = [sum(self.weights[word] for word in words & one.about) for one in self.statements]
        if self.near is None or not self.statements:
            return shared
        cosines = self.near(bare, [one.bare for one in self.statements])
        return [first + float(second) for first, second in zip(shared, cosines, strict=True)]

    def misplaced(self, clause: str) -> Iterator[str]:
        """Facts of the clause that the record has, but of something else."""
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
        """Every statement that holds the fact is a cell of a row or column that the clause does not
        name, beside one that it names."""
        those = [one for one, held in zip(self.statements, holding, strict=True) if held]
        cells = [one.cell for one in self.statements if one.cell]
        return bool(those) and all(
            one.cell and any(beside(clause, one.cell, other) for other in cells) for one in those
        )

    def contradicted(self, clause: str) -> Iterator[str]:
        """Says no where the record says yes, or has happened what is only expected."""
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
        """Causes and promises that the record does not speak of, and states that it is not in."""
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
        """Fields are short: what they do not say in a word they do not say."""
        relevance = self.relevance(clause)
        best = max(range(len(relevance)), key=relevance.__getitem__, default=None)
        return best is not None and bool(self.statements[best].label)

    def news(self, text: str) -> float:
        """Share of the text's words that the passage does not have."""
        words = [word for word in WORD.findall(text) if squeeze(word) not in FUNCTION_WORDS]
        return len(new_words(text, self.passage, self.near)) / max(1, len(words))


def beside(clause: str, cell: Cell, other: Cell) -> bool:
    """The cells differ in one name, and the clause has the other's."""
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
    """Words of the text that the passage has neither in any form nor in another word."""
    words = novel(text, passage)
    if near is None or not words:
        return words
    known = sorted(known_words(passage))
    return [word for word in words if max(near(word, known), default=0.0) < SYNONYM]


@remembered
def known_words(passage: str) -> frozenset[str]:
    return frozenset(squeeze(word) for word in WORD.findall(passage)) - FUNCTION_WORDS


def compared(passage: str) -> frozenset[str]:
    """The texts of this passage whose nearness may be asked for, whatever the sentence says."""
    return known_words(passage) | {one.bare for one in statements(passage)}


def same_kind(fact: Fact, clause: str, statement: Statement) -> bool:
    """Could it be said of this one? A name only of a field: in prose names are everywhere."""
    kind, value = fact
    if kind == "name" and not statement.label:
        return False
    # 12.50 and 21.00 are money or a measure, and no count of pieces.
    if kind == "number" and any(amount(one) == value for one in DECIMAL.findall(clause)):
        return bool(DECIMAL.search(statement.text))
    return any(other.kind == kind for other in statement.facts)


def with_facts(sentence: str) -> list[str]:
    """The clauses, one without a fact joined to the next."""
    found, waiting = [], ""
    for clause in clauses(sentence):
        waiting = f"{waiting} {clause}".strip()
        if facts(clause):
            found.append(waiting)
            waiting = ""
    return found
