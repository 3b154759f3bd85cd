"""The questions about customers' own records keep to their form, and the heads understand most."""

import json
from pathlib import Path

import pytest

import inference
from chatbot.reply.lookup import asked
from inference.reading.heads import ASKS, PICKS

TRAINED = sorted((Path(inference.__file__).parent / "reading" / "asks").glob("*.jsonl"))
TESTED = Path(__file__).parents[2] / "fixtures" / "asks.jsonl"


def rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("path", [*TRAINED, TESTED], ids=lambda path: path.stem)
def test_each_line_has_a_message_what_it_asks_and_how_it_picks(path: Path) -> None:
    for row in rows(path):
        assert row["ask"] in ASKS and row["which"] in {*PICKS, None}
        assert row["text"].strip() and (row["kind"] is None or row["kind"] in row["kinds"])


def test_no_question_is_both_trained_and_tested_on() -> None:
    trained = {row["text"].lower() for path in TRAINED for row in rows(path)}
    assert not trained & {row["text"].lower() for row in rows(TESTED)}


@pytest.mark.slow
def test_what_another_writer_asks_is_understood() -> None:
    tested = rows(TESTED)
    right = sum(asked(row["text"]).ask == row["ask"] for row in tested)
    assert right / len(tested) >= 0.85
