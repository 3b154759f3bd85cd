"""Which passages may answer this turn, or why none can."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chatbot.reply import prompt
from crm import knowledge
from crm.keys import references
from crm.knowledge import Hit
from inference.grounding import overlap

if TYPE_CHECKING:
    from chatbot.reply.pipeline import Turn

# How much each line of each (record, line) has to do with the question.
Relevance = dict[tuple[str, str], float]
CANDIDATES = 12
WORDS_WEIGH = 0.5
# A passage must be this near to the question (cosine) to be worth the model's time, and a
# shared one nearer to stand beside a record that the question names.
FLOOR = 0.30
BESIDE_NAMED_FLOOR = 0.45
RECORDS = 3
EARLIER_MESSAGES = 3
SIGN_IN = "Please sign in on our site so that I can see your records."


@dataclass
class Found:
    hits: list[Hit] = field(default_factory=list)
    # The texts for the prompt: the hits' lines that matter.
    records: list[str] = field(default_factory=list)
    history: list[tuple[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    reason: str = ""
    refusal: str = ""

    def trace(self) -> list[dict[str, Any]]:
        return [
            {"id": hit.record, "title": hit.title, "text": hit.text, "score": round(hit.score, 3)}
            for hit in self.hits
        ]


def retrieve(turn: "Turn") -> Found:
    if unknown := knowledge.unknown_references(turn.text, turn.customer):
        return not_theirs(turn, unknown)
    asked = query(turn)
    candidates = knowledge.search(asked, turn.customer, limit=CANDIDATES)
    relevance = line_relevance(turn.text, candidates)
    hits = choose(candidates, relevance)
    if not hits:
        return Found(reason="No record is near the question.")
    lines = prompt.lines_of(hits)
    records = prompt.trim(hits, [relevance[line] for line in lines])
    return Found(hits, records, list(turn.history), reason="The records do not hold the answer.")


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
    refusal = f"I don't have {named} on record for you."
    if turn.customer is None:
        refusal = f"I don't have that on record here. {SIGN_IN}"
    return Found(unknown=unknown, refusal=refusal, reason=f"No record of theirs is {named}.")


def query(turn: "Turn") -> str:
    """The turn, with the record last spoken of when it names none itself."""
    if references(turn.text):
        return turn.text
    earlier = [text for author, text in turn.history if author == "customer"][-EARLIER_MESSAGES:]
    for text in reversed(earlier):
        if named := references(text):
            return f"{turn.text} {' '.join(forms[0] for forms in named)}"
    return turn.text


def choose(found: list[Hit], relevance: Relevance) -> list[Hit]:
    """Records that the question names by number, else by name, else the nearest ones."""

    def near(hit: Hit) -> float:
        lines = [relevance[line] for line in prompt.lines_of([hit])]
        return max([hit.score if not hit.key else 0.0, *lines])

    numbered = [hit for hit in found if hit.named_by_number]
    named = [hit for hit in found if hit.key]
    others = sorted((hit for hit in found if not hit.key), key=lambda hit: -near(hit))
    if numbered:
        beside = [hit for hit in others if hit.shared and near(hit) >= BESIDE_NAMED_FLOOR]
        return of_few_records(numbered) + beside[:1]
    if named:
        return of_few_records(named + [hit for hit in others if near(hit) >= BESIDE_NAMED_FLOOR])
    return of_few_records([hit for hit in others if near(hit) >= FLOOR])


def of_few_records(hits: list[Hit]) -> list[Hit]:
    records = list(dict.fromkeys(hit.record for hit in hits))[:RECORDS]
    return [hit for hit in hits if hit.record in records]
