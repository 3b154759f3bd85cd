"""The measures, on examples small enough to work out by hand."""

import numpy as np
import pytest

from inference.evaluation.classification import (
    accuracy,
    confusion,
    expected_calibration_error,
    f1,
    macro_f1,
    recall,
)

TRUTH = np.array([0, 0, 0, 1, 1, 2])
CALLED = np.array([0, 0, 1, 1, 2, 2])


def test_confusion_has_the_truth_in_rows() -> None:
    assert confusion(TRUTH, CALLED, 3).tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_accuracy_recall_and_f1() -> None:
    counts = confusion(TRUTH, CALLED, 3)
    assert accuracy(counts) == pytest.approx(4 / 6)
    assert recall(counts) == pytest.approx([2 / 3, 1 / 2, 1])
    assert f1(counts) == pytest.approx([4 / 5, 1 / 2, 2 / 3])
    assert macro_f1(counts) == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)


def test_a_class_that_never_occurs_counts_as_zero() -> None:
    counts = confusion(np.array([0, 0]), np.array([0, 0]), 3)
    assert recall(counts).tolist() == [1, 0, 0]
    assert macro_f1(counts) == pytest.approx(1 / 3)


def test_nothing_to_measure_is_not_an_error() -> None:
    nothing = np.array([], int)
    assert accuracy(confusion(nothing, nothing, 3)) == 0
    assert expected_calibration_error(nothing, np.zeros((0, 3))) == 0


def test_a_classifier_as_good_as_it_says_has_no_calibration_error() -> None:
    truth = np.array([0, 0, 0, 1])
    probabilities = np.tile([0.75, 0.25], (4, 1))
    assert expected_calibration_error(truth, probabilities) == pytest.approx(0)


def test_an_overconfident_classifier_is_off_by_the_difference() -> None:
    truth = np.array([0, 1])
    probabilities = np.tile([0.9, 0.1], (2, 1))
    assert expected_calibration_error(truth, probabilities) == pytest.approx(0.4)


def test_full_confidence_falls_into_the_last_bin() -> None:
    assert expected_calibration_error(np.array([0]), np.array([[1.0, 0.0]])) == 0
