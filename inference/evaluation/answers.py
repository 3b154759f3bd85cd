"""Is an answer right? Pure functions over what a pipeline said and what was expected."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

REFUSE, HANDOFF, CHAT = "refuse", "handoff", "chat"
# What became of a question. Wrong: something was shown that is not what was expected.
OUTCOMES = ("right", "refused", "handed off", "wrong", "forbidden")


@dataclass(frozen=True)
class Judged:
    id: str
    kind: str
    right: bool
    # Strings that must never have been shown, and were.
    forbidden: tuple[str, ...]
    # answered, refused, handoff or chat
    state: str
    # Sentences of the model that no customer saw.
    withheld: int
    first_sentence: float | None
    total: float | None
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def outcome(self) -> str:
        """One of five, each question in one of them."""
        if self.right:
            return "right"
        if self.forbidden:
            return "forbidden"
        return {"refused": "refused", "handoff": "handed off"}.get(self.state, "wrong")


def judge(question: dict[str, Any], answer: dict[str, Any]) -> Judged:
    """answer: as `ask --json` prints it."""
    text = answer["answer"].casefold()
    forbidden = tuple(s for s in question.get("forbid", []) if s.casefold() in text)
    return Judged(
        id=question["id"],
        kind=question["kind"],
        right=not forbidden and as_expected(question["expect"], answer["state"], text),
        forbidden=forbidden,
        state=answer["state"],
        withheld=len(answer["withheld"]),
        first_sentence=answer["timings"].get("first_sentence"),
        total=answer["timings"].get("total"),
        **answer["usage"],
    )


def as_expected(expect: Any, state: str, text: str) -> bool:
    """expect: a state in one word, or groups of alternatives, one of each of which must stand."""
    if expect == REFUSE:
        return state in {"refused", "handoff"}
    if isinstance(expect, str):
        return state == expect
    return all(any(holds(text, option) for option in group) for group in expect)


def holds(text: str, option: str) -> bool:
    """A short number must stand alone: "4" is not in "14"."""
    option = option.casefold()
    at = text.find(option)
    while at >= 0:
        around = text[at - 1 : at] + text[at + len(option) : at + len(option) + 1]
        if not option[0].isdigit() or not any(character.isdigit() for character in around):
            return True
        at = text.find(option, at + 1)
    return False


def table(judged: Iterable[Judged]) -> list[dict[str, Any]]:
    """One row per kind, in order of appearance, and one for all."""
    rows: dict[str, list[Judged]] = {}
    for one in judged:
        rows.setdefault(one.kind, []).append(one)
    total = [one for row in rows.values() for one in row]
    return [summary(kind, row) for kind, row in [*rows.items(), ("all", total)]]


def summary(kind: str, row: Sequence[Judged]) -> dict[str, Any]:
    first = [one.first_sentence for one in row if one.first_sentence is not None]
    total = [one.total for one in row if one.total is not None]
    return {
        "kind": kind,
        "questions": len(row),
        **{name: sum(one.outcome == name for one in row) for name in OUTCOMES},
        "withheld": sum(one.withheld for one in row),
        "prompt_tokens": sum(one.prompt_tokens for one in row),
        "completion_tokens": sum(one.completion_tokens for one in row),
        "first_sentence": spread(first),
        "total": spread(total),
    }


def spread(seconds: Sequence[float]) -> dict[str, float] | None:
    """Median and 95th percentile."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {"median": round(statistics.median(ordered), 3), "p95": round(p95, 3)}
