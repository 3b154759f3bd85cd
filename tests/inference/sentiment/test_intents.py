"""The messages that intents are trained and tested on keep to their form."""

from collections import Counter
from pathlib import Path

import pytest

import inference
from inference import json_lines
from inference.sentiment.classifier import INTENTS

SENTIMENT = Path(inference.__file__).parent / "sentiment"
TRAINED = sorted([*(SENTIMENT / "intents").glob("*.tsv"), *(SENTIMENT / "persons").glob("*.tsv")])
FIXTURES = Path(__file__).parents[2] / "fixtures"
TESTED = sorted([*(FIXTURES / "intents").glob("*.tsv"), *FIXTURES.glob("persons*.tsv")])
DIALOGUES = sorted([*(SENTIMENT / "dialogues").glob("*.jsonl"), *FIXTURES.glob("dialogues*.jsonl")])


def rows(path: Path) -> list[tuple[set[str], str]]:
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    assert {len(line) for line in lines} == {2}
    return [(set(intents.split(",")), message) for intents, message in lines]


@pytest.mark.parametrize("path", TRAINED + TESTED, ids=lambda path: path.stem)
def test_each_line_has_known_intents_or_none_and_a_message(path: Path) -> None:
    for intents, message in rows(path):
        assert intents == {"none"} or intents <= {*INTENTS}
        assert message.strip()


def test_no_message_is_both_trained_and_tested_on() -> None:
    trained, tested = (
        {message.lower() for path in paths for _, message in rows(path)}
        for paths in (TRAINED, TESTED)
    )
    assert not trained & tested


def test_each_intent_has_messages_enough_and_most_have_none() -> None:
    counts = Counter(intent for path in TRAINED for found, _ in rows(path) for intent in found)
    assert min(counts[intent] for intent in INTENTS if intent != "urgent") >= 200
    assert counts["none"] == max(counts.values())


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_a_dialogue_calls_an_agent_at_one_of_its_messages_or_never(path: Path) -> None:
    for row in json_lines.rows(path):
        assert row["messages"] and all(text.strip() for text in row["messages"])
        assert row["alert_at"] is None or row["alert_at"] in range(len(row["messages"]))
