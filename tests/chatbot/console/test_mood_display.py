"""How a score looks: a word, a sign, a picture."""

import pytest

from chatbot.console import scores


@pytest.mark.parametrize(
    ("score", "word"),
    [(-1.0, "upset"), (-0.3, "uneasy"), (0.0, "neutral"), (0.3, "content"), (1.0, "happy")],
)
def test_a_score_has_a_word(score: float, word: str) -> None:
    assert scores.word(score) == word
    assert word in scores.badge(score)


def test_numbers_carry_their_sign() -> None:
    assert [scores.signed(score) for score in (0.4, -0.64, -0.001)] == ["+0.40", "−0.64", "+0.00"]


def test_nothing_said_draws_nothing() -> None:
    assert scores.sparkline([]) == ""
    assert scores.chart([]) == ""
    assert "not known yet" in scores.badge(None)
