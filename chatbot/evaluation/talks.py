"""Turns conversations written by hand into lessons for the reranker.

Each message is read in its conversation, also those that the bot would read by themselves.

The forms of the files are described in `inference/conversations/README.md` and, for those with
what an answer must contain, in `inference/reading/companies/README.md`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from chatbot.evaluation import companies
from chatbot.evaluation.companies import Line
from chatbot.reply.retrieve import context, leaning_on
from crm.knowledge import record_text
from inference import json_lines
from inference.evaluation.answers import holds, plain
from inference.grounding.words import letters
from inference.lines import cut
from inference.reading.training.data import Asked, Lesson

Rows = list[dict[str, Any]]
Owned = tuple[str | None, Line]
HALF = 0.5
# What stands in place of lines, or of what is expected, if the message asks nothing of the records.
INSTEAD = ({"chat"}, {"person"}, "chat", "handoff", "ask")


def lesson(company: Sequence[Owned], talk: dict[str, Any]) -> Lesson:
    """Return the questions of a conversation, over what its customer may see."""
    seen = {None, talk["customer"]}
    lines = [line for owner, line in company if owner in seen]
    passages = dict.fromkeys(line.passage for line in lines)
    return Lesson(tuple(map(cut, passages)), tuple(asked(lines, talk["turns"])))


@cache
def company_in(folder: Path, name: str) -> list[Owned]:
    return owned(list(json_lines.rows(folder / f"{name}.jsonl")))


def owned(company: Rows) -> list[Owned]:
    """Return a company's lines, each with the customer who may see it; None: everybody may."""
    owners = {one["id"]: one["customer"] for one in companies.records(company)}
    return [(owners[line.source], line) for line in companies.lines_of(company)]


def rows_of(talks: Rows, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the questions of conversations as `evaluate reading` takes them. folder: the
    companies."""
    for talk in talks:
        known = lesson(company_in(folder, talk["company"]), talk)
        for place, one in enumerate(known.asked):
            yield {
                **asdict(one),
                "passages": known.texts,
                "answers": sorted(one.right),
                "src": "further" if place else "first",
            }


def asked(lines: Sequence[Line], turns: Rows) -> Iterator[Asked]:
    before = told = ""
    cited: list[set[str]] = []
    for turn in turns:
        wanted = turn["expect"] if "expect" in turn else set(turn["line"])
        right = set[int]()
        if wanted not in INSTEAD:
            right = answering(lines, turn)
            whole = context(before, told)
            yield Asked(turn["text"], frozenset(right), before, whole, leaning(lines, cited))
        before = turn["text"]
        told = lines[min(right)].text if right else ""
        if right:
            cited.insert(0, set(turn["of"]))


def answering(lines: Sequence[Line], turn: dict[str, Any]) -> set[int]:
    """Return the lines that the writer has named: by a field, by a piece of text, or by what a
    right answer contains."""
    if "expect" in turn:
        options = turn["expect"][0] if isinstance(turn["expect"], list) else []
        return {
            place
            for place, line in enumerate(lines)
            if line.source in turn["of"] and any(holds(plain(line.text), one) for one in options)
        }
    found = set[int]()
    for source, piece in zip(turn["of"], turn["line"], strict=True):
        own = {place: line for place, line in enumerate(lines) if line.source == source}
        found |= holding(piece, own)
    return found


def holding(piece: str, own: dict[int, Line]) -> set[int]:
    """Return the lines of a record or an article that state the field of this name, or, if none
    does, those that contain this piece of text. If it is a row of a table or has been cut apart, so
    that no line contains it, return the line that shares the most words with it, if it has half of
    them."""
    # "Payment" means only that field, not "Next payment".
    if named := {place for place, line in own.items() if states_field(line, piece)}:
        return named
    if held := {place for place, line in own.items() if letters(piece) in letters(line.text)}:
        return held
    if not own:
        return set()
    best = max(own, key=lambda place: companies.shared(piece, own[place].text))
    asked, told = (set(map(letters, text.split())) - {""} for text in (piece, own[best].text))
    return {best} if len(asked & told) >= HALF * len(asked) else set()


def states_field(line: Line, name: str) -> bool:
    """Tell whether a line of a record, not of an article, states the field of this name."""
    return ":" in line.source and record_text.is_field(line.text, name)


def leaning(lines: Sequence[Line], cited: Sequence[set[str]]) -> dict[int, float]:
    """Return how much more likely a question is about some lines, by the records cited before."""
    weights = leaning_on(cited)
    return {
        place: weights[line.source] for place, line in enumerate(lines) if line.source in weights
    }
