"""Figures of rankings, each worked out by hand."""

import pytest

from inference.evaluation.retrieval import Ranking, abstention, table


def ranking(relevant: str, found: str, score: float = 1.0) -> Ranking:
    return Ranking("order", frozenset(relevant), list(found), score)


def test_recall_counts_what_the_cut_can_hold() -> None:
    (row, every) = table([ranking("ab", "axb"), ranking("c", "xyzuvc")])
    assert row["recall@1"] == 0.5
    assert row["recall@5"] == 0.5
    assert row["recall@10"] == 1.0
    assert row["mrr"] == pytest.approx((1 + 1 / 6) / 2)
    assert every == row | {"kind": "all"}


def test_a_query_without_an_answer_counts_for_abstention_only() -> None:
    rankings = [ranking("a", "a", 0.9), ranking("b", "b", 0.8), ranking("", "c", 0.3)]
    assert table(rankings)[-1]["queries"] == 2
    rows = {row["answered"]: row for row in abstention(rankings)}
    assert rows[0.7]["precision"] == 1.0
    assert rows[0.7]["recall"] == 1.0
    assert rows[1.0]["precision"] == pytest.approx(2 / 3)


def test_where_every_query_has_an_answer_there_is_nothing_to_abstain_from() -> None:
    assert abstention([ranking("a", "a")]) == []
