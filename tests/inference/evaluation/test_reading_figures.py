"""Figures of reading say what they seem to say."""

import pytest

from inference.evaluation.reading import Judged, Ranked, auc, check, reader


def ranked(scores: list[float], *answers: int) -> Ranked:
    return Ranked("own", scores, frozenset(answers), max(scores))


def judged(supported: bool, score: float, floor: float = 0.5) -> Judged:
    return Judged("own", supported, score, score > floor)


def test_the_line_that_answers_is_looked_for_among_the_best() -> None:
    rows = [ranked([0.9, 0.1, 0.2], 0), ranked([0.9, 0.8, 0.1], 1), ranked([0.3, 0.2, 0.1])]
    assert reader(rows) == {"n": 3, "hit1": 0.5, "hit3": 1.0, "auc": 1.0}


def test_a_check_that_says_yes_to_all_shows_all_and_tells_nothing_apart() -> None:
    figures = check([judged(True, 1.0), judged(False, 1.0)])
    assert (figures["shown"], figures["withheld"], figures["auc"]) == (1.0, 0.0, 0.5)
    assert figures["withheld_at_1"] == 1.0, "no floor would let one through and keep the other"


def test_what_is_withheld_at_five_percent_lets_five_of_a_hundred_through() -> None:
    rows = [judged(False, number / 100) for number in range(100)]
    rows += [judged(True, score) for score in (0.5, 0.95, 0.96, 0.97)]
    assert check(rows)["withheld_at_5"] == 0.25
    assert check(rows)["withheld_at_1"] == 1.0


@pytest.mark.parametrize("labels", [[], [True, True], [False]])
def test_without_both_kinds_there_is_no_figure(labels: list[bool]) -> None:
    assert auc(labels, [0.5] * len(labels)) is None
    assert reader([])["hit1"] is None
