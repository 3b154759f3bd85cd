"""What was found for a turn: what of it answers, and what may be told of it."""

from dataclasses import dataclass, field
from typing import Any

from crm.knowledge import wording
from crm.knowledge.search import Hit
from inference.grounding import holds, stems, vocabulary
from inference.grounding.facts import Fact, without_facts

# How much each line of each (record, line) has to do with the question.
Relevance = dict[tuple[str, str], float]
# How near to the question the line of an answer's numbers must be, beside the nearest line.
ON_POINT = 0.5
# A line that is less near than this has nothing to do with the question.
NEAR = 0.4
# What is told beside it may stand farther off.
BY_THE_WAY = 0.25
# A line answers clearly when it has so much to do with the question, and more than the next.
CLEAR, CLEARER = 0.8, 0.15
# From here on a sentence is the answer, on record or not as the model sees it: it is right four
# times in five, and what is not on record reaches 0.91 (of 35 such questions).
SURE = 1.0


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
    # Where there are no hits: what might have been one, but for the lines that were left out.
    missed: list[Hit] = field(default_factory=list)
    # It speaks of a record that was named before.
    refers: bool = False
    # The facts and words of the question.
    asked: frozenset[Fact] = frozenset()

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

    def on_point(self, source: int, sentence: str, news: frozenset[Fact]) -> bool:
        """What an answer tells stands on lines that have to do with the question: a price is no
        answer to a question for the postage, and a note that says "tell them X" is none at all."""
        lines, title = self.lines_about(source), self.titles()[source]
        most = max(
            (near for line, near in lines.items() if not line.startswith(title)), default=0.0
        )
        told = {fact: self.nearest_line(lines, fact) for fact in news or spoken(sentence)}
        near = {fact: value for fact, value in told.items() if value is not None}
        figures = [value for fact, value in near.items() if fact.kind != "name"]
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

    def nearest_line(self, lines: dict[str, float], fact: Fact) -> float | None:
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
            {
                "id": hit.record,
                "title": hit.title,
                "text": hit.text,
                "score": round(hit.score, 3),
                **({"left_out": hit.left_out} if hit.left_out else {}),
            }
            for hit in self.hits or self.missed
        ]


def spoken(sentence: str) -> frozenset[Fact]:
    """The sentence's words, where it tells no fact."""
    return frozenset(Fact("name", stem) for stem in stems(sentence))
