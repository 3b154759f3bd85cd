"""The search result for a turn: the lines that may answer, best first."""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from crm.knowledge.search import Hit
from inference.grounding.injection import order_in
from inference.lines import leads

# Words, codes and figures.
WORDS = re.compile(r"\w+(?:[.,'’-]\w+)*")


# The id of a record, and a line of it.
Told = tuple[str, str]


@dataclass(frozen=True)
class Line:
    """One line of a passage, and how likely it answers the question."""

    hit: Hit
    place: int
    text: str
    # The probability that it answers, and the reader's score with the preference for its record.
    answers: float
    rank: float

    @property
    def source(self) -> Told:
        return self.hit.record, self.text

    @property
    def citation(self) -> tuple[str, str, str, date | None, str]:
        """What `Outcome.cite` takes."""
        return self.hit.record, self.hit.title, self.text, self.hit.changed, self.hit.address


@dataclass
class Found:
    """`lines` are best first; `hits` are the passages of the best of them."""

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
        """Return the passages of each record as one text."""
        texts: dict[str, str] = {}
        for hit in self.hits:
            texts[hit.record] = f"{texts.get(hit.record, '')}\n{hit.text}".strip()
        return list(texts.values())

    def tellable(self) -> list[Line]:
        """Return the lines that say something: no question, no introduction of a list, and no field
        that is in the record's title ("Order number: 50001")."""
        return [line for line in self.lines if line.hit in self.hits and says_more(line)]

    def trace(self) -> list[dict[str, Any]]:
        """Describe each passage; `answers` is the probability that its best line answers."""
        best: dict[Hit, float] = {}
        for line in self.lines:
            best[line.hit] = max(best.get(line.hit, 0.0), round(line.answers, 3))
        return [
            {
                "id": hit.record,
                "title": hit.title,
                "text": hit.text,
                "score": round(hit.score, 3),
                **({"answers": best[hit]} if hit in best else {}),
                **({"left_out": hit.left_out} if hit.left_out else {}),
            }
            for hit in dict.fromkeys([*self.hits, *self.missed])
        ]


def title_of(kind: str, title: str) -> str:
    """Return a record's title, or its kind if the title gives the model instructions."""
    return kind if order_in(title) else title


def says_more(line: Line) -> bool:
    value = {*WORDS.findall(line.text.partition(": ")[2].casefold())}
    repeats = value <= {*WORDS.findall(line.hit.title.casefold())}
    introduces = leads(line.text) or line.text.endswith(":")
    return not introduces and not (value and repeats)
