"""Sentiment on a labelled file: {"text", "label", "src"}."""

from typing import Any

from chatbot.engines import sentiment_classifier
from inference.evaluation.sentiment import by_source, figures, scored
from inference.sentiment import Sentiment

Rows = list[dict[str, Any]]


def run(labelled: Rows, options: dict[str, Any]) -> dict[str, Any]:
    found = scored(sentiment_classifier().score, [row["text"] for row in labelled])
    labels = [row["label"] for row in labelled]
    sources = [(row.get("src", "all"), row["label"]) for row in labelled]
    wrong = "".join(misheard(*pair) for pair in zip(labelled, found, strict=True))
    return {"figures": {**by_source(sources, found), "all": figures(labels, found)}, "wrong": wrong}


def in_words(result: dict[str, Any]) -> str:
    lines = [
        f"{'source':24}{'texts':>8}{'accuracy':>10}{'macro-F1':>10}"
        "   recall of negative, neutral, positive   calibration error"
    ]
    for source, row in result["figures"].items():
        recalls = "".join(f"{value:>8.3f}" for value in row["recall"].values())
        lines.append(
            f"{source:24}{row['rows']:>8,}{row['accuracy']:>10.3f}{row['macro_f1']:>10.3f}"
            f"{recalls:>33}{row['ece']:>27.3f}"
        )
    return "\n".join(lines)


def misheard(row: dict[str, Any], found: Sentiment) -> str:
    if row["label"] == found.label:
        return ""
    return f"\n{row['label']}, heard {found.label} ({found.confidence:.0%} sure): {row['text']}"
