"""Measures of retrieval: pure functions of rankings of record ids."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

CUTS = (1, 5, 10)
# Shares of answered queries, for the abstention table.
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class Ranking:
    """The result of one query, best first. Without a relevant record nothing should be found."""

    kind: str
    relevant: frozenset[str]
    found: Sequence[str]
    # Score of the best result; 0 without one.
    score: float = 0.0


def table(rankings: Iterable[Ranking]) -> list[dict[str, Any]]:
    """Return one row per kind, in order of appearance, and one for all that have an answer."""
    answerable = [ranking for ranking in rankings if ranking.relevant]
    kinds = dict.fromkeys(ranking.kind for ranking in answerable)
    groups = [(kind, [ranking for ranking in answerable if ranking.kind == kind]) for kind in kinds]
    return [figures(kind, group) for kind, group in [*groups, ("all", answerable)]]


def figures(kind: str, rankings: Sequence[Ranking]) -> dict[str, Any]:
    return {
        "kind": kind,
        "queries": len(rankings),
        **{f"recall@{cut}": mean([recall(ranking, cut) for ranking in rankings]) for cut in CUTS},
        "mrr": mean([reciprocal_rank(ranking) for ranking in rankings]),
    }


def recall(ranking: Ranking, cut: int) -> float:
    """Return the share of relevant records in the first `cut` results, 1 if these hold no more."""
    hits = len(ranking.relevant.intersection(ranking.found[:cut]))
    return hits / min(len(ranking.relevant), cut)


def reciprocal_rank(ranking: Ranking) -> float:
    ranks = [rank for rank, id in enumerate(ranking.found, 1) if id in ranking.relevant]
    return 1 / ranks[0] if ranks else 0.0


def abstention(rankings: Iterable[Ranking]) -> list[dict[str, float]]:
    """Measure answering only above a score; one row per share of queries answered.

    Precision: how often the best result is then right. Recall: how many of the queries that have an
    answer still get it.
    """
    ordered = sorted(rankings, key=lambda ranking: -ranking.score)
    answerable = sum(bool(ranking.relevant) for ranking in ordered)
    rows = []
    for share in SHARES if answerable < len(ordered) else ():
        kept = ordered[: max(1, round(share * len(ordered)))]
        right = sum(recall(ranking, 1) for ranking in kept if ranking.relevant)
        rows.append(
            {
                "answered": share,
                "floor": round(kept[-1].score, 3),
                "precision": right / len(kept),
                "recall": right / max(answerable, 1),
            }
        )
    return rows


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
