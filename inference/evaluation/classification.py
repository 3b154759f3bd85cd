"""Measures of a classifier. Classes are numbered 0 … n-1; arrays have one entry per text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Classes = NDArray[np.integer[Any]]
Reals = NDArray[np.floating[Any]]


def confusion(truth: Classes, predicted: Classes, classes: int) -> NDArray[np.int64]:
    """Count (classes, classes): rows are the truth, columns the predictions."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (truth, predicted), 1)
    return counts


def share(found: Sequence[bool]) -> float:
    return round(sum(found) / max(len(found), 1), 4)


def accuracy(counts: NDArray[np.int64]) -> float:
    return float(np.trace(counts) / max(counts.sum(), 1))


def recall(counts: NDArray[np.int64]) -> Reals:
    """Return, per class, the share of its texts that was found; 0 for a class without texts."""
    return np.diag(counts) / np.maximum(counts.sum(axis=1), 1)


def f1(counts: NDArray[np.int64]) -> Reals:
    return 2 * np.diag(counts) / np.maximum(counts.sum(axis=0) + counts.sum(axis=1), 1)


def macro_f1(counts: NDArray[np.int64]) -> float:
    """Return the mean F1 of all classes; absent ones count as 0."""
    return float(f1(counts).mean())


def binary_f1(truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    """Return the F1 of a yes-or-no question about each text."""
    both = int((truth & found).sum())
    return 2 * both / max(int(truth.sum() + found.sum()), 1)


def expected_calibration_error(truth: Classes, probabilities: Reals, bins: int = 15) -> float:
    """Return the mean distance between confidence and accuracy over bins of equal width.

    `probabilities` is (texts, classes) with rows that sum to 1.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(places, confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / max(len(truth), 1))
