"""Writes a folder of weights for `Classifier.load`: graph, tokenizer, calibrated heads."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.evaluation.classification import binary_f1
from inference.models.sources import digest
from inference.sentiment.classifier import EMOTIONS, Classifier, Heads, Student, softmax
from inference.sentiment.distillation.data import Example
from inference.sentiment.distillation.model import Scorer

# The least F1 of an emotion hint: one that is as often wrong as right does not help.
EMOTION_F1 = 0.5


def write(
    scorer: Scorer,
    tokenizer: Path,
    graph: Callable[[tuple[Scorer, Path], Path], None],
    folder: Path,
) -> None:
    """Write the folder. `graph` exports a scorer, with its tokenizer's file, to ONNX at a path."""
    folder.mkdir(parents=True, exist_ok=True)
    heads = heads_of(scorer)
    graph((scorer, tokenizer), folder / "student.onnx")
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    name = digest(folder / "student.onnx")[:12]
    (folder / "manifest.json").write_text(json.dumps({"student": name}, indent=1) + "\n")
    replace(heads, student=name).save(folder / "heads.npz")


def heads_of(scorer: Scorer) -> Heads:
    layers = (scorer.sentiment, scorer.emotion)
    weights = [
        part.detach().cpu().numpy() for layer in layers for part in (layer.weight, layer.bias)
    ]
    never = np.full(len(EMOTIONS), np.inf, np.float32)
    weight, bias, emotion_weight, emotion_bias = weights
    return Heads(weight, bias, 1.0, emotion_weight, emotion_bias, never)


def calibrate(folder: Path, dev: list[Example], emotions: list[Example]) -> None:
    """Fit temperature and emotion thresholds to the even rows; the odd ones are for measuring."""
    classifier = Classifier.load(folder, threads=os.cpu_count() or 1)
    heads = vars(classifier.heads).copy()
    features = features_of(classifier.student, [example.text for example in dev[::2]])
    labels = np.array([example.label for example in dev[::2]])
    logits = features @ heads["weight"].T + heads["bias"]
    heads["temperature"], lean = fitted(logits, labels)
    heads["bias"] = heads["bias"] + lean * heads["temperature"]
    features = features_of(classifier.student, [example.text for example in emotions[::2]])
    truth = np.array([example.emotions for example in emotions[::2]])
    heads["thresholds"] = thresholds(
        features @ heads["emotion_weight"].T + heads["emotion_bias"], truth
    )
    Heads(**heads).save(folder / "heads.npz")


def features_of(student: Student, texts: list[str]) -> NDArray[np.floating[Any]]:
    """Return the features of each text's first window; these texts have only one."""
    return student.features([student.windows(text)[0] for text in texts])


def fitted(logits: NDArray[Any], labels: NDArray[np.int64]) -> tuple[float, NDArray[np.float64]]:
    """Fit the temperature, and an addend per class, by which the probabilities fit best.

    Minimises the negative log likelihood by gradient descent. Without the addend the students lean
    towards "negative", which is more frequent in their lesson than in customers' messages.
    """
    inverse, lean = 1.0, np.zeros(logits.shape[1])
    for _ in range(3000):
        slope = softmax(logits * inverse + lean)
        slope[np.arange(len(labels)), labels] -= 1
        slope /= len(labels)
        inverse -= 0.1 * float((slope * logits).sum())
        lean -= 0.5 * slope.sum(axis=0)
    return 1 / inverse, lean - lean.mean()


def thresholds(logits: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float32]:
    """Find, per emotion, the threshold with the best F1; infinite if even that is too low."""
    chosen = []
    for column, present in zip(logits.T, truth.T, strict=True):
        candidates = np.quantile(column, np.linspace(0.5, 0.999, 200))
        reached = [binary_f1(present > 0, column > candidate) for candidate in candidates]
        best = int(np.argmax(reached))
        chosen.append(candidates[best] if reached[best] >= EMOTION_F1 else np.inf)
    return np.array(chosen, np.float32)
