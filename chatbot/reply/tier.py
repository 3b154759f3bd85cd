"""Scores how difficult a turn is, and chooses the tier of the language model that answers it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from chatbot.reply.found import Found
from chatbot.reply.turn import Turn
from inference.generation.tier import Tier

# The probability at which a line leaves no doubt, and the number of words of a long question.
CERTAIN, LONG = 1.0, 40
MANY_RECORDS = 3
# The probability from which a record counts among those that may answer.
SOME = 0.3
REASONS = {
    "doubt": "no line is sure to answer",
    "records": "several records may answer",
    "length": "the question is long",
    "reference": "it refers to what was said before",
    "mood": "the customer is unhappy",
}


@dataclass(frozen=True)
class Policy:
    """weights: the share of each score in the difficulty, from 0 to 1; they add up to 1.

    thresholds: the lowest difficulty that each tier answers; a tier that is missing here uses its
    own. escalates: a larger tier tries once if the whole answer of a smaller one is withheld.
    """

    weights: dict[str, float] = field(
        default_factory=lambda: {
            "doubt": 0.4,
            "records": 0.2,
            "length": 0.15,
            "reference": 0.1,
            "mood": 0.15,
        }
    )
    thresholds: dict[str, float] = field(default_factory=dict)
    escalates: bool = True

    @classmethod
    def read(cls, path: Path) -> "Policy":
        """Read a policy from JSON. Raises ValueError, which says what to change."""
        try:
            policy = cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            example = json.dumps(asdict(cls(thresholds={"small": 0, "large": 0.5})))
            raise ValueError(f"{path} is not a policy ({error}). Example: {example}") from error
        if unknown := set(policy.weights) - set(REASONS):
            raise ValueError(
                f"{path} has unknown weights: {', '.join(unknown)}. Use {', '.join(REASONS)}."
            )
        return policy


@dataclass(frozen=True)
class Choice:
    """The tier that answers, the one to fall back on, and why."""

    tiers: Sequence[Tier]
    difficulty: float
    scores: dict[str, float]
    thresholds: dict[str, float]
    reason: str

    def trace(self) -> dict[str, Any]:
        return {
            "difficulty": self.difficulty,
            "scores": self.scores,
            "thresholds": self.thresholds,
            "reason": self.reason,
        }


def choose(tiers: Sequence[Tier], turn: Turn, found: Found, policy: Policy) -> Choice:
    scores = scored(turn, found)
    parts = {name: policy.weights.get(name, 0.0) * score for name, score in scores.items()}
    difficulty = round(sum(parts.values()), 3)
    thresholds = {
        tier.name: policy.thresholds.get(tier.name, tier.from_difficulty) for tier in tiers
    }
    rising = sorted(tiers, key=lambda tier: thresholds[tier.name])
    able = [tier for tier in rising if thresholds[tier.name] <= difficulty] or rising[:1]
    larger = rising[len(able) :]
    # If no tier is larger, the next smaller one: better than no answer.
    fallback = larger[:1] or able[-2:-1]
    reason = reason_for(able[-1].name, difficulty, parts, alone=len(tiers) == 1)
    return Choice([able[-1], *fallback], difficulty, scores, thresholds, reason)


def scored(turn: Turn, found: Found) -> dict[str, float]:
    """Score the turn from 0, easy, to 1, hard, in each respect."""
    records = len({line.hit.record for line in found.lines if line.answers >= SOME})
    return {
        "doubt": share(CERTAIN - found.certainty, CERTAIN),
        "records": share(records - 1, MANY_RECORDS - 1),
        "length": share(len(turn.text.split()), LONG),
        "reference": float(found.refers),
        "mood": share(-turn.mood, 1.0),
    }


def share(value: float, most: float) -> float:
    return round(min(1.0, max(0.0, value / most)), 3)


def reason_for(tier: str, difficulty: float, parts: dict[str, float], alone: bool) -> str:
    if alone:
        return f"The only tier: {tier}."
    why = sorted((part, name) for name, part in parts.items() if part >= 0.05)[::-1]
    because = " and ".join(REASONS[name] for _, name in why[:2]) or "nothing makes it hard"
    return f"Difficulty {difficulty:.2f} because {because}: {tier}."
