"""Sentiment on a labelled file: {"text", "label", "src"}."""

from typing import Any

from chatbot.engines.classifier import sentiment_classifier
from inference.evaluation.markdown import table
from inference.sentiment import Sentiment
from inference.sentiment.classifier import LABELS
from inference.sentiment.evaluation import by_source, figures, scored

Rows = list[dict[str, Any]]


def run(labelled: Rows, options: dict[str, Any]) -> dict[str, Any]:
    found = scored(sentiment_classifier().score, [row["text"] for row in labelled])
    labels = [row["label"] for row in labelled]
    sources = [(row.get("src", "all"), row["label"]) for row in labelled]
    wrong = "".join(misheard(*pair) for pair in zip(labelled, found, strict=True))
    return {"figures": {**by_source(sources, found), "all": figures(labels, found)}, "wrong": wrong}


def in_words(result: dict[str, Any]) -> str:
    head = ["source", "texts", "accuracy", "macro-F1", *(f"recall of {label}" for label in LABELS)]
    return table([*head, "calibration error"], map(cells, result["figures"].items()))


def cells(entry: tuple[str, dict[str, Any]]) -> list[str]:
    source, row = entry
    figures = [row["accuracy"], row["macro_f1"], *row["recall"].values(), row["ece"]]
    return [source, f"{row['rows']:,}", *(f"{figure:.3f}" for figure in figures)]


def misheard(row: dict[str, Any], found: Sentiment) -> str:
    if row["label"] == found.label:
        return ""
    return f"\n{row['label']}, heard {found.label} ({found.confidence:.0%} sure): {row['text']}"
