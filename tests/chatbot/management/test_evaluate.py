"""`manage.py evaluate` prints what each evaluation has measured."""

import json
from pathlib import Path
from unittest import mock

import pytest
from django.core.management import call_command

from chatbot.management.commands.evaluate import EVALUATIONS
from tests.fakes import FakeReader

ROWS = [
    {
        "question": "When are you open?",
        "lines": ["Open from 9.", "Closed on Sunday."],
        "answers": [0],
    },
    {"premise": "Hours\nWe open at 9.", "claim": "We open at 9.", "label": "supported"},
    {"premise": "Hours\nWe open at 9.", "claim": "We open at 8.", "label": "unsupported"},
]


@pytest.mark.parametrize("name", EVALUATIONS)
def test_each_evaluation_has_what_the_command_asks_for(name: str) -> None:
    assert callable(EVALUATIONS[name].run) and callable(EVALUATIONS[name].as_text)


@pytest.mark.parametrize("options", [[], ["--json"], ["--wrong"]])
def test_reading_is_measured_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, ROWS)))
    with mock.patch("chatbot.engines.reader.line_reader", return_value=FakeReader()):
        call_command("evaluate", "reading", str(file), *options)
    printed = capsys.readouterr().out
    if "--json" in options:
        figures = json.loads(printed)
        assert (figures["reader"]["hit1"], figures["check"]["n"]) == (1.0, 2)
    else:
        assert "hit1" in printed and "withheld_at_5" in printed
