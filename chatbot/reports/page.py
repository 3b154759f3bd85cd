"""Figures of a period, added up: what the dashboard shows and the CSV file holds."""

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

# Shares: of which counts together.
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
        self.buckets = [one + other for one, other in pairs]

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
        """As many days, just before."""
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
    # Of the mood only.
    by_topic: Sums

    def share(self, measure: str) -> float | None:
        return share(self.sums, measure)


def share(sums: Sums, measure: str) -> float | None:
    of = sum(sums[name].count for name in SHARES[measure])
    return sums[measure].count / of if of else None


def figures(period: Period, inbox: int | None, agent: int | None) -> QuerySet[Figure]:
    found = Figure.objects.filter(day__range=(period.first, period.last), agent=agent)
    return found.filter(inbox=inbox) if inbox else found


def report(found: QuerySet[Figure]) -> Report:
    """Of all inboxes together: the database adds them up."""
    by_day: dict[date, Sums] = defaultdict(lambda: defaultdict(Sum))
    for day, measure, count, total in added(found.filter(topic=""), "day", "measure"):
        by_day[day][measure].add(count, total)
    by_topic: Sums = defaultdict(Sum)
    for topic, count, total in added(found.exclude(topic=""), "topic"):
        by_topic[topic].add(count, total)
    sums = totals(found)
    timed = found.filter(measure__in=TIMES)
    for measure, buckets in timed.values_list("measure", "buckets"):
        sums[measure].spread(buckets)
    return Report(sums, by_day, by_topic)


def totals(found: QuerySet[Figure]) -> Sums:
    sums: Sums = defaultdict(Sum)
    for measure, count, total in added(found.filter(topic=""), "measure"):
        sums[measure].add(count, total)
    return sums


def added(found: QuerySet[Figure], *by: str) -> Iterable[tuple[Any, ...]]:
    counted = found.order_by().values(*by).annotate(n=SumOf("count"), of=SumOf("total"))
    return counted.values_list(*by, "n", "of")


# --- in words


def tiles(now: Report, before: Sums, of_agent: bool) -> list[dict[str, str]]:
    """Label, value, change against the period before, and definition."""
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
# What one person has done; all else belongs to the inbox.
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
    """Never a sum that leaves requests out."""
    if not of.sums["joules"].count or of.sums["unmeasured"].count:
        return "not measured"
    return f"{of.sums['joules'].total / 3600:,.1f} Wh"


def percent(part: float | None) -> str:
    return "–" if part is None else f"{part:.1%}"


def change(now: Report, before: Sums, measure: str) -> str:
    """Of a share in points, of a mean by how much, of a sum in per cent."""
    if measure in SHARES:
        points = difference(share(now.sums, measure), share(before, measure))
        text = "" if points is None else f"{100 * points:+.1f} points"
    elif measure in {"mood", "csat"}:
        by = difference(now.sums[measure].mean, before[measure].mean)
        text = "" if by is None else f"{by:+.2f}"
    else:
        one, other = now.sums[measure].total, before[measure].total
        text = f"{(one - other) / other:+.0%}" if other else ""
    return text and f"{text} against the time before".replace("-", "−")


def difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def times(of: Report, of_agent: bool) -> list[dict[str, Any]]:
    rows = []
    for measure, label in TIMES.items():
        if of_agent and measure != "resolution":
            continue
        shares = [percentile(of.sums[measure].buckets, share) for share in (0.5, 0.9, 0.95)]
        cells = ["–" if one is None else duration(one) for one in shares]
        rows.append({"label": label, "definition": DEFINITIONS[measure], "cells": cells})
    return rows


def duration(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def charts(of: Report, period: Period, of_agent: bool) -> dict[str, Any]:
    """Series by day, for the charts and the table under each."""

    def counts(measure: str) -> list[float]:
        return [of.by_day[day][measure].count for day in period.days]

    mood = [of.by_day[day]["mood"].mean for day in period.days]
    return {
        "labels": [f"{day:%d %b}" for day in period.days],
        "volume": {
            label: counts(measure)
            for measure, label in (VOLUME_OF_AGENT if of_agent else VOLUME).items()
        },
        "mood": {"Mood": [None if one is None else round(one, 3) for one in mood]},
        "topics": {
            name: round(one.mean or 0.0, 3)
            for name, one in sorted(of.by_topic.items(), key=lambda pair: -pair[1].count)[:8]
        },
    }


# --- as a file


def rows(of: Report, period: Period) -> list[list[Any]]:
    """A header, and for each day and measure its count and sum."""
    table: list[list[Any]] = [["day", "measure", "count", "total", "definition"]]
    for day in period.days:
        for measure, found in sorted(of.by_day[day].items()):
            table.append([day.isoformat(), measure, found.count, found.total, DEFINITIONS[measure]])
    return table


def safe(cell: Any) -> Any:
    """A spreadsheet takes a text that begins like this for a formula."""
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{cell}"
    return cell
