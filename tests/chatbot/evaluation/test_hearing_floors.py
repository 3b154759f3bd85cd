"""What is heard in messages that nobody looked at while choosing: the figures do not fall.

Other trades, another writer, never trained on. The floors are a little below what was measured
(docs/measured.md).
"""

from pathlib import Path
from typing import Any

import pytest

from chatbot.evaluation import alerts, intents, sentiment, wishes
from chatbot.management.commands.evaluate import read

FLOORS = {
    # The change for groups (`distillation/groups.py`) costs up to 0.03 here, and halves the number
    # of groups that fail the audit.
    "macro-F1": 0.845,
    "negative recall": 0.83,
    "person": 0.92,
    "person, false": 0.03,
    "leave": 0.70,
    "alerts, of 100": 67,
    "grave stories, of 60": 55,
    "other stories, of 90": 4,
    "stories, macro-F1": 0.83,
    "told politely, grave, of 70": 53,
    "told politely, others, of 130": 10,
    "told politely, macro-F1": 0.80,
    "many trades, macro-F1": 0.87,
    "many trades, person": 0.92,
    "many trades, person, false": 0.03,
    "many trades, grave, of 59": 43,
    "wishes": 0.75,
    "wishes, false": 0.05,
}
FIXTURES = Path(__file__).parents[2] / "fixtures"
pytestmark = pytest.mark.slow


def figures(evaluation: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = evaluation.run(read(FIXTURES / name), {})["figures"]
    return found


def test_moods_are_heard_in_the_chat_of_eight_trades() -> None:
    found = figures(sentiment, "messages")["all"]
    assert found["macro_f1"] >= FLOORS["macro-F1"]
    assert found["recall"]["negative"] >= FLOORS["negative recall"]


def test_intents_are_heard_and_seldom_where_they_are_not() -> None:
    found = figures(intents, "intents")
    assert found["person"]["recall"] >= FLOORS["person"]
    assert found["person"]["false"] <= FLOORS["person, false"]
    assert found["leave"]["recall"] >= FLOORS["leave"]


def test_conversations_call_an_agent_in_time() -> None:
    found = [figures(alerts, f"dialogues{which}.jsonl") for which in ("", "-many-trades")]
    assert sum(one["in time"] + one["rightly quiet"] for one in found) >= FLOORS["alerts, of 100"]


def test_a_message_that_describes_a_case_alerts_an_agent_only_if_it_is_grave() -> None:
    found = figures(alerts, "stories.tsv")
    assert found["in time"] >= FLOORS["grave stories, of 60"]
    assert found["needlessly"] <= FLOORS["other stories, of 90"]
    assert figures(sentiment, "stories.tsv")["all"]["macro_f1"] >= FLOORS["stories, macro-F1"]


def test_grave_things_told_politely_alert_an_agent() -> None:
    found = figures(alerts, "stories-told-politely.tsv")
    assert found["in time"] >= FLOORS["told politely, grave, of 70"]
    assert found["needlessly"] <= FLOORS["told politely, others, of 130"]
    mood = figures(sentiment, "stories-told-politely.tsv")["all"]
    assert mood["macro_f1"] >= FLOORS["told politely, macro-F1"]


def test_messages_as_customers_type_them_are_heard() -> None:
    found = figures(sentiment, "stories-many-trades.tsv")["all"]
    assert found["macro_f1"] >= FLOORS["many trades, macro-F1"]
    asked = figures(intents, "persons-many-trades.tsv")["person"]
    assert asked["recall"] >= FLOORS["many trades, person"]
    assert asked["false"] <= FLOORS["many trades, person, false"]
    grave = figures(alerts, "stories-many-trades.tsv")["in time"]
    assert grave >= FLOORS["many trades, grave, of 59"]


def test_the_action_that_is_wished_for_is_found() -> None:
    found = figures(wishes, "wishes-many-trades.jsonl")
    assert found["recall"] >= FLOORS["wishes"]
    assert found["false"] <= FLOORS["wishes, false"]
