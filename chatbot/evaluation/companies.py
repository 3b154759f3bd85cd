"""Companies written by hand, as the rows that `evaluate reading` takes.

The form of the files is described in `inference/reading/companies/README.md`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from crm.knowledge import indexing, wording
from crm.knowledge.records import facts_of, parse
from crm.knowledge.tables import BESIDE
from inference import sentences
from inference.evaluation.answers import REFUSE

Rows = list[dict[str, Any]]
UPDATED_AT = "2026-01-01T00:00:00Z"
# Lines that a question is laid beside: those nearest to it, as search would bring them.
LINES = 20


@dataclass(frozen=True)
class Line:
    """A field, a cell or a sentence, and what it stands in."""

    source: str
    title: str
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
    base = {"kind": "article", "customer": None, "text": "", "updated_at": UPDATED_AT}
    yield from (base | (row.get("record") or row["article"]) for row in rows if source(row))


def asked(rows: Rows) -> Iterator[dict[str, Any]]:
    """Yield the questions that say what is expected, and those that nothing answers, as
    `evaluate answers` takes them. They are asked by the customer of the record."""
    owners = {one["id"]: one.get("customer") for row in rows if (one := source(row))}
    anybody = next((owner for owner in owners.values() if owner), None)
    for place, row in enumerate(rows):
        text, of = row.get("q") or row.get("none"), row.get("of") or row.get("near", "")
        if text and ("none" in row or "expect" in row):
            kind = "not on record" if "none" in row else "record" if ":" in of else "article"
            about = {"expect": row.get("expect", REFUSE), "forbid": row.get("forbid", [])}
            customer = owners.get(of) or anybody
            yield about | {"id": str(place), "kind": kind, "customer": customer, "question": text}


def of_company(rows: Rows) -> Iterator[dict[str, Any]]:
    lines = [line for row in rows for line in lines_of(row)]
    vectors = indexing.encoder().encode([f"{line.title}: {line.text}" for line in lines])
    for row in rows:
        if "yes" in row:
            yield from claims(row, lines)
        elif asked := row.get("q") or row.get("none"):
            yield question(asked, row, lines, vectors)


def lines_of(row: dict[str, Any]) -> list[Line]:
    """The lines of a record or an article as search stores them, prose cut into sentences."""
    if not (one := source(row)):
        return []
    known = {"kind": "article", "text": "", "fields": {}} | one
    record = parse(known | {"customer": None, "updated_at": UPDATED_AT})
    facts = [line for fact in facts_of(record) for line in fact.split("\n")]
    texts = [text for line in facts for text in parts(line, bool(one.get("fields")))]
    return [Line(one["id"], one["title"], text) for text in texts]


def parts(line: str, field: bool) -> list[str]:
    return [line] if field or BESIDE in line else sentences.split(line)


def source(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row's record or article; empty if it has none."""
    return dict(row.get("record") or row.get("article") or {})


def claims(row: dict[str, Any], lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    own = [line for line in lines if line.source == row["of"]]
    premise = "\n".join([own[0].title, *(line.text for line in own)])
    for name, label in (("yes", "supported"), ("no", "unsupported")):
        about = {"premise": premise, "claim": row[name], "label": label}
        yield about | {"src": f"company/{row['kind']}" if name == "no" else "company"}


def question(
    asked: str, row: dict[str, Any], lines: Sequence[Line], vectors: np.ndarray
) -> dict[str, Any]:
    near = np.argsort(-(vectors @ indexing.encoder().encode([asked])[0]))[:LINES]
    right = answering(row, lines) if "q" in row else set()
    chosen = sorted({*map(int, near), *right})
    texts = [f"{lines[place].title}: {lines[place].text}" for place in chosen]
    answers = [place for place, line in enumerate(chosen) if line in right]
    return {"question": asked, "lines": texts, "answers": answers, "src": "company"}


def answering(row: dict[str, Any], lines: Sequence[Line]) -> set[int]:
    """The lines that hold the piece of text that the writer has named."""
    own = [place for place, line in enumerate(lines) if line.source == row["of"]]
    piece = row["line"]
    if ":" in row["of"]:
        label = f"{wording.words_of(piece)}:"
        return {at for at in own if wording.plain_label(lines[at].text).lower().startswith(label)}
    held = {at for at in own if letters(piece) in letters(lines[at].text)}
    return held or {max(own, key=lambda at: shared(piece, lines[at].text))}


def letters(text: str) -> str:
    return re.sub(r"\W+", "", text).lower()


def shared(piece: str, text: str) -> float:
    own, others = set(piece.lower().split()), set(text.lower().split())
    return len(own & others) / len(own | others)
