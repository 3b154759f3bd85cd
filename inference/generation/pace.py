"""Derives deadlines from how fast an engine has recently been.

With a fixed deadline a busy machine answers nobody: each answer is abandoned shortly before it
comes, and the work is lost. So deadlines follow the engine's recent pace. An abandoned request
counts as well, if the engine still answers: it took at least that long.
"""

from collections import deque
from dataclasses import dataclass, field

# The slowest of so many recent requests counts: a slow answer is remembered, but not forever.
REMEMBERED = 8
# Factor on the recent pace: the next prompt may be in no cache, the machine even busier.
SLACK = 3.0
# Factors on a configured deadline: before any request has been seen, and at most, since an engine
# that hangs must not hold customers forever.
UNSEEN, MOST = 3.0, 10.0
# The least share of a prompt that counts as read: a token or two say little about many.
LEAST_FRESH = 0.1


@dataclass(frozen=True)
class Deadlines:
    """Seconds that an engine always has; a slow one gets more, by its pace.

    `total` runs from the request to the last token.
    """

    connect: float = 2
    first_token: float = 20
    next_token: float = 10
    total: float = 60


def recent() -> deque[float]:
    return deque(maxlen=REMEMBERED)


@dataclass
class Pace:
    """The pace of one engine.

    `load`: the characters of the prompt, times the requests that share the engine.
    """

    # Seconds until the first token per unit of load, and between two tokens.
    reading: deque[float] = field(default_factory=recent)
    gaps: deque[float] = field(default_factory=recent)

    def read(self, seconds: float, load: int, fresh: float = 1.0) -> None:
        """fresh: the share of the prompt that was in no cache. Without it, prompts from the cache
        would make the engine look so fast that nothing would wait for it when it must read one."""
        self.reading.append(seconds / max(1.0, load * max(LEAST_FRESH, fresh)))

    def wrote(self, longest_gap: float) -> None:
        self.gaps.append(longest_gap)

    def allowed(self, least: Deadlines, load: int, tokens: int) -> Deadlines:
        """Return the deadlines of a request of this load that may write so many tokens."""
        first = within(least.first_token, self.reading, load)
        gap = within(least.next_token, self.gaps, 1)
        total = max(self.reading, default=0.0) * load + max(self.gaps, default=0.0) * tokens
        total = min(MOST * least.total, max(least.total, first + gap, SLACK * total))
        return Deadlines(least.connect, first, gap, total)


def within(least: float, seen: deque[float], times: int) -> float:
    expected = SLACK * max(seen) * times if seen else UNSEEN * least
    return min(MOST * least, max(least, expected))
