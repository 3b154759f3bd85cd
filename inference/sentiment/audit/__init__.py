"""Audits whether the classifier treats groups of people alike, and resists small changes.

`templates.json` holds our own sentences; the method is that of the Equity Evaluation Corpus
(Kiritchenko and Mohammad 2018): fill one sentence with each group's words and compare the scores.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.sentiment.classifier import Sentiment

Score = Callable[[Sequence[str]], Sequence[Sentiment]]


@dataclass(frozen=True)
class Finding:
    """One line of an audit. `low` and `high` are the value's 95 % confidence interval, if any."""

    check: str
    group: str
    value: float
    limit: str
    passed: bool
    texts: int
    low: float | None = None
    high: float | None = None


def templates() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((Path(__file__).parent / "templates.json").read_text())
    return content
