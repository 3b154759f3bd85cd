"""Health of a connection, from its newest events alone, so millions do not slow a page down."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.models import Attempt, Endpoint, InboundEvent, Source

# Events that are looked at.
NEWEST = 200
SHARE = 0.95
BAD = {InboundEvent.State.FAILED, InboundEvent.State.REFUSED}


@dataclass(frozen=True)
class Health:
    """Counts of attempts or events; `last` is the newest that succeeded."""

    count: int = 0
    well: int = 0
    last: datetime | None = None
    # Seconds within which 95 % of the attempts were answered.
    p95: float | None = None

    @property
    def share(self) -> str:
        return f"{self.well / self.count:.1%} of {self.count}" if self.count else ""


def of_endpoint(endpoint: Endpoint) -> Health:
    tried = endpoint.deliveries.filter(tries__gt=0).order_by("-id")
    # A list, not a subquery, for which the planner would scan all attempts.
    newest = list(tried.values_list("id", flat=True)[:NEWEST])
    rows = list(Attempt.objects.filter(delivery__in=newest).values_list("at", "status", "seconds"))
    well = [at for at, status, _ in rows if status and 200 <= status < 300]
    return Health(len(rows), len(well), max(well, default=None), p95([row[2] for row in rows]))


def p95(seconds: list[float]) -> float | None:
    return sorted(seconds)[int(SHARE * (len(seconds) - 1))] if seconds else None


def of_source(source: Source) -> Health:
    newest: Any = source.events.order_by("-id").values_list("received_at", "state")[:NEWEST]
    rows = list(newest)
    well = [at for at, state in rows if state not in BAD]
    return Health(len(rows), len(well), max(well, default=None))
