"""How a score looks: a word, a sign, a picture."""

import pytest

from chatbot.console import mood_display


@pytest.mark.parametrize(
    ("score", "word"),
    [(-1.0, "upset"), (-0.3, "uneasy"), (0.0, "neutral"), (0.3, "content"), (1.0, "happy")],
)
def test_a_score_has_a_word(score: float, word: str) -> None:
    assert mood_display.word(score) == word
    assert word in mood_display.badge(score)


def test_numbers_carry_their_sign() -> None:
    assert [mood_display.signed(score) for score in (0.4, -0.64, -0.001)] == [
        "+0.40",
        "−0.64",
        "+0.00",
    ]


def test_nothing_said_draws_nothing() -> None:
    assert mood_display.sparkline([]) == ""
    assert mood_display.chart([]) == ""
    assert "not known yet" in mood_display.badge(None)
