"""Counts what came of a test run."""

from collections import Counter
from collections.abc import Iterable

from chatbot.models import TestResult, TestRun
from chatbot.teaching.judging import JUDGED, OUTCOMES, RIGHT, same


def figures(run: TestRun) -> dict[str, object]:
    """Count the outcomes of each side, and the answers that the drafts change."""
    rows = [row for row in run.results.all() if row.live]
    sides = {"live": [row.live for row in rows]}
    if run.drafts:
        sides["draft"] = [row.draft for row in rows]
    counts = {name: Counter(one["outcome"] for one in answers) for name, answers in sides.items()}
    found: dict[str, object] = {
        name: {outcome: count[outcome] for outcome in OUTCOMES} for name, count in counts.items()
    }
    changed = sum(not same(row.live, row.draft) for row in rows) if run.drafts else 0
    return found | {"changed": changed}


def worse(run: TestRun) -> list[TestResult]:
    """Return the questions that are answered right live, and not with the drafts."""
    rows = run.results.filter(live__outcome=RIGHT).exclude(draft={})
    return [row for row in rows if row.draft["outcome"] != RIGHT]


def share(outcomes: Iterable[str]) -> float | None:
    """Return the share of right answers among the judged ones; None without any."""
    judged = [one for one in outcomes if one in JUDGED]
    return judged.count(RIGHT) / len(judged) if judged else None
