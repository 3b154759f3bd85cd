"""Reads customers' messages, written by hand: with their sentiment, and with their intents."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inference.json_lines import rows
from inference.sentiment import written
from inference.sentiment.classifier import INTENTS, LABELS
from inference.sentiment.distillation.data import UNLABELLED, Example
from inference.sentiment.text import readable

ROOM = Path(__file__).parents[1]
WISHES = ROOM.parent / "wishes" / "companies"
# Files that are not trained on: the calibration and the thresholds come from them.
DEV = {
    "airline-rowan", "broadband-rowan", "parcels-rowan", "water-dove", "k-hazel", "l-fir", "willow",
    "burdock", "noddy",
}  # fmt: skip

# The intents that are judged in all messages of `intents`.
IN_ALL = tuple(name for name in INTENTS if name != "urgent")
# Kinds of messages in which the customer threatens.
THREATS = {"threat", "escalation"}


def messages(dev: bool = False) -> list[Example]:
    """Read the messages with a sentiment."""
    return [
        Example(readable(row["text"]), LABELS.index(row["label"]), folder)
        for folder in ("messages", "stories")
        for row in _rows(folder, dev)
    ]


def intents(dev: bool = False) -> list[Example]:
    """Read the messages with intents, those that may ask for a person, and those of stories and
    dialogues, which may call an agent."""
    return [
        Example(readable(row["text"]), UNLABELLED, "intents", intents=_marks(row["intents"]))
        for row in _rows("intents", dev)
    ] + [
        Example(text, UNLABELLED, name, intents=_only(intent, has))
        for name, intent, pairs in (
            ("persons", "person", _asking(dev)),
            ("dialogues", "urgent", _calling(dev)),
        )
        for text, has in pairs
    ]


def marked() -> list[Example]:
    """Read each message that is trained on once, with all that is known about it."""
    labels = {each.text: each.label for each in messages()}
    known: dict[str, dict[str, float]] = {text: {} for text in labels}
    for intent, pairs in judged().items():
        for text, has in pairs:
            known.setdefault(text, {})[intent] = float(has)
    return [
        Example(
            text,
            labels.get(text, UNLABELLED),
            "messages",
            intents=tuple(marks.get(intent, math.nan) for intent in INTENTS) if marks else None,
        )
        for text, marks in known.items()
        if text
    ]


def judged() -> dict[str, list[tuple[str, bool]]]:
    """Return, per intent, the texts of which it is known whether they have it.

    The kind of a message with a mood says whether it threatens; a wish for an action is a wish.
    """
    marked = [(readable(row["text"]), row["intents"]) for row in _rows("intents", dev=False)]
    known = {intent: [(text, intent in has) for text, has in marked] for intent in IN_ALL}
    known["leave"] += [
        (readable(row["text"]), row["src"] in THREATS) for row in _rows("messages", dev=False)
    ]
    for row in _dialogues(WISHES, dev=False):
        known["wish"] += [(readable(text), bool(key)) for text, key in row["messages"]]
    known["person"] += _asking(dev=False)
    # "Are you a robot?" was heard as grave while no small talk was among these messages.
    small_talk = [(text, False) for text, has in marked if "chat" in has and "leave" not in has]
    calling = list(_calling(dev=False))
    known["urgent"] = calling + small_talk
    # Threats alert agents. So a message that alerts nobody is no threat, even if it asks about
    # complaints or lawyers.
    known["leave"] += [(text, False) for text, calls in calling if not calls]
    for turn in _turns():
        text, instead = readable(turn["text"]), "".join(turn["line"])
        known["person"].append((text, instead == "person"))
        known["chat"].append((text, instead == "chat"))
        if turn["of"]:
            known["bot"].append((text, False))
    return known


def _asking(dev: bool) -> Iterator[tuple[str, bool]]:
    """Yield the messages of `persons`, each with whether it asks for a person."""
    for row in _rows("persons", dev):
        yield readable(row["text"]), "person" in row["intents"]


def _calling(dev: bool) -> Iterator[tuple[str, bool]]:
    """Yield the messages of `stories`, and those of dialogues up to the one that should alert an
    agent, each with whether it should. Later messages may be as grave, or not."""
    for row in _rows("stories", dev):
        yield readable(row["text"]), row["src"] == written.NOW
    for row in _dialogues(ROOM / "dialogues", dev):
        calls = len(row["messages"]) if row["alert_at"] is None else row["alert_at"]
        for at, text in enumerate(row["messages"][: calls + 1]):
            yield readable(text), at == calls


def _dialogues(folder: Path, dev: bool) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.jsonl")):
        if (path.stem in DEV) == dev:
            yield from rows(path)


def _turns() -> Iterator[dict[str, Any]]:
    """Yield the messages of conversations; of a message of several questions, each question and the
    whole. Some sound like small talk, or like a request for a person, and are none."""
    for path in sorted((ROOM.parent / "conversations").glob("*.jsonl")):
        for row in rows(path):
            yield from row["turns"]
            if "text" in row and len(row["turns"]) > 1:
                of = [id for turn in row["turns"] for id in turn["of"]]
                yield {"text": row["text"], "line": [], "of": of}


def _marks(names: list[str]) -> tuple[float, ...]:
    return tuple(float(name in names) if name in IN_ALL else math.nan for name in INTENTS)


def _only(intent: str, has: bool) -> tuple[float, ...]:
    return tuple(float(has) if name == intent else math.nan for name in INTENTS)


def _rows(folder: str, dev: bool) -> Iterator[dict[str, Any]]:
    for path in sorted((ROOM / folder).glob("*.tsv")):
        if (path.stem in DEV) == dev:
            yield from written.rows(path)
