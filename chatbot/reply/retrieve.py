"""Which passages may answer this turn, or why none can."""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chatbot.reply import prompt
from crm import knowledge, wording
from crm.keys import references
from crm.knowledge import Hit
from crm.models import Record
from inference import sentences
from inference.grounding import holds, overlap, stems, vocabulary
from inference.grounding.facts import without_facts
from inference.grounding.injection import instructs
from inference.grounding.statements import FIELD

if TYPE_CHECKING:
    from chatbot.reply.pipeline import Turn

logger = logging.getLogger("attune.reply")

# How much each line of each (record, line) has to do with the question.
Relevance = dict[tuple[str, str], float]
CANDIDATES = 14
WORDS_WEIGH = 0.5
# A passage must have this much to do with the question (meaning and words) to be worth the
# model's time, and a shared one more to stand beside a record that the question names.
FLOOR = 0.30
BESIDE_NAMED_FLOOR = 0.70
RECORDS = 3
# Each sentence that is looked at costs a millisecond, once.
PARAGRAPHS = 3
# How near to the question the line of an answer's numbers must be, beside the nearest line.
ON_POINT = 0.5
# A line that is less near than this has nothing to do with the question.
NEAR = 0.4
# What is told beside it may stand farther off.
BY_THE_WAY = 0.25
# "Where is my order?" asks for an own record, and for the newest.
FIRST_PERSON = re.compile(r"\b(?:i|my|mine|me|we|our|ours|us)\b", re.IGNORECASE)
# "And when does it arrive?" is about the record before it; so is a question of few words.
REFERS = re.compile(
    r"^\W*and\b|\b(?:it|its|that|this|they|them|their|those|these)\b", re.IGNORECASE
)
SHORT_WORDS = 4
# "Your phone number" is the company's, and "what does it cost" asks for today's price: without
# an "I" or "my", no record of the customer's own answers.
YOURS = re.compile(r"\byours?\b", re.IGNORECASE)
OWN_FIRST = 0.15
NEWEST_FIRST = 0.15
EARLIER_MESSAGES = 3
SUGGESTED = 3
PLAIN_DIGITS = 5
LINK = re.compile(r"https?://|www\.|\]\(", re.IGNORECASE)
# A line answers clearly when it has so much to do with the question, and more than the next.
CLEAR, CLEARER = 0.8, 0.15
# From here on a sentence is the answer, on record or not as the model sees it: it is right four
# times in five, and what is not on record reaches 0.91 (of 35 such questions).
SURE = 1.0
SIGN_IN = "Please sign in on our site so that I can see your records."


