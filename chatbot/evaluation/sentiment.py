"""Measures the sentiment classifier on a labelled file: {"text", "label", "src"}."""

from typing import Any

from chatbot.engines.classifier import sentiment_classifier
from inference.evaluation.markdown import table
from inference.sentiment import Sentiment
from inference.sentiment.classifier import LABELS
from inference.sentiment.evaluation import by_source, figures, scored

Rows = list[dict[str, Any]]


def run(labelled: Rows, options: dict[str, Any]) -> dict[str, Any]:
    sentiments = scored(sentiment_classifier().score, [row["text"] for row in labelled])
    labels = [row["label"] for row in labelled]
    sources = [(row.get("src", "all"), row["label"]) for row in labelled]
    wrong = "".join(explained(*pair) for pair in zip(labelled, sentiments, strict=True))
    groups = by_source(sources, sentiments)
    return {"figures": {**groups, "all": figures(labels, sentiments)}, "wrong": wrong}


def as_text(result: dict[str, Any]) -> str:
    head = ["source", "texts", "accuracy", "macro-F1", *(f"recall of {label}" for label in LABELS)]
    return table([*head, "calibration error"], map(cells, result["figures"].items()))


def cells(entry: tuple[str, dict[str, Any]]) -> list[str]:
    source, row = entry
    figures = [row["accuracy"], row["macro_f1"], *row["recall"].values(), row["ece"]]
    return [source, f"{row['rows']:,}", *(f"{figure:.3f}" for figure in figures)]


def explained(row: dict[str, Any], given: Sentiment) -> str:
    if row["label"] == given.label:
        return ""
    return f"\n{row['label']}, called {given.label} ({given.confidence:.0%} sure): {row['text']}"
