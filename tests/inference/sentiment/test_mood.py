"""The mood of a conversation and its trend follow the scores of its messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.sentiment.mood import ScoredMessage, mood, slope, worst

SURE, UNSURE = 0.9, 0.5
scores = st.floats(-1, 1)


def said(*values: float, sure: float = SURE) -> list[ScoredMessage]:
    return [ScoredMessage("four words of theirs", value, sure) for value in values]


@given(st.lists(scores, min_size=1, max_size=30))
def test_the_mood_lies_between_the_worst_and_the_best_message(values: list[float]) -> None:
    found = mood(said(*values))
    assert found is not None
    assert min(values) - 1e-9 <= found <= max(values) + 1e-9


@given(st.lists(scores, min_size=1, max_size=12), scores, scores)
def test_a_better_last_message_never_lowers_the_mood(
    values: list[float], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert mood(said(*values, low)) <= mood(said(*values, high)) + 1e-9


@pytest.mark.parametrize("text", ["ok", "yes please", "a person, please!", "hm"])
def test_a_short_word_or_a_wish_for_a_person_never_raises_the_mood(text: str) -> None:
    person = frozenset({"person"}) if "person" in text else frozenset()
    upset = said(-0.9, -0.8)
    assert mood([*upset, ScoredMessage(text, 0.1, SURE, person)]) == mood(upset)
    assert mood([*upset, ScoredMessage("awful", -1.0, SURE)]) < mood(upset)
    assert mood([*upset, ScoredMessage("thank you!", 0.9, SURE)]) > mood(upset)


def test_the_worst_of_the_last_messages_says_who_comes_first() -> None:
    assert worst(said(-0.9, 0.1, -0.4, 0.2, 0.3)) == -0.4
    assert worst(said(-0.9, sure=UNSURE)) is None


@given(scores, st.integers(2, 12))
def test_a_steady_mood_has_no_slope(value: float, count: int) -> None:
    assert slope([value] * count) == pytest.approx(0, abs=1e-9)


@given(st.lists(scores, min_size=2, max_size=6, unique=True))
def test_a_rising_mood_has_a_rising_slope_and_its_mirror_a_falling_one(values: list[float]) -> None:
    rising = sorted(values)
    assert slope(rising) >= 0 >= slope(rising[::-1])
