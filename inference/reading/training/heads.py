"""Trains the small heads on the reader's vectors. Takes seconds."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference.json_lines import rows
from inference.reading import heads, splitting
from inference.reading.heads import Head
from inference.reading.reader import Reader, Scores
from inference.reading.splitting import ASKS_ANEW, GOES_ON
from inference.training import linear

ROOM = Path(__file__).parents[1]
# The inverse of the penalty on large weights.
FREEDOM, FREEDOM_OF_SPLITS = 10.0, 1.0
# In `splits/`: where another question begins, and what stands for a new line.
ANEW, NEW_LINE = re.compile(r"(?<=\s)‖ "), re.compile(r" ?⏎ ?")
# The conversations that the head for splits learns from. A new file is added if it helps: with the
# twelve later ones, 0.71 instead of 0.84 of the messages in `splits/thresholds.jsonl` that ask two
# things are taken apart, and 0.90 instead of 0.92 of the others stay whole (2026-11-30).
TAKEN_APART = ("curlew", "dunlin", "godwit", "knot", "plover", "ruff", "stint", "whimbrel")
# Characters before the first word of a part that belong to no question.
SIGNS = " \n" + "".join(splitting.ENDS)
Labelled = tuple[str, str]  # a text and its label
Lesson = tuple[Scores, list[str]]


def make(folder: Path, companies: dict[str, list[dict[str, Any]]]) -> dict[str, int]:
    """Write the heads beside the reader's weights; return from how many texts, or seams in
    texts, each learned.

    companies: the records of each company, for the names of fields that have no role.
    """
    reader = Reader(folder)
    asks, picks = asked()
    lessons = {
        "asks": of_texts(reader, asks),
        "picks": of_texts(reader, picks),
        "roles": of_fields(reader, roles(companies)),
        "final": of_fields(reader, statuses()),
    }
    made = {name: fitted(*lesson, FREEDOM) for name, lesson in lessons.items()}
    lessons["splits"] = seams(reader)
    made["splits"] = fitted(*lessons["splits"], FREEDOM_OF_SPLITS)
    heads.save(folder / "heads.npz", made, reader.name)
    return {name: len(labels) for name, (_, labels) in lessons.items()}


def of_texts(reader: Reader, given: Sequence[Labelled]) -> Lesson:
    return np.stack([reader.vector(text) for text, _ in given]), [label for _, label in given]


def of_fields(reader: Reader, given: Iterable[tuple[str, str, str]]) -> Lesson:
    """given: kinds of records, each with the name of a field or a status, and its label."""
    rows = list(given)
    vectors = [heads.of_field(reader.vector, kind, text) for kind, text, _ in rows]
    return np.stack(vectors), [label for _, _, label in rows]


def fitted(vectors: Scores, labels: Sequence[str], freedom: float) -> Head:
    classes = sorted(set(labels))
    places = [classes.index(label) for label in labels]
    return Head(tuple(classes), *linear.fitted(vectors, places, len(classes), freedom))


def asked() -> tuple[list[Labelled], list[Labelled]]:
    given = [row for path in sorted((ROOM / "asks").glob("*.jsonl")) for row in rows(path)]
    return (
        [(row["text"], row["ask"]) for row in given],
        [(row["text"], row["which"]) for row in given if row["which"]],
    )


def roles(companies: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, str, str]]:
    """Yield each field of each kind of record, with its role."""
    for row in meanings():
        yield from of_kind(row, companies[row["company"]])


def of_kind(row: dict[str, Any], records: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    own = [record["fields"] for record in records if record["kind"] == row["kind"]]
    known = {
        row["total"]: "total",
        row["done_date"]: "done_date",
        row["expected_date"]: "expected_date",
        row["own_date"]: "own_date",
        row["status"]["field"]: "status",
    }
    for name in dict.fromkeys(name for fields in own for name in fields):
        yield row["kind"], name, known.get(name, "other")


def statuses() -> Iterator[tuple[str, str, str]]:
    for row in meanings():
        for group in ("open", "other_open", "final", "other_final"):
            for value in row["status"][group]:
                yield row["kind"], value, "final" if "final" in group else "open"


def meanings() -> list[dict[str, Any]]:
    return list(rows(ROOM / "roles.jsonl"))


def seams(reader: Reader) -> tuple[Scores, list[str]]:
    """Return the seams of the messages, and whether another question begins at each."""
    vectors, labels = [], []
    for text, begins in messages():
        hidden, found = splitting.seams(reader, text)
        if found:
            vectors.append(splitting.features(hidden, found))
            labels += [ASKS_ANEW if seam.begin in begins else GOES_ON for seam in found]
    return np.concatenate(vectors), labels


def messages() -> Iterator[tuple[str, set[int]]]:
    """Yield messages, each with the positions at which its further questions begin."""
    for path in sorted((ROOM / "splits").glob("*.txt")):
        yield from map(marked, path.read_text().splitlines())
    for name in TAKEN_APART:
        yield from map(in_parts, rows(ROOM.parent / "conversations" / f"{name}.jsonl"))


def marked(line: str) -> tuple[str, set[int]]:
    """Return the message of a line, and the positions at which its further questions begin."""
    text, begins = "", set[int]()
    for part in ANEW.split(NEW_LINE.sub("\n", line.strip())):
        begins.add(len(text))
        text += part
    return text, begins - {0}


def in_parts(row: dict[str, Any]) -> tuple[str, set[int]]:
    """Return the message of a row of `conversations`, and the positions at which its further
    questions begin."""
    text, begins, at = str(row["text"]), set[int](), 0
    for turn in row["turns"]:
        at = text.index(turn["text"], at)
        begins.add(at + len(turn["text"]) - len(turn["text"].lstrip(SIGNS)))
        at += len(turn["text"])
    return text, begins - {min(begins)}
