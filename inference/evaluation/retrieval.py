"""Were the right records found? Pure functions over rankings of record ids."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

CUTS = (1, 5, 10)
# Of the share of questions that are answered, for the abstention table.
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class Ranking:
    """What one query found, best first. No relevant record: nothing should have been found."""

    kind: str
    relevant: frozenset[str]
    found: Sequence[str]
    # Of the best result; 0 without any.
    score: float = 0.0


def table(rankings: Iterable[Ranking]) -> list[dict[str, Any]]:
    """One row per kind, in order of appearance, and one for all that have an answer."""
    answerable = [one for one in rankings if one.relevant]
    kinds = dict.fromkeys(one.kind for one in answerable)
    groups = [(kind, [one for one in answerable if one.kind == kind]) for kind in kinds]
    return [figures(kind, group) for kind, group in [*groups, ("all", answerable)]]


def figures(kind: str, rankings: Sequence[Ranking]) -> dict[str, Any]:
    return {
        "kind": kind,
        "queries": len(rankings),
        **{f"recall@{cut}": mean([recall(one, cut) for one in rankings]) for cut in CUTS},
        "mrr": mean([reciprocal_rank(one) for one in rankings]),
    }


def recall(ranking: Ranking, cut: int) -> float:
    """Of the relevant records, as many as `cut` results can hold, the share that was found."""
    found = len(ranking.relevant.intersection(ranking.found[:cut]))
    return found / min(len(ranking.relevant), cut)


def reciprocal_rank(ranking: Ranking) -> float:
    ranks = [place for place, one in enumerate(ranking.found, 1) if one in ranking.relevant]
    return 1 / ranks[0] if ranks else 0.0


def abstention(rankings: Iterable[Ranking]) -> list[dict[str, float]]:
    """Answer only above a score: how often is the best result then right (precision), and how
    many of the queries with an answer still get theirs (recall)? One row per share answered."""
    ordered = sorted(rankings, key=lambda one: -one.score)
    answerable = sum(bool(one.relevant) for one in ordered)
    rows = []
    for share in SHARES if answerable < len(ordered) else ():
        kept = ordered[: max(1, round(share * len(ordered)))]
        right = sum(recall(one, 1) for one in kept if one.relevant)
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
