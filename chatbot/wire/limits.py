"""Rate limits, and limits on the number of open sockets.

All processes share their token buckets in Redis. Without Redis, or while it is away, each process
has its own. Each process counts its own sockets.
"""

import logging
import time
from collections import Counter, OrderedDict
from functools import cache

import redis
from django.conf import settings

logger = logging.getLogger("attune.limits")
# Buckets kept in a process; the one unused for longest is dropped first.
REMEMBERED = 50_000
# Seconds.
MINUTE = 60.0
PATIENCE, REST = 0.5, 5.0
_away_until = 0.0

# One script, since two processes could otherwise both take the last token. Returns "" or the
# seconds to wait.
TAKE = """
local capacity, seconds = tonumber(ARGV[1]), tonumber(ARGV[2])
local rate = capacity / seconds
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local kept = redis.call('HMGET', KEYS[1], 'level', 'filled')
local level = tonumber(kept[1]) or capacity
level = math.min(capacity, level + (now - (tonumber(kept[2]) or now)) * rate)
local wait = ''
if level < 1 then wait = tostring((1 - level) / rate) else level = level - 1 end
redis.call('HSET', KEYS[1], 'level', tostring(level), 'filled', tostring(now))
redis.call('EXPIRE', KEYS[1], 2 * seconds)
return wait
"""


class TokenBucket:
    """Allows `most` actions in `seconds` in the long run, and as many at once."""

    def __init__(self, most: float, seconds: float = MINUTE) -> None:
        self.rate = most / seconds
        self.capacity = most
        self.level = most
        self.filled = time.monotonic()

    def take(self) -> float | None:
        """Take a token. Returns None, or the seconds to wait if there is none."""
        now = time.monotonic()
        self.level = min(self.capacity, self.level + (now - self.filled) * self.rate)
        self.filled = now
        if self.level < 1:
            return round((1 - self.level) / self.rate, 1)
        self.level -= 1
        return None


_buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()


def take(what: str, who: str, most: float, seconds: float = MINUTE) -> float | None:
    """Take a token. Returns None, or the seconds to wait if there is none.

    It may wait for Redis, so it must not run on the event loop.
    """
    global _away_until
    if settings.REDIS_URL and time.monotonic() >= _away_until:
        try:
            wait = _script()(keys=[f"attune:limit:{what}:{who}"], args=[most, seconds])
            return round(float(wait), 1) if wait else None
        except redis.RedisError as error:
            _away_until = time.monotonic() + REST
            logger.warning("Redis is away, each process counts its own limits: %s", error)
    return _here(what, who, most, seconds)


def _here(what: str, who: str, most: float, seconds: float) -> float | None:
    bucket = _buckets.pop((what, who), None) or TokenBucket(most, seconds)
    _buckets[what, who] = bucket
    if len(_buckets) > REMEMBERED:
        _buckets.popitem(last=False)
    return bucket.take()


@cache
def _script() -> redis.commands.core.Script:
    client = redis.Redis.from_url(
        f"{settings.REDIS_URL}/2", socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
    )
    return client.register_script(TAKE)


_sockets: Counter[tuple[str, str]] = Counter()


def hold_socket(what: str, who: str, most: int) -> bool:
    """Count a new socket and return True, unless there are too many. `let_socket_go` undoes it."""
    if _sockets[what, who] >= most:
        return False
    _sockets[what, who] += 1
    return True


def let_socket_go(what: str, who: str) -> None:
    _sockets[what, who] -= 1
    if not _sockets[what, who]:
        del _sockets[what, who]


def reset() -> None:
    _buckets.clear()
    _sockets.clear()
