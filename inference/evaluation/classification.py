"""How good a classifier is. Classes are numbered 0 … n-1; arrays hold one entry per text."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Classes = NDArray[np.integer[Any]]
Reals = NDArray[np.floating[Any]]


def confusion(truth: Classes, predicted: Classes, classes: int) -> NDArray[np.int64]:
    """Counts (classes, classes): rows are the truth, columns what was predicted."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (truth, predicted), 1)
    return counts


def accuracy(counts: NDArray[np.int64]) -> float:
    return float(np.trace(counts) / max(counts.sum(), 1))


def recall(counts: NDArray[np.int64]) -> Reals:
    """Per class, the share of its texts that was found; 0 for a class without texts."""
    return np.diag(counts) / np.maximum(counts.sum(axis=1), 1)


def f1(counts: NDArray[np.int64]) -> Reals:
    return 2 * np.diag(counts) / np.maximum(counts.sum(axis=0) + counts.sum(axis=1), 1)


def macro_f1(counts: NDArray[np.int64]) -> float:
    """Mean F1 over all classes, absent ones counting as 0."""
    return float(f1(counts).mean())


def f1_of(truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    """Of a yes-or-no question about each text."""
    both = int((truth & found).sum())
    return 2 * both / max(int(truth.sum() + found.sum()), 1)


def expected_calibration_error(truth: Classes, probabilities: Reals, bins: int = 15) -> float:
    """Mean distance between confidence and accuracy over bins of equal width.

    `probabilities` is (texts, classes) with rows that sum to 1.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(places, confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / max(len(truth), 1))
