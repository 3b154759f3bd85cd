"""Counts what a site's parts use: CPU by the scheduler's accounts, SQL statements, Redis
commands."""

import os
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg
import redis

from tests.live.conftest import await_that
from tests.load.faults import Parts, family, listening

TICKS = os.sysconf("SC_CLK_TCK")
# Without PostgreSQL's own look-ups when it checks foreign keys.
COUNTED = "SELECT query, calls FROM pg_stat_statements WHERE query NOT LIKE '%FROM ONLY%'"
WEB, STUB, POSTGRESQL, REDIS, WORKER = "web process", "model stub", "PostgreSQL", "Redis", "worker"
Counts = Counter[str]


def seconds(process: int) -> float:
    """Return the user and system CPU of a process with all its threads, and of its ended children.

    PostgreSQL's connections are children of one process.
    """
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, after_name[11:15])) / TICKS


def of_family(process: int) -> float:
    total = 0.0
    for member in family(process):
        with suppress(FileNotFoundError):  # it ended, and its parent has its time
            total += seconds(member)
    return total


@dataclass
class Machine:
    """Seconds of all cores together: in all, busy, and spent on this program and the processes that
    it started."""

    had: float
    busy: float
    ours: float

    @classmethod
    def now(cls) -> Self:
        line = Path("/proc/stat").read_text().split("\n", 1)[0]
        all_ = [int(word) / TICKS for word in line.split()[1:9]]
        return cls(sum(all_), sum(all_) - all_[3] - all_[4], of_family(os.getpid()))

    def others(self) -> float:
        """Return the share of the machine that other programs took since then."""
        now = self.now()
        others = (now.busy - self.busy) - (now.ours - self.ours)
        return max(0.0, others / (now.had - self.had))


@dataclass
class Used:
    """The use since the start, or between two readings."""

    cpu: dict[str, float]
    statements: Counts
    commands: Counts

    @classmethod
    def of(cls, parts: Parts) -> Self:
        cpu = {
            WEB: sum(map(of_family, parts.web())),
            STUB: sum(map(of_family, parts.model())),
            POSTGRESQL: of_family(parts.postgresql()[0]),
            REDIS: of_family(parts.redis()[0]),
            WORKER: sum(map(of_family, parts.worker()[:1])),
        }
        return cls(cpu, statements(parts), commands(parts))

    def since(self, before: Self) -> Self:
        return self.less(before, 1.0)

    def less(self, other: Self, times: float) -> Self:
        """Subtract another reading this many times; nothing becomes negative."""
        return type(self)(
            {name: max(0.0, used - times * other.cpu[name]) for name, used in self.cpu.items()},
            without(self.statements, other.statements, times),
            without(self.commands, other.commands, times),
        )


def without(counts: Counts, other: Counts, times: float) -> Counts:
    return Counter({name: max(0, round(n - times * other[name])) for name, n in counts.items()})


def count_statements(parts: Parts) -> None:
    """Let PostgreSQL count statements. It loads the extension only at its start, so it is ended,
    and services.py starts it again."""
    with psycopg.connect(parts.database, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        connection.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
    before = parts.postgresql()
    os.kill(before[0], signal.SIGINT)
    await_that(lambda: parts.postgresql() != before and listening(port_of(parts.database)))


def port_of(database: str) -> int:
    return int(database.rpartition(":")[2].partition("/")[0])


def statements(parts: Parts) -> Counts:
    counted = Counter[str]()
    with psycopg.connect(parts.database) as connection:
        for query, calls in connection.execute(COUNTED):
            counted[query] += calls
    return counted


def commands(parts: Parts) -> Counts:
    with redis.Redis.from_url(parts.redis_url) as client:
        known = client.info("commandstats")
    return Counter({name.removeprefix("cmdstat_"): one["calls"] for name, one in known.items()})
