"""The search result for a turn: the lines that may answer, best first."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from crm.knowledge.search import Hit
from inference.grounding.words import letters


@dataclass(frozen=True)
class Line:
    """One line of a passage, and how likely it answers the question."""

    hit: Hit
    place: int
    text: str
    # The reader's score, and the probability that it stands for.
    score: float
    answers: float
    # The score with the preference for the record ("my order": the newest one first).
    rank: float


@dataclass
class Found:
    """`lines` are best first; `texts` are the passages found of each record, as in `sources`."""

    hits: list[Hit] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    # The texts for the prompt.
    records: list[str] = field(default_factory=list)
    history: list[tuple[str, str]] = field(default_factory=list)
    # Some line answers, as far as the reader can tell.
    answerable: bool = False
    reason: str = ""
    refusal: str = ""
    # Passages that lost lines which give the model instructions.
    missed: list[Hit] = field(default_factory=list)
    # The question refers to a record that was named before.
    refers: bool = False

    @property
    def certainty(self) -> float:
        return max((line.answers for line in self.lines), default=0.0)

    @property
    def named_by_number(self) -> bool:
        return any(hit.named_by_number for hit in self.hits)

    def texts(self) -> list[str]:
        texts: dict[str, str] = {}
        for hit in self.hits:
            texts[hit.record] = f"{texts.get(hit.record, '')}\n{hit.text}".strip()
        return list(texts.values())

    def tellable(self) -> list[Line]:
        """Return the lines that say something: no question, no introduction of a list, and no field
        that is in the record's title ("Order number: 50001")."""
        known = {source["id"] for source in self.sources()}
        return [line for line in self.lines if line.hit.record in known and says_more(line)]

    def position(self, line: Line) -> int:
        """Return the position of the line's record among the sources."""
        return [source["id"] for source in self.sources()].index(line.hit.record)

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
                **({"answers": self.best_of[hit]} if hit in self.best_of else {}),
                **({"left_out": hit.left_out} if hit.left_out else {}),
            }
            for hit in dict.fromkeys([*self.hits, *self.missed])
        ]

    @cached_property
    def best_of(self) -> dict[Hit, float]:
        """The best line of each passage."""
        found: dict[Hit, float] = {}
        for line in self.lines:
            found[line.hit] = max(found.get(line.hit, 0.0), round(line.answers, 3))
        return found


def says_more(line: Line) -> bool:
    value = letters(line.text.partition(": ")[2])
    leads = line.text.endswith((":", "?"))
    return not leads and not (value and value in letters(line.hit.title))
