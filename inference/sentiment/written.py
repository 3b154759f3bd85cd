"""Reads the files of messages that were written by hand: a line is labels and a text, by tabs."""

from pathlib import Path
from typing import Any

# The source of a story after which an agent should look; that of any other is "no".
NOW = "now"


def rows(path: Path) -> list[dict[str, Any]]:
    """Return {"label", "src", "text"} for each message with a sentiment, where the source is its
    kind, and {"intents", "text"} for each one with intents. `\\n` stands for a line break."""
    return [_row(*line.split("\t")) for line in path.read_text().splitlines()]


def _row(*columns: str) -> dict[str, Any]:
    *labels, text = columns
    row = {"text": text.replace("\\n", "\n")}
    if len(labels) == 2:
        return {**row, "label": labels[0], "src": labels[1]}
    return {**row, "intents": [name for name in labels[0].split(",") if name != "none"]}
