"""Reads customers' messages, written by hand: with their sentiment, and with their intents."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inference.json_lines import rows
from inference.sentiment import written
from inference.sentiment.classifier import INTENTS, LABELS
from inference.sentiment.distillation.data import UNLABELLED, Example
from inference.sentiment.text import readable

ROOM = Path(__file__).parents[1]
# Files that are not trained on: the calibration and the thresholds come from them.
DEV = {"airline-rowan", "broadband-rowan", "parcels-rowan", "water-dove", "k-hazel", "l-fir"}

# Kinds of messages in which the customer threatens.
THREATS = {"threat", "escalation"}


def messages(dev: bool = False) -> list[Example]:
    """Read the messages with a sentiment."""
    return [
        Example(readable(row["text"]), LABELS.index(row["label"]), "messages")
        for row in _rows("messages", dev)
    ]


def intents(dev: bool = False) -> list[Example]:
    """Read the messages with intents."""
    return [
        Example(readable(row["text"]), UNLABELLED, "intents", intents=_marks(row["intents"]))
        for row in _rows("intents", dev)
    ]


def judged() -> dict[str, list[tuple[str, bool]]]:
    """Return, per intent, the texts of which it is known whether they have it.

    The kind of a message with a mood says whether it threatens; a wish for an action is a wish.
    """
    marked = [(readable(row["text"]), row["intents"]) for row in _rows("intents", dev=False)]
    known = {intent: [(text, intent in has) for text, has in marked] for intent in INTENTS}
    known["leave"] += [
        (readable(row["text"]), row["src"] in THREATS) for row in _rows("messages", dev=False)
    ]
    for path in sorted((ROOM / "wishes").glob("*.jsonl")):
        for row in rows(path):
            known["wish"] += [(readable(text), bool(key)) for text, key in row["messages"]]
    for turn in _turns():
        text, instead = readable(turn["text"]), "".join(turn["line"])
        known["person"].append((text, instead == "person"))
        known["chat"].append((text, instead == "chat"))
        if turn["of"]:
            known["bot"].append((text, False))
    return known


def _turns() -> Iterator[dict[str, Any]]:
    """Yield the messages of conversations: questions that sound like small talk, or like a request
    for a person, in between."""
    for path in sorted((ROOM.parent / "conversations").glob("*.jsonl")):
        for row in rows(path):
            yield from row["turns"]


def _marks(names: list[str]) -> tuple[float, ...]:
    return tuple(float(intent in names) for intent in INTENTS)


def _rows(folder: str, dev: bool) -> Iterator[dict[str, Any]]:
    for path in sorted((ROOM / folder).glob("*.tsv")):
        if (path.stem in DEV) == dev:
            yield from written.rows(path)
