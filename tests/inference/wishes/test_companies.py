"""The companies whose actions customers wish for keep to their form."""

from pathlib import Path

import pytest

import inference
from inference import json_lines

TRAINED = sorted((Path(inference.__file__).parent / "wishes" / "companies").glob("*.jsonl"))
TESTED = sorted((Path(__file__).parents[2] / "fixtures").glob("wishes*.jsonl"))


@pytest.mark.parametrize("path", TRAINED + TESTED, ids=lambda path: path.stem)
def test_each_message_wishes_for_an_action_of_its_company_or_for_none(path: Path) -> None:
    for company in json_lines.rows(path):
        keys = {action["key"] for action in company["actions"]}
        assert len(keys) == len(company["actions"]) >= 3
        assert all(action["title"] and action["words"] for action in company["actions"])
        for text, key in company["messages"]:
            assert text.strip()
            assert key is None or key in keys


def test_no_message_is_both_trained_and_tested_on() -> None:
    trained, tested = (
        {
            text.lower()
            for path in paths
            for company in json_lines.rows(path)
            for text, _ in company["messages"]
        }
        for paths in (TRAINED, TESTED)
    )
    assert not trained & tested
