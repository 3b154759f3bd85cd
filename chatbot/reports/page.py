"""Figures of a period, added up for the dashboard and the CSV file."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import zip_longest
from typing import Any

from django.db.models import QuerySet
from django.db.models import Sum as SumOf

from chatbot.models import Figure
from chatbot.reports.measures import DEFINITIONS, percentile

# The counts that add up to each share's whole.
SHARES = {
    "alerts": ["conversations"],
    "handoffs": ["handled"],
    "autonomous": ["handled"],
    "durable": ["handled"],
    "helpful": ["helpful", "unhelpful"],
}
TIMES = {
    "first_response": "First response",
    "resolution": "Resolution",
    "first_sentence": "First sentence of the bot",
}


@dataclass
class Sum:
    count: int = 0
    total: float = 0.0
    buckets: list[int] = field(default_factory=list)

    def add(self, count: int, total: float) -> None:
        self.count += count
        self.total += total

    def spread(self, buckets: list[int]) -> None:
        pairs = zip_longest(self.buckets, buckets, fillvalue=0)
        self.buckets = [mine + more for mine, more in pairs]

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None


Sums = dict[str, Sum]


@dataclass(frozen=True)
class Period:
    first: date
    last: date

    @property
    def before(self) -> "Period":
        """Return the same number of days, just before."""
        length = self.last - self.first + timedelta(days=1)
        return Period(self.first - length, self.last - length)

    @property
    def days(self) -> list[date]:
        count = (self.last - self.first).days + 1
        return [self.first + timedelta(days=number) for number in range(count)]


@dataclass(frozen=True)
class Report:
    sums: Sums
    by_day: dict[date, Sums]
    # Only for the mood.
    by_topic: Sums

    def share(self, measure: str) -> float | None:
        return share(self.sums, measure)


def share(sums: Sums, measure: str) -> float | None:
    whole = sum(sums[name].count for name in SHARES[measure])
    return sums[measure].count / whole if whole else None


def figures(period: Period, inbox: int | None, agent: int | None) -> QuerySet[Figure]:
    rows = Figure.objects.filter(day__range=(period.first, period.last), agent=agent)
    return rows.filter(inbox=inbox) if inbox else rows


def report(rows: QuerySet[Figure]) -> Report:
    """Add figures up in the database, over all their inboxes."""
    by_day: dict[date, Sums] = defaultdict(lambda: defaultdict(Sum))
    for day, measure, count, total in added(rows.filter(topic=""), "day", "measure"):
        by_day[day][measure].add(count, total)
    by_topic: Sums = defaultdict(Sum)
    for topic, count, total in added(rows.exclude(topic=""), "topic"):
        by_topic[topic].add(count, total)
    sums = totals(rows)
    timed = rows.filter(measure__in=TIMES)
    for measure, buckets in timed.values_list("measure", "buckets"):
        sums[measure].spread(buckets)
    return Report(sums, by_day, by_topic)


def totals(rows: QuerySet[Figure]) -> Sums:
    sums: Sums = defaultdict(Sum)
    for measure, count, total in added(rows.filter(topic=""), "measure"):
        sums[measure].add(count, total)
    return sums


def added(rows: QuerySet[Figure], *by: str) -> Iterable[tuple[Any, ...]]:
    counted = rows.order_by().values(*by).annotate(n=SumOf("count"), of=SumOf("total"))
    return counted.values_list(*by, "n", "of")


# --- the dashboard


def tiles(now: Report, before: Sums, of_agent: bool) -> list[dict[str, str]]:
    """Return each tile's label, value, change against the previous period, and definition."""
    labels = LABELS_OF_AGENT if of_agent else LABELS
    return [
        {
            "label": label,
            "value": value(now, measure),
            "change": change(now, before, measure),
            "definition": DEFINITIONS[measure],
        }
        for measure, label in labels.items()
    ]


