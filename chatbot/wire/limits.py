"""How often somebody may do something, and how many sockets they may hold.

Token buckets are shared by all processes in Redis, where there is one; in this process otherwise,
and while Redis is away. Sockets are counted by each process for itself.
"""

import logging
import time
from collections import Counter, OrderedDict
from functools import cache

import redis
from django.conf import settings

logger = logging.getLogger("attune.limits")
# Buckets kept; the one unused for longest goes.
REMEMBERED = 50_000
# Seconds.
MINUTE = 60.0
PATIENCE, REST = 0.5, 5.0
_away_until = 0.0

# In one step, or two processes would both take the last token. Returns "" or seconds to wait.
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
    """So many in so many seconds in the long run, and that many at once."""

    def __init__(self, most: float, seconds: float = MINUTE) -> None:
        self.rate = most / seconds
        self.capacity = most
        self.level = most
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


def take(what: str, who: str, most: float, seconds: float = MINUTE) -> float | None:
    """None when allowed, else the seconds until the next one is. May wait for Redis: not for the
    event loop."""
    global _away_until
    if settings.REDIS_URL and time.monotonic() >= _away_until:
        try:
            wait = _script()(keys=[f"attune:limit:{what}:{who}"], args=[most, seconds])
            return round(float(wait), 1) if wait else None
        except redis.RedisError as error:
            _away_until = time.monotonic() + REST
            logger.warning("limits are counted by each process: %s", error)
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
    """Whether it may be opened; then `let_socket_go` follows."""
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
