"""Trains the small heads on the reader's vectors. Takes seconds."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference.json_lines import rows
from inference.reading import heads, splitting
from inference.reading.heads import Head, about
from inference.reading.reader import Reader, Scores
from inference.reading.splitting import ASKS_ANEW, GOES_ON
from inference.training import linear

ROOM = Path(__file__).parents[1]
# The inverse of the penalty on large weights.
FREEDOM, FREEDOM_OF_SPLITS = 10.0, 1.0
# In `splits/`: where another question begins, and what stands for a new line.
ANEW, NEW_LINE = re.compile(r"(?<=\s)‖ "), re.compile(r" ?⏎ ?")
# Characters before the first word of a part that belong to no question.
SIGNS = " ,.;:?!-–—/)\n"
Labelled = tuple[list[str], list[str]]


def make(folder: Path, companies: dict[str, list[dict[str, Any]]]) -> dict[str, int]:
    """Write the heads beside the reader's weights; return from how many texts, or seams in
    texts, each learned.

    companies: the records of each company, for the names of fields that have no role.
    """
    reader = Reader(folder)
    asks, picks = asked()
    texts = {"asks": asks, "picks": picks, "roles": roles(companies), "final": statuses()}
    lessons = {name: (of_texts(reader, known), labels) for name, (known, labels) in texts.items()}
    made = {name: fitted(*lesson, FREEDOM) for name, lesson in lessons.items()}
    lessons["splits"] = seams(reader)
    made["splits"] = fitted(*lessons["splits"], FREEDOM_OF_SPLITS)
    heads.save(folder / "heads.npz", made, reader.name)
    return {name: len(labels) for name, (_, labels) in lessons.items()}


def of_texts(reader: Reader, texts: Sequence[str]) -> Scores:
    return np.stack([reader.vector(text) for text in texts])


def fitted(vectors: Scores, labels: Sequence[str], freedom: float) -> Head:
    classes = sorted(set(labels))
    places = [classes.index(label) for label in labels]
    return Head(tuple(classes), *linear.fitted(vectors, places, len(classes), freedom))


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
    """Yield messages, each with the characters with which its further questions begin."""
    for path in sorted((ROOM / "splits").glob("*.txt")):
        yield from map(marked, path.read_text().splitlines())
    for path in sorted((ROOM.parent / "conversations").glob("*.jsonl")):
        yield from (in_parts(row) for row in rows(path) if "text" in row)


def marked(line: str) -> tuple[str, set[int]]:
    """Return the message of a line, and the characters with which its further questions begin."""
    text, begins = "", set[int]()
    for part in ANEW.split(NEW_LINE.sub("\n", line.strip())):
        begins.add(len(text))
        text += part
    return text, begins - {0}


def in_parts(row: dict[str, Any]) -> tuple[str, set[int]]:
    """Return the message of a row of `conversations`, and the characters with which its further
    questions begin."""
    text, begins, at = str(row["text"]), set[int](), 0
    for turn in row["turns"]:
        at = text.index(turn["text"], at)
        begins.add(at + len(turn["text"]) - len(turn["text"].lstrip(SIGNS)))
        at += len(turn["text"])
    return text, begins - {min(begins)}