LABELS = {
    "conversations": "Conversations",
    "handled": "Handled by the bot",
    "autonomous": "Resolved autonomously",
    "durable": "Resolved durably",
    "handoffs": "Passed to a person",
    "alerts": "Alerts",
    "mood": "Mood",
    "csat": "Satisfaction",
    "helpful": "Helpful answers",
    "withheld": "Sentences withheld",
    "tokens": "Tokens",
    "joules": "Energy",
}
# The measures that count for a single agent; all others belong to the inbox.
LABELS_OF_AGENT = {
    "closed": "Conversations closed",
    "messages.agent": "Messages written",
    "csat": "Satisfaction",
}
VOLUME = {"conversations": "Conversations", "handoffs": "Passed to a person", "alerts": "Alerts"}
VOLUME_OF_AGENT = {"closed": "Conversations closed", "messages.agent": "Messages written"}


def value(of: Report, measure: str) -> str:
    number = of.sums[measure]
    if measure in SHARES:
        return percent(of.share(measure))
    if measure == "mood":
        return "–" if number.mean is None else f"{number.mean:+.2f}".replace("-", "−")
    if measure == "csat":
        return "–" if number.mean is None else f"{number.mean:.1f} of 5 ({number.count})"
    if measure == "joules":
        return energy(of)
    return f"{number.total:,.0f}"


def energy(of: Report) -> str:
    """Return the energy only if every request was measured."""
    if not of.sums["joules"].count or of.sums["unmeasured"].count:
        return "not measured"
    return f"{of.sums['joules'].total / 3600:,.1f} Wh"


def percent(part: float | None) -> str:
    return "–" if part is None else f"{part:.1%}"


def change(now: Report, before: Sums, measure: str) -> str:
    """Write a share's change in points, a mean's as a difference, and a sum's in per cent."""
    if measure in SHARES:
        points = difference(share(now.sums, measure), share(before, measure))
        text = "" if points is None else f"{100 * points:+.1f} points"
    elif measure in {"mood", "csat"}:
        by = difference(now.sums[measure].mean, before[measure].mean)
        text = "" if by is None else f"{by:+.2f}"
    else:
        current, earlier = now.sums[measure].total, before[measure].total
        text = f"{(current - earlier) / earlier:+.0%}" if earlier else ""
    return text and f"{text} against the previous period".replace("-", "−")


def difference(current: float | None, earlier: float | None) -> float | None:
    return None if current is None or earlier is None else current - earlier


def times(of: Report, of_agent: bool) -> list[dict[str, Any]]:
    rows = []
    for measure, label in TIMES.items():
        if of_agent and measure != "resolution":
            continue
        buckets = of.sums[measure].buckets
        percentiles = [percentile(buckets, share) for share in (0.5, 0.9, 0.95)]
        cells = ["–" if seconds is None else duration(seconds) for seconds in percentiles]
        rows.append({"label": label, "definition": DEFINITIONS[measure], "cells": cells})
    return rows


def duration(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def charts(of: Report, period: Period, of_agent: bool) -> dict[str, Any]:
    """Return daily series for the charts and their tables."""

    def counts(measure: str) -> list[float]:
        return [of.by_day[day][measure].count for day in period.days]

    mood = [of.by_day[day]["mood"].mean for day in period.days]
    return {
        "labels": [f"{day:%d %b}" for day in period.days],
        "volume": {
            label: counts(measure)
            for measure, label in (VOLUME_OF_AGENT if of_agent else VOLUME).items()
        },
        "mood": {"Mood": [None if mean is None else round(mean, 3) for mean in mood]},
        "topics": {
            name: round(scores.mean or 0.0, 3)
            for name, scores in sorted(of.by_topic.items(), key=lambda pair: -pair[1].count)[:8]
        },
    }


# --- the CSV file


def rows(of: Report, period: Period) -> list[list[Any]]:
    """Return a header, and a row with count and sum for each day and measure."""
    table: list[list[Any]] = [["day", "measure", "count", "total", "definition"]]
    for day in period.days:
        for measure, figure in sorted(of.by_day[day].items()):
            cells = [day.isoformat(), measure, figure.count, figure.total, DEFINITIONS[measure]]
            table.append(cells)
    return table


def safe(cell: Any) -> Any:
    """Quote texts that a spreadsheet would take for a formula."""
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{cell}"
    return cell
