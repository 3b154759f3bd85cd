"""The messages that hearing is trained and tested on keep to their form."""

from collections import Counter
from pathlib import Path

import pytest

import inference
from inference.sentiment import LABELS

SENTIMENT = Path(inference.__file__).parent / "sentiment"
FIXTURES = Path(__file__).parents[2] / "fixtures"
STORIES = sorted((SENTIMENT / "stories").glob("*.tsv"))
TRAINED = sorted((SENTIMENT / "messages").glob("*.tsv")) + STORIES
TESTED = sorted([*(FIXTURES / "messages").glob("*.tsv"), *FIXTURES.glob("stories*.tsv")])
FILES = TRAINED + TESTED


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_line_has_a_label_a_kind_and_a_message(path: Path) -> None:
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    assert {len(row) for row in rows} == {3}
    assert {row[0] for row in rows} == set(LABELS)
    assert all(row[1] and row[2].strip() for row in rows)


@pytest.mark.parametrize(
    "path", [*STORIES, *sorted(FIXTURES.glob("stories*.tsv"))], ids=lambda path: path.stem
)
def test_a_story_calls_an_agent_now_or_not(path: Path) -> None:
    assert {line.split("\t")[1] for line in path.read_text().splitlines()} == {"now", "no"}


def test_no_message_comes_twice_or_is_both_trained_and_tested_on() -> None:
    said = [line.split("\t")[2].lower() for path in FILES for line in path.read_text().splitlines()]
    assert sorted(said) == sorted(set(said))


def test_each_label_has_enough_messages_to_train_on() -> None:
    labels = Counter(
        line.split("\t")[0] for path in TRAINED for line in path.read_text().splitlines()
    )
    assert min(labels.values()) >= 3_000
