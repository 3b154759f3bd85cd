"""Companies written by hand, as the rows that `evaluate reading` takes.

The form of the files is described in `inference/reading/companies/README.md`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from crm.knowledge import record_text
from crm.knowledge.passages import passages
from crm.knowledge.records import parse
from inference.evaluation.answers import REFUSE
from inference.grounding.words import letters
from inference.lines import cut
from inference.reading.training.data import Asked, Lesson

Rows = list[dict[str, Any]]
UPDATED_AT = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Line:
    """A field, a cell or a sentence, and the passage and the record that it stands in."""

    source: str
    passage: str
    text: str


def rows_of(rows: Rows) -> Iterator[dict[str, Any]]:
    """The questions and sentences of one company or of several, one after the other."""
    for own in each(rows):
        yield from ({"company": own[0]["company"], **row} for row in of_company(own))


def each(rows: Rows) -> Iterator[Rows]:
    """Yield the rows of each company."""
    starts = [place for place, row in enumerate(rows) if "company" in row]
    yield from (rows[first:last] for first, last in pairwise([*starts, len(rows)]))


def records(rows: Rows) -> Iterator[dict[str, Any]]:
    """Yield a company's records and articles as `import_records` takes them."""
    base = {"kind": "article", "customer": None, "updated_at": UPDATED_AT}
    yield from (base | (row.get("record") or row["article"]) for row in rows if source(row))


def asked(rows: Rows) -> Iterator[dict[str, Any]]:
    """Yield the questions that say what is expected, and those that nothing answers, as
    `evaluate answers` takes them. They are asked by the customer of the record."""
    today = {"today": rows[0]["today"]} if "today" in rows[0] else {}
    owners = {one["id"]: one.get("customer") for row in rows if (one := source(row))}
    anybody = next((owner for owner in owners.values() if owner), None)
    for place, row in enumerate(rows):
        text, of = row.get("q") or row.get("none"), row.get("of") or row.get("near", "")
        if text and ("none" in row or "expect" in row):
            kind = "not on record" if "none" in row else "record" if ":" in of else "article"
            about = {"expect": row.get("expect", REFUSE), "forbid": row.get("forbid", []), **today}
            customer = owners.get(of) or anybody
            yield about | {"id": str(place), "kind": kind, "customer": customer, "question": text}


def of_company(rows: Rows) -> Iterator[dict[str, Any]]:
    lines = list(lines_of(rows))
    passages = list(dict.fromkeys(line.passage for line in lines))
    for row in rows:
        if "yes" in row:
            yield from claims(row, lines)
        elif asked := row.get("q") or row.get("none"):
            right = sorted(answering(row, lines))
            yield {"question": asked, "passages": passages, "answers": right, "src": "company"}


def lesson(rows: Rows) -> Lesson:
    """Return what the reader learns from a company."""
    lines = list(lines_of(rows))
    passages = dict.fromkeys(line.passage for line in lines)
    questions = [
        Asked(text, frozenset(answering(row, lines)))
        for row in rows
        if "yes" not in row and (text := row.get("q") or row.get("none"))
    ]
    return Lesson(tuple(map(cut, passages)), tuple(questions))


def lines_of(rows: Rows) -> Iterator[Line]:
    """The lines of a company's passages, as search stores them."""
    for record in records(rows):
        for passage in passages(parse(record)):
            yield from (Line(record["id"], passage, text) for text in cut(passage)[1])


def source(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row's record or article; empty if it has none."""
    return dict(row.get("record") or row.get("article") or {})


def claims(row: dict[str, Any], lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    own = [line for line in lines if line.source == row["of"]]
    premise = "\n".join([cut(own[0].passage)[0], *(line.text for line in own)])
    for name, label in (("yes", "supported"), ("no", "unsupported")):
        about = {"premise": premise, "claim": row[name], "label": label}
        yield about | {"src": f"company/{row['kind']}" if name == "no" else "company"}


def answering(row: dict[str, Any], lines: Sequence[Line]) -> set[int]:
    """The lines that hold the piece of text that the writer has named; none for a near miss."""
    if "q" not in row:
        return set()
    own = [place for place, line in enumerate(lines) if line.source == row["of"]]
    piece = row["line"]
    if ":" in row["of"]:
        return {at for at in own if record_text.is_field(lines[at].text, piece)}
    held = {at for at in own if letters(piece) in letters(lines[at].text)}
    return held or {max(own, key=lambda at: shared(piece, lines[at].text))}


def shared(piece: str, text: str) -> float:
    own, others = ({letters(word) for word in one.split()} for one in (piece, text))
    return len((own & others) - {""}) / len(own | others)
