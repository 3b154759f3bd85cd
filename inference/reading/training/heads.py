"""Trains the small heads on the reader's vectors. Takes seconds."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference.json_lines import rows
from inference.reading import heads
from inference.reading.heads import Head, about
from inference.reading.reader import Reader
from inference.training import linear

ROOM = Path(__file__).parents[1]
# The inverse of the penalty on large weights.
FREEDOM = 10.0
Labelled = tuple[list[str], list[str]]


def make(folder: Path, companies: dict[str, list[dict[str, Any]]]) -> dict[str, int]:
    """Write the heads beside the reader's weights; return how many texts each learned from.

    companies: the records of each company, for the names of fields that have no role.
    """
    reader = Reader(folder)
    lessons = dict(zip(heads.HEADS, (*asked(), roles(companies), statuses()), strict=True))
    made = {name: fitted(reader, *lesson) for name, lesson in lessons.items()}
    heads.save(folder / "heads.npz", made, reader.name)
    return {name: len(texts) for name, (texts, _) in lessons.items()}


def fitted(reader: Reader, texts: Sequence[str], labels: Sequence[str]) -> Head:
    classes = sorted(set(labels))
    vectors = np.stack([reader.vector(text) for text in texts])
    places = [classes.index(label) for label in labels]
    return Head(tuple(classes), *linear.fitted(vectors, places, len(classes), FREEDOM))


def asked() -> tuple[Labelled, Labelled]:
    given = [row for path in sorted((ROOM / "asks").glob("*.jsonl")) for row in rows(path)]
    texts = [row["text"] for row in given]
    picks = [(row["text"], row["which"]) for row in given if row["which"]]
    return (texts, [row["ask"] for row in given]), ([t for t, _ in picks], [p for _, p in picks])


def roles(companies: dict[str, list[dict[str, Any]]]) -> Labelled:
    """Return each field of each kind of record, with its role."""
    pairs = [pair for row in meanings() for pair in of_kind(row, companies[row["company"]])]
    return [text for text, _ in pairs], [role for _, role in pairs]


def of_kind(row: dict[str, Any], records: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    own = [record["fields"] for record in records if record["kind"] == row["kind"]]
    known = {
        row["total"]: "total",
        row["done_date"]: "done_date",
        row["expected_date"]: "expected_date",
        row["own_date"]: "own_date",
        row["status"]["field"]: "status",
    }
    for name in dict.fromkeys(name for fields in own for name in fields):
        yield about(row["kind"], name), known.get(name, "other")


def statuses() -> Labelled:
    pairs = [
        (about(row["kind"], value), "final" if "final" in group else "open")
        for row in meanings()
        for group in ("open", "other_open", "final", "other_final")
        for value in row["status"][group]
    ]
    return [text for text, _ in pairs], [label for _, label in pairs]


def meanings() -> list[dict[str, Any]]:
    return list(rows(ROOM / "roles.jsonl"))
