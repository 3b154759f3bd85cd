"""Tells which of a company's actions a customer wishes for now, if any.

A model of the reranker's form reads the message together with each action: its title and an
administrator's words for it. It tells "send these back for me" from a question about returns, a
report of one and a "do not". `training.py` trains it; its weights are in
`inference/weights/wishes`.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inference.reading.reader import Scores
from inference.reading.reranker import Pairs, logistic
from inference.sentiment.classifier import heard
from inference.sentiment.text import says_something

Action = tuple[str, ...]  # its title, and the words for it


class Matcher:
    """Thread-safe."""

    def __init__(self, folder: Path, tokenizer: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        # A message whose intent `wish` is weaker wishes for nothing, and no action is read.
        self.gate = float(manifest["gate"])
        # The weights of the best action's score, of the intent and of one in the probability.
        self._calibration = np.array(manifest["calibration"], np.float64)
        self.threshold = float(manifest["threshold"])
        self._pairs = Pairs(folder / "model.int8.onnx", tokenizer)

    def wished(self, text: str, actions: Sequence[Action], wish: float) -> int | None:
        """Return the place of the action that the message wishes for, if any is.

        wish: the strength of the classifier's intent `wish`, a logit.
        """
        words = heard(text)
        if not actions or wish < self.gate or not says_something(words):
            return None
        scores = self.scores(words, actions)
        best = int(scores.argmax())
        sure = logistic(self._calibration, np.array([scores[best], wish]))
        return best if sure >= self.threshold else None

    def scores(self, text: str, actions: Sequence[Action]) -> Scores:
        return self._pairs.scores(text, [titled(action) for action in actions])


def titled(action: Action) -> tuple[str, str]:
    title, *words = action
    return title, ", ".join(words)
