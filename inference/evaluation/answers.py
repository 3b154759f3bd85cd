"""Judges answers: pure functions of what the pipeline answered and what was expected."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

REFUSE = "refuse"
# The outcomes of a question. Wrong: the answer that was shown is not the expected one.
OUTCOMES = ("right", "refused", "handed off", "wrong", "forbidden")


@dataclass(frozen=True)
class Judged:
    id: str
    kind: str
    right: bool
    # Strings that were shown although they must never be.
    forbidden: tuple[str, ...]
    # answered, refused, handoff or chat
    state: str
    # Number of the model's sentences that were not shown.
    withheld: int
    first_sentence: float | None
    total: float | None
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def outcome(self) -> str:
        """One of OUTCOMES."""
        if self.right:
            return "right"
        if self.forbidden:
            return "forbidden"
        return {"refused": "refused", "handoff": "handed off"}.get(self.state, "wrong")


def judge(question: dict[str, Any], answer: dict[str, Any]) -> Judged:
    """Compare an answer, as `ask --json` prints it, with what the question expects."""
    text = plain(answer["answer"])
    forbidden = tuple(s for s in question.get("forbid", []) if plain(s) in text)
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
    """Check the answer. expect: a state, or groups of alternatives, one of each in the answer.

    A refusal answers nothing, even if the line that it names as the closest has the words.
    """
    if expect == REFUSE:
        return state in {"refused", "handoff"}
    if isinstance(expect, str):
        return state == expect
    if state == "refused":
        return False
    return all(any(holds(text, option) for option in group) for group in expect)


def holds(text: str, option: str) -> bool:
    """Tell whether the text contains the option; a number must stand alone: "4" is not in "14"."""
    option = plain(option)
    at = text.find(option)
    while at >= 0:
        around = text[at - 1 : at] + text[at + len(option) : at + len(option) + 1]
        if not option[0].isdigit() or not any(character.isdigit() for character in around):
            return True
        at = text.find(option, at + 1)
    return False


def plain(text: str) -> str:
    return text.casefold().replace("’", "'")


def table(judged: Iterable[Judged]) -> list[dict[str, Any]]:
    """Return one row per kind, in order of appearance, and one for all."""
    groups: dict[str, list[Judged]] = {}
    for answer in judged:
        groups.setdefault(answer.kind, []).append(answer)
    everything = [answer for group in groups.values() for answer in group]
    return [summary(kind, group) for kind, group in [*groups.items(), ("all", everything)]]


def summary(kind: str, answers: Sequence[Judged]) -> dict[str, Any]:
    first = [answer.first_sentence for answer in answers if answer.first_sentence is not None]
    total = [answer.total for answer in answers if answer.total is not None]
    return {
        "kind": kind,
        "questions": len(answers),
        **{name: sum(answer.outcome == name for answer in answers) for name in OUTCOMES},
        "withheld": sum(answer.withheld for answer in answers),
        "prompt_tokens": sum(answer.prompt_tokens for answer in answers),
        "completion_tokens": sum(answer.completion_tokens for answer in answers),
        "first_sentence": spread(first),
        "total": spread(total),
    }


def spread(seconds: Sequence[float]) -> dict[str, float] | None:
    """Return median and 95th percentile."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {"median": round(statistics.median(ordered), 3), "p95": round(p95, 3)}
