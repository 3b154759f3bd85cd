"""How often somebody may do something: token buckets in this process."""

import time
from collections import OrderedDict

# Buckets kept; the one unused for longest goes, and by then it is full again anyway.
REMEMBERED = 50_000


class TokenBucket:
    """`per_minute` in the long run, and that many at once."""

    def __init__(self, per_minute: float) -> None:
        self.rate = per_minute / 60
        self.capacity = per_minute
        self.level = per_minute
        self.filled = time.monotonic()

    def take(self) -> float | None:
        """None when allowed, else the seconds until the next one is."""
        now = time.monotonic()
        self.level = min(self.capacity, self.level + (now - self.filled) * self.rate)
        self.filled = now
        if self.level < 1:
            return round((1 - self.level) / self.rate, 1)
        self.level -= 1
        return None


_buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()


def take(what: str, who: str, per_minute: float) -> float | None:
    bucket = _buckets.pop((what, who), None) or TokenBucket(per_minute)
    _buckets[what, who] = bucket
    if len(_buckets) > REMEMBERED:
        _buckets.popitem(last=False)
    return bucket.take()


def reset() -> None:
    _buckets.clear()
