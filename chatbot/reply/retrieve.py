"""Which passages may answer this turn, or why none can."""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from chatbot.reply import prompt
from crm import knowledge, wording
from crm.keys import references
from crm.knowledge import Hit
from crm.models import Record
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
BESIDE_CANDIDATES = 3
WORDS_WEIGH = 0.5
# A passage must be this near to the question (cosine) to be worth the model's time, and a
# shared one nearer to stand beside a record that the question names.
FLOOR = 0.30
BESIDE_NAMED_FLOOR = 0.70
RECORDS = 3
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
SIGN_IN = "Please sign in on our site so that I can see your records."


@dataclass
class Found:
    hits: list[Hit] = field(default_factory=list)
    # The texts for the prompt: the hits' lines that matter.
    records: list[str] = field(default_factory=list)
    history: list[tuple[str, str]] = field(default_factory=list)
    relevance: Relevance = field(default_factory=dict)
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
        ranked = sorted(
            (near, position, line)
            for position in range(len(self.sources()))
            for line, near in self.lines_about(position).items()
            # What the customer said already is no answer.
            if vocabulary(line.partition(": ")[2] or line) - self.asked
        )
        if not ranked or ranked[-1][0] < CLEAR:
            return None
        if len(ranked) > 1 and ranked[-1][0] - ranked[-2][0] < CLEARER:
            return None
        _, position, line = ranked[-1]
        return position, f"{self.sources()[position]['title']} – {wording.plain_label(line)}."

    def on_point(self, source: int, sentence: str, news: frozenset[str]) -> bool:
        """What an answer tells stands on lines that have to do with the question: a price is no
        answer to a question for the postage, and a note that says "tell them X" is none at all."""
        lines = self.lines_about(source)
        most = max(lines.values(), default=0.0)
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
    found = shortlist(knowledge.search(asked, turn.customer, limit=CANDIDATES))
    candidates = [as_data(hit) for hit in found]
    relevance = line_relevance(turn.text, candidates)
    hits = choose(turn.text, candidates, relevance)
    if not hits:
        return Found(reason="No record is near the question.")
    lines = prompt.lines_of(hits)
    records = prompt.trim(hits, [relevance[line] for line in lines])
    return Found(
        hits,
        records,
        list(turn.history),
        relevance,
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


def shortlist(found: list[Hit]) -> list[Hit]:
    """Fewer candidates where the question names its record: each line costs milliseconds."""
    if any(hit.named_by_number for hit in found):
        beside = [hit for hit in found if hit.shared and not hit.key]
        return [hit for hit in found if hit.named_by_number] + beside[:BESIDE_CANDIDATES]
    if any(hit.key for hit in found):
        return found[: RECORDS + BESIDE_CANDIDATES]
    return found


def line_relevance(question: str, hits: list[Hit]) -> Relevance:
    """How much each line of each record has to do with the question: meaning and words."""
    lines = prompt.lines_of(hits)
    near = knowledge.nearness(question, [line for _, line in lines])
    return {
        line: float(cosine) + WORDS_WEIGH * overlap(question, line[1])
        for line, cosine in zip(lines, near, strict=True)
    }


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


def choose(question: str, found: list[Hit], relevance: Relevance) -> list[Hit]:
    """Records that the question names by number, else by name, else the nearest ones."""
    personal = bool(FIRST_PERSON.search(question))

    def near(hit: Hit) -> float:
        lines = [relevance[line] for line in prompt.lines_of([hit])]
        own = OWN_FIRST if personal and not hit.shared else 0.0
        return max([hit.meaning, *lines]) + own + (NEWEST_FIRST if own and hit.newest else 0.0)

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
