"""Measures which intents are heard: {"text", "intents"}, a list of names."""

from typing import Any

from chatbot.engines.classifier import sentiment_classifier
from inference.evaluation.classification import share
from inference.evaluation.markdown import table
from inference.sentiment.classifier import INTENTS
from inference.sentiment.evaluation import scored

Rows = list[dict[str, Any]]


def run(labelled: Rows, options: dict[str, Any]) -> dict[str, Any]:
    found = scored(sentiment_classifier().score, [row["text"] for row in labelled])
    heard = [sentiment.intents for sentiment in found]
    wrong = "".join(explained(*pair) for pair in zip(labelled, heard, strict=True))
    return {"figures": {name: figures(name, labelled, heard) for name in INTENTS}, "wrong": wrong}


def figures(name: str, labelled: Rows, heard: list[frozenset[str]]) -> dict[str, Any]:
    """Return the share of an intent's texts in which it is heard, and of all other texts."""
    pairs = [
        (name in row["intents"], name in given) for row, given in zip(labelled, heard, strict=True)
    ]
    inside = [given for meant, given in pairs if meant]
    outside = [given for meant, given in pairs if not meant]
    return {"texts": len(inside), "recall": share(inside), "false": share(outside)}


def as_text(result: dict[str, Any]) -> str:
    cells = [
        [name, str(row["texts"]), f"{row['recall']:.3f}", f"{row['false']:.4f}"]
        for name, row in result["figures"].items()
    ]
    return table(["intent", "texts", "recall", "heard in others"], cells)


def explained(row: dict[str, Any], heard: frozenset[str]) -> str:
    missed, false = {*row["intents"]} - heard, heard - {*row["intents"]}
    if not missed and not false:
        return ""
    return f"\nmissed: {sorted(missed)}, heard: {sorted(false)}: {row['text']}"
