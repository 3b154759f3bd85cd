"""How fast an engine has been seen to work, and how long it may therefore take.

A fixed deadline turns a busy machine into one that answers nobody: each answer is given up shortly
before it comes, and the work is lost. So deadlines follow what the engine did lately. A request
that was given up counts as well, where the engine still answers: it took at least as long.
"""

from collections import deque
from dataclasses import dataclass, field

# Of the slowest among the last so many: one slow answer is remembered, and not for ever.
REMEMBERED = 8
# Times of what was seen: the next prompt may be in another cache, the machine busier still.
SLACK = 3.0
# Times of a configured deadline, before anything has been seen, and at most: an engine that hangs
# must not hold its customers for ever.
UNSEEN, MOST = 3.0, 10.0


@dataclass(frozen=True)
class Deadlines:
    """Seconds that an engine always has; a slow one is given more, by its pace. `total` runs from
    the request to the last token."""

    connect: float = 2
    first_token: float = 20
    next_token: float = 10
    total: float = 60


def remembered() -> deque[float]:
    return deque(maxlen=REMEMBERED)


@dataclass
class Pace:
    """Of one engine. `load`: characters of the prompt, times the requests that share the engine."""

    # Seconds until the first token for each unit of load, and between two tokens.
    reading: deque[float] = field(default_factory=remembered)
    gaps: deque[float] = field(default_factory=remembered)

    def read(self, seconds: float, load: int) -> None:
        self.reading.append(seconds / max(1, load))

    def wrote(self, longest_gap: float) -> None:
        self.gaps.append(longest_gap)

    def allowed(self, least: Deadlines, load: int, tokens: int) -> Deadlines:
        """For a request of this load that may write so many tokens."""
        first = within(least.first_token, self.reading, load)
        gap = within(least.next_token, self.gaps, 1)
        total = max(self.reading, default=0.0) * load + max(self.gaps, default=0.0) * tokens
        total = min(MOST * least.total, max(least.total, first + gap, SLACK * total))
        return Deadlines(least.connect, first, gap, total)


def within(least: float, seen: deque[float], times: int) -> float:
    expected = SLACK * max(seen) * times if seen else UNSEEN * least
    return min(MOST * least, max(least, expected))