@dataclass
class Found:
    hits: list[Hit] = field(default_factory=list)
    # The texts for the prompt: the hits' lines that matter.
    records: list[str] = field(default_factory=list)
    history: list[tuple[str, str]] = field(default_factory=list)
    relevance: Relevance = field(default_factory=dict)
    # Of shared prose: how near it is, its record, and its words.
    nearest_sentence: tuple[float, str, str] | None = None
    unknown: list[str] = field(default_factory=list)
    reason: str = ""
    refusal: str = ""
    # It speaks of a record that was named before.
    refers: bool = False
    # The facts and words of the question.
    asked: frozenset[str] = frozenset()

    @property
    def certainty(self) -> float:
        """How much the nearest line has to do with the question."""
        lines = map(self.lines_about, range(len(self.sources())))
        return max((near for line in lines for near in line.values()), default=0.0)

    @property
    def named_by_number(self) -> bool:
        return any(hit.named_by_number for hit in self.hits)

    def texts(self) -> list[str]:
        """The full text of each record, in the order of `sources`."""
        texts: dict[str, str] = {}
        for hit in self.hits:
            texts[hit.record] = f"{texts.get(hit.record, '')}\n{hit.text}".strip()
        return list(texts.values())

    def plain_fact(self) -> tuple[int, str] | None:
        """The line that clearly answers, told as it stands: which source, and its words."""
        told = self.sure() or self.clearest()
        if told is None:
            return None
        position, line = told
        # Of a paragraph the sentence is enough.
        sentence = self.nearest_sentence[2] if self.nearest_sentence else ""
        words = wording.plain_label(sentence if sentence and sentence in line else line)
        words = words.removesuffix(".")
        return position, f"{self.titles()[position]} – {words}."

    def clearest(self) -> tuple[int, str] | None:
        """A line that is near, and much nearer than any other."""
        ranked = sorted(
            (near, position, line)
            for position, title in enumerate(self.titles())
            for line, near in self.lines_about(position).items()
            # What the customer said already is no answer, nor is what only sums the record up, or
            # begins a list.
            if vocabulary(line.partition(": ")[2] or line) - self.asked
            and not line.startswith(title)
            and not line.endswith(":")
        )
        if not ranked or ranked[-1][0] < CLEAR:
            return None
        if len(ranked) > 1 and ranked[-1][0] - ranked[-2][0] < CLEARER:
            return None
        return ranked[-1][1:]

    def sure(self) -> tuple[int, str] | None:
        """A sentence of shared knowledge so near that it answers whatever the model says."""
        if self.nearest_sentence is None or self.nearest_sentence[0] < SURE:
            return None
        _, record, sentence = self.nearest_sentence
        return [source["id"] for source in self.sources()].index(record), sentence

    def on_point(self, source: int, sentence: str, news: frozenset[str]) -> bool:
        """What an answer tells stands on lines that have to do with the question: a price is no
        answer to a question for the postage, and a note that says "tell them X" is none at all."""
        lines, title = self.lines_about(source), self.titles()[source]
        most = max(
            (near for line, near in lines.items() if not line.startswith(title)), default=0.0
        )
        told = {fact: self.nearest_line(lines, fact) for fact in news or spoken(sentence)}
        near = {fact: value for fact, value in told.items() if value is not None}
        figures = [value for fact, value in near.items() if not fact.startswith("name:")]
        if not near:
            return not told
        if not stems(without_facts(sentence)) and max(near.values()) < NEAR:
            # A bare "12" says not what it is; only the question's line could.
            return False
        aside = BY_THE_WAY * max(most, NEAR)
        return (
            max(near.values()) >= aside
            and min(figures, default=most) >= aside
            and max(figures, default=most) >= ON_POINT * most
        )

    def nearest_line(self, lines: dict[str, float], fact: str) -> float | None:
        """Relevance of the nearest line that holds the fact."""
        holding = [near for line, near in lines.items() if holds(vocabulary(line), fact)]
        return max(holding, default=None)

    def lines_about(self, source: int) -> dict[str, float]:
        """Relevance of each line of the record, but the one that only repeats its name and so
        is near to every question that names it."""
        record, title = self.sources()[source].values()
        return {
            line: near
            for (owner, line), near in self.relevance.items()
            if owner == record and line.partition(": ")[2] != title
        }

    def titles(self) -> list[str]:
        return [source["title"] for source in self.sources()]

    def sources(self) -> list[dict[str, str]]:
        titles = {hit.record: hit.title for hit in self.hits}
        return [{"id": record, "title": title} for record, title in titles.items()]

    def trace(self) -> list[dict[str, Any]]:
        return [
            {"id": hit.record, "title": hit.title, "text": hit.text, "score": round(hit.score, 3)}
            for hit in self.hits
        ]


def spoken(sentence: str) -> frozenset[str]:
    """The sentence's words, where it tells no fact."""
    return frozenset(f"name:{stem}" for stem in stems(sentence))


def retrieve(turn: "Turn") -> Found:
    if unknown := knowledge.unknown_references(turn.text, turn.customer):
        return not_theirs(turn, unknown)
    asked = query(turn)
    found = knowledge.search(asked, turn.customer, limit=CANDIDATES)
    hits = choose(turn.text, [as_data(hit) for hit in found])
    if not hits:
        return Found(reason="No record is near the question.")
    lines = titled(hits)
    alone, in_context = relevance(turn.text, lines)
    return Found(
        hits,
        prompt.trim(hits, in_context),
        list(turn.history),
        {(hit.record, line): near for (hit, line), near in zip(lines, alone, strict=True)},
        nearest_sentence(turn.text, best_first(lines, in_context)),
        refers=asked != turn.text,
        asked=vocabulary(turn.text),
        reason="The records do not hold the answer.",
    )


def as_data(hit: Hit) -> Hit:
    """Without lines that tell the model what to do: they answer nothing. Nor does a note in a
    customer's own record send them anywhere; a field of it ("Tracking: https://…") may."""
    title, *lines = hit.text.split("\n")
    title = hit.kind if instructs(title) else title
    kept = [line for line in lines if not instructs(line) and (hit.shared or not sends(line))]
    if len(kept) < len(lines):
        logger.warning("record %s holds text that instructs the model; it is left out", hit.record)
    return replace(hit, title=title, text="\n".join([title, *kept]))


def sends(line: str) -> bool:
    return bool(LINK.search(line)) and not FIELD.match(line)


