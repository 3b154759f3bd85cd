"""Both rerankers on eight companies on which no model was trained and no setting chosen.

The floors are a little below what was measured (docs/measured.md): a larger loss fails the test.
"""

from pathlib import Path

import pytest

from chatbot.engines.reader import RERANKING, WEIGHTS, large_reranker
from chatbot.evaluation import companies
from chatbot.evaluation import reading as evaluation
from inference import json_lines
from inference.evaluation import reading
from inference.reading.reranker import Reranker

pytestmark = pytest.mark.live

FOLDER = Path(__file__).parents[1] / "fixtures" / "companies"
HIT1, HIT3, AUC = 0.77, 0.89, 0.89


def test_the_line_that_answers_comes_first(models: None, monkeypatch: pytest.MonkeyPatch) -> None:
    able = Reranker(RERANKING, WEIGHTS / "tokenizer.json", large_reranker())
    assert able.has_large
    monkeypatch.setattr("chatbot.engines.reader.reranker", lambda: able)
    own = [row for path in sorted(FOLDER.glob("*.jsonl")) for row in json_lines.rows(path)]
    asked = [row for row in companies.rows_of(own) if "question" in row]
    found = reading.reader(list(map(evaluation.ranked, asked)))
    assert found["n"] == 400
    assert found["hit1"] >= HIT1, found
    assert found["hit3"] >= HIT3, found
    assert found["auc"] >= AUC, found
