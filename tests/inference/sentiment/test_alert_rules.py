"""When an agent should look at a conversation, and why."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.sentiment import Sentiment
from inference.sentiment.alert_rules import Rules, alert, times
from inference.sentiment.mood import ScoredMessage, scored
from tests.inference.sentiment.test_mood import SURE, UNSURE, said, scores

messages = st.lists(
    st.builds(
        ScoredMessage, st.sampled_from(["no", "thanks", "where is it?"]), scores, st.floats(0, 1)
    ),
    max_size=12,
)


def reason(*values: float, sure: float = SURE) -> str:
    return reason_of(said(*values, sure=sure))


def reason_of(heard: list[ScoredMessage]) -> str:
    found = alert(heard)
    return found.reason if found else ""


def test_alices_first_complaint_is_normal() -> None:
    assert reason(-0.9) == ""


def test_three_negative_messages_in_a_row_need_a_person() -> None:
    assert reason(0.1, -0.4, -0.45, -0.5) == "three negative messages in a row"


def test_a_mood_that_stays_bad_needs_a_person() -> None:
    assert reason(-0.9, -0.8) == "mood -0.8 after 2 negative messages"


def test_a_fall_needs_a_person() -> None:
    assert reason(0.6, -0.8) == "fell from +0.6 to -0.8"


def test_a_second_angry_message_after_a_fall_needs_a_person_too() -> None:
    unsure = said(0.0, 0.0, 0.0, 0.0, sure=UNSURE)
    assert reason_of([*said(1.0), *unsure, *said(-1.0)]).startswith("fell from +1.0")
    assert reason_of([*said(1.0), *unsure, *said(-1.0, -1.0)]).startswith("fell from +1.0")


def test_bob_who_has_calmed_down_needs_nobody() -> None:
    assert reason(-0.9, -0.9, 0.8) == ""


def test_below_the_confidence_floor_nothing_alerts() -> None:
    assert reason(-0.9, -0.9, -0.9, -0.9, sure=UNSURE) == ""


def test_the_fifth_report_outranks_a_polite_first_complaint_and_an_angry_row() -> None:
    fifth = alert([ScoredMessage("this is the fifth time I report this", -0.2, UNSURE)])
    row = alert(said(-0.9, -0.9, -0.9))
    assert (
        fifth
        and row
        and alert([ScoredMessage("the tent is torn, I am sorry to say", -0.6, SURE)]) is None
    )
    assert fifth.reason == "says it is the 5th time"
    assert fifth.quote == "this is the fifth time I report this"
    assert fifth.weight > row.weight


def test_an_inbox_may_be_alerted_sooner_or_not_at_all() -> None:
    at_once = alert(said(-0.9), Rules(in_a_row=1))
    assert at_once and at_once.reason == "a negative message"
    off = Rules(in_a_row=0, repeated=0, fall=0, bad_mood=0)
    assert alert(said(0.9, -0.9, -0.9, -0.9), off) is None
    assert alert([ScoredMessage("this is the fifth time", -0.9, SURE)], off) is None


def test_thanks_for_the_third_time_are_no_complaint() -> None:
    assert (
        alert([ScoredMessage("this is the third time you helped me, wonderful!", 0.9, SURE)])
        is None
    )


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("this is the fifth time I report this", 5),
        ("I have called 4 times now", 4),
        ("third time I have to ask", 3),
        ("for the 3rd time: where is it", 3),
        ("I asked you three times already", 3),
        ("It's my 6th email", 6),
        ("it happened four times", 4),
        ("This is the first time I write", 0),
        ("I go running 3 times a week", 0),
        ("is Lisbon in the third time zone?", 0),
        ("", 0),
    ],
)
def test_how_often_the_customer_says_it_came_up(text: str, count: int) -> None:
    assert times(text) == count


@pytest.mark.parametrize("score", [-0.9, 0.0])
def test_a_threat_calls_an_agent_at_once(score: float) -> None:
    threat = ScoredMessage("My solicitor will be in touch", score, SURE, frozenset({"leave"}))
    found = alert([threat])
    assert found and found.reason == "threatens to leave or to complain elsewhere"
    assert found.quote == "My solicitor will be in touch"
    assert alert([threat], Rules(threats=False)) is None
    assert alert([replace(threat, score=0.9)]) is None


def test_something_grave_calls_an_agent_however_calmly_it_is_told() -> None:
    grave = ScoredMessage("The insulin was in that parcel", -0.1, SURE, frozenset({"urgent"}))
    found = alert([grave])
    assert found and found.reason == "seems to need a person's help"
    assert found.quote == "The insulin was in that parcel"
    assert alert([grave], Rules(urgent=False)) is None
    assert alert([replace(grave, score=0.9)]) is None


def test_only_their_own_words_count_the_times() -> None:
    quoted = "Thank you.\n\nOn Monday, 3 Nov 2025, Help <help@ash.example> wrote:\n> the third time"
    assert alert([scored(quoted, Sentiment("neutral", 0.0, SURE, {}))]) is None


@given(messages)
def test_an_alert_has_a_reason_and_a_weight(heard: list[ScoredMessage]) -> None:
    found = alert(heard)
    assert found is None or (found.reason and 0 < found.weight <= 1)


@given(messages)
def test_a_surely_happy_last_message_ends_every_alert(heard: list[ScoredMessage]) -> None:
    assert alert([*heard, ScoredMessage("thanks", 0.9, SURE)]) is None


@given(messages)
def test_one_more_angry_message_never_makes_it_less_pressing(heard: list[ScoredMessage]) -> None:
    before, after = alert(heard), alert([*heard, ScoredMessage("no", -1.0, 1.0)])
    assert before is None or after is not None