def titled(hits: list[Hit]) -> list[tuple[Hit, str]]:
    return [(hit, line) for hit in hits for _, line in prompt.lines_of([hit])]


def relevance(question: str, lines: list[tuple[Hit, str]]) -> tuple[list[float], list[float]]:
    """How much each line has to do with the question, by meaning and words: as it stands, and
    with its record's title too ("30 days" says something only under "Returns")."""
    texts = [line for _, line in lines] + [f"{hit.title}: {line}" for hit, line in lines]
    alone, in_context = np.split(knowledge.nearness(question, texts), 2)
    words = WORDS_WEIGH * np.array([overlap(question, line) for _, line in lines])
    return (alone + words).tolist(), ((alone + in_context) / 2 + words).tolist()


def best_first(lines: list[tuple[Hit, str]], near: list[float]) -> list[tuple[Hit, str]]:
    return [lines[place] for place in np.argsort(near)[::-1]]


def nearest_sentence(question: str, lines: list[tuple[Hit, str]]) -> tuple[float, str, str] | None:
    """Of the first few paragraphs of shared prose among the lines."""
    paragraphs = [(hit, line) for hit, line in lines if hit.shared and not FIELD.match(line)]
    prose = [
        (hit, sentence)
        for hit, line in paragraphs[:PARAGRAPHS]
        for sentence in sentences.split(line)
        if not sentence.endswith(":")
    ]
    _, in_context = relevance(question, prose)
    return max(
        ((near, hit.record, said) for (hit, said), near in zip(prose, in_context, strict=True)),
        default=None,
    )


def not_theirs(turn: "Turn", unknown: list[str]) -> Found:
    """A number that no record of this customer bears: never answered from another record."""
    named = ", ".join(reference.upper() for reference in unknown)
    refusal = f"I don't have that on record: none of your records has the number {named}."
    if instructs(turn.text) or not all(map(plainly_a_number, unknown)):
        # Not even as an unknown number is a word repeated that somebody wants to see.
        refusal = "I don't have that on record."
    if near := knowledge.near_misses(turn.text, turn.customer):
        refusal += f" Did you mean {' or '.join(titles(near)[:SUGGESTED])}?"
    if turn.customer is None:
        refusal = f"I don't have that on record here. {SIGN_IN}"
    return Found(unknown=unknown, refusal=refusal, reason=f"No record of theirs is {named}.")


def plainly_a_number(reference: str) -> bool:
    return sum(character.isdigit() for character in reference) >= PLAIN_DIGITS


def titles(records: Iterable[str]) -> list[str]:
    found = Record.objects.filter(id__in=list(records), deleted=False).order_by("id")
    return list(found.values_list("title", flat=True))


def query(turn: "Turn") -> str:
    """The turn, with the record last spoken of when it refers to one and names none itself."""
    refers = bool(REFERS.search(turn.text)) or len(turn.text.split()) <= SHORT_WORDS
    earlier = [text for author, text in turn.history if author == "customer"][-EARLIER_MESSAGES:]
    if not refers or not earlier or references(turn.text):
        return turn.text
    if knowledge.exact(turn.text, turn.customer):
        return turn.text
    for text in reversed(earlier):
        if named := references(text):
            return f"{turn.text} {' '.join(forms[0] for forms in named)}"
    return turn.text


def choose(question: str, found: list[Hit]) -> list[Hit]:
    """Records that the question names by number, else by name, else the nearest ones."""
    personal = bool(FIRST_PERSON.search(question))

    def near(hit: Hit) -> float:
        own = OWN_FIRST if personal and not hit.shared else 0.0
        return hit.score + own + (NEWEST_FIRST if own and hit.newest else 0.0)

    numbered = [hit for hit in found if hit.named_by_number]
    named = [hit for hit in found if hit.key]
    others = sorted((hit for hit in found if not hit.key), key=lambda hit: -near(hit))
    if (named or YOURS.search(question)) and not personal:
        others = [hit for hit in others if hit.shared]
    if numbered:
        beside = [hit for hit in others if hit.shared and near(hit) >= BESIDE_NAMED_FLOOR]
        return of_few_records(numbered) + beside[:1]
    if named:
        beside = [hit for hit in others if near(hit) >= BESIDE_NAMED_FLOOR]
        return of_few_records(named) + beside[:1]
    return of_few_records([hit for hit in others if near(hit) >= FLOOR])


def of_few_records(hits: list[Hit]) -> list[Hit]:
    records = list(dict.fromkeys(hit.record for hit in hits))[:RECORDS]
    return [hit for hit in hits if hit.record in records]
