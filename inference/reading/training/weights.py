"""Writes weights for `Reader`: graph in eight bits, tokenizer, calibration, thresholds."""

import json
import math
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inference.evaluation import reading
from inference.evaluation.reading import Ranked
from inference.models import export
from inference.models.sources import digest
from inference.reading.reader import Calibration, Reader
from inference.reading.training.data import Lesson
from inference.reading.training.model import Matcher

# What the thresholds let through on the companies that are not trained on: the share of questions
# without an answer that reach the language model; and of these and of those with a wrong best line,
# the share whose line is told although the language model saw no answer.
ANSWERED, TOLD = 0.2, 0.05


class Tokenwise(nn.Module):
    """The transformer as a graph: token ids to a vector for each token."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        # With four dimensions it is added to the scores unchanged: a simpler graph.
        penalty = (1.0 - attention_mask.to(torch.float32)[:, None, None, :]) * -1e4
        hidden: Tensor = self.body(input_ids, penalty, torch.zeros_like(input_ids))[0]
        return hidden


def write(model: Matcher, start: Path, folder: Path, about: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        model.body.cpu().eval().set_attn_implementation("eager")
        export.scale_rows(model.body)
        plain = Path(work) / "plain.onnx"
        export.to_onnx(Tokenwise(model.body), plain, ["input_ids", "attention_mask"], "tokens")
        export.quantise(plain, folder / "model.int8.onnx")
    shutil.copyfile(start / "tokenizer.json", folder / "tokenizer.json")
    sha = digest(folder / "model.int8.onnx")
    word_weights = [*model.weight.weight[0].tolist(), model.weight.bias.item()]
    manifest = {
        "name": f"reader@{sha[:12]}",
        "model_sha256": sha,
        "bytes": (folder / "model.int8.onnx").stat().st_size,
        "scales": [round(one, 4) for one in model.scales.tolist()],
        "word_weights": [round(one, 5) for one in word_weights],
        "calibration": vars(Calibration()),
        "thresholds": {"answering": 1.0, "telling": 1.0},
        **about,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def calibrate(folder: Path, companies: Sequence[Lesson]) -> None:
    """Fit the calibration, choose the thresholds, and measure, on companies that were not trained
    on."""
    reader = Reader(folder)
    asked = [(lesson, one) for lesson in companies for one in lesson.asked]
    found = [scores(reader, lesson, one.question) for lesson, one in asked]
    right = [one.right for _, one in asked]
    truth = [at in own for own, line in zip(right, found, strict=True) for at in range(len(line))]
    fit = fitted(np.concatenate(found), np.array(truth))
    best = [float(fit.probabilities(one).max()) for one in found]
    hits = [int(one.argmax()) in own for one, own in zip(found, right, strict=True)]
    nothing = [value for value, own in zip(best, right, strict=True) if not own]
    wrong = [value for value, hit in zip(best, hits, strict=True) if not hit]
    ranked = [Ranked("", one.tolist(), own) for one, own in zip(found, right, strict=True)]
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["calibration"] = vars(fit)
    manifest["thresholds"] = {"answering": above(nothing, ANSWERED), "telling": above(wrong, TOLD)}
    manifest["figures"] = reading.reader(ranked)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def scores(reader: Reader, lesson: Lesson, question: str) -> NDArray[np.float32]:
    """Return the score of each line of the lesson."""
    passages = ["\n".join([title, *lines]) for title, lines in lesson.passages]
    return np.concatenate(reader.scores(question, passages))


def fitted(values: NDArray[np.float32], truth: NDArray[np.bool_]) -> Calibration:
    """Fit by Newton's method on the negative log likelihood."""
    design = np.stack([values, np.ones_like(values)], axis=1).astype(np.float64)
    chosen = np.zeros(2)
    for _ in range(50):
        predicted = 1 / (1 + np.exp(-np.clip(design @ chosen, -30, 30)))
        slope = design.T @ (predicted - truth)
        curve = (design * (predicted * (1 - predicted))[:, None]).T @ design
        chosen -= np.linalg.solve(curve + 1e-6 * np.eye(2), slope)
    return Calibration(round(float(chosen[0]), 4), round(float(chosen[1]), 4))


def above(values: list[float], share: float) -> float:
    """Return the value that only `share` of the values exceed, rounded up; 1 without values."""
    falling = sorted(values, reverse=True)
    return math.ceil(1e4 * falling[int(share * len(falling))] + 1) / 1e4 if falling else 1.0
