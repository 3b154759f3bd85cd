"""The aggregation of days into figures. A day is always counted as a whole, so counting it again
changes nothing."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from chatbot.models import Conversation, Figure, FiguresUpTo, Message, Reply
from chatbot.reports.measures import DURABLE_DAYS, histogram
from inference.sentiment import UNKNOWN

# The overlap catches changes of transactions that commit late.
OVERLAP = timedelta(minutes=10)
Key = tuple[int, int | None, str, str]
# Called with the days that are done, and their total number.
Report = Callable[[int, int], None]
Author = Message.Author


def silent(done: int, total: int) -> None:
    """Report nothing."""


def bring_up_to_date(report: Report = silent) -> int:
    """Count the days that have changed since the last run, and return their number."""
    now = timezone.now()
    state, _ = FiguresUpTo.objects.get_or_create()
    days = sorted(touched(state.at - OVERLAP) if state.at else every_day())
    for number, day in enumerate(days, start=1):
        count_day(day)
        report(number, len(days))
    FiguresUpTo.objects.update(at=now)
    return len(days)


def rebuild(report: Report = silent) -> int:
    Figure.objects.all().delete()
    FiguresUpTo.objects.all().delete()
    return bring_up_to_date(report)


def every_day() -> set[date]:
    return days_of(Conversation.objects.filter(last_seq__gt=0)) | message_days(Message.objects)


def touched(since: datetime) -> set[date]:
    """Return the days with changes. A conversation changes the figures of its first day. If it
    follows soon after a resolution, it also changes the figures of the earlier conversation."""
    changed = Conversation.objects.filter(
        Q(last_message_at__gte=since) | Q(closed_at__gte=since) | Q(csat_at__gte=since)
    )
    first = days_of(changed)
    before = {day - timedelta(days=back) for day in first for back in range(1, DURABLE_DAYS + 1)}
    counted = set(Figure.objects.values_list("day", flat=True).distinct())
    return first | (before & counted) | message_days(Message.objects.filter(at__gte=since))


def days_of(conversations: Any) -> set[date]:
    return {moment.date() for moment in conversations.datetimes("created_at", "day")}


def message_days(messages: Any) -> set[date]:
    return {moment.date() for moment in messages.all().datetimes("at", "day")}


@transaction.atomic
def count_day(day: date) -> None:
    start = timezone.make_aware(datetime.combine(day, datetime.min.time()))
    within = (start, start + timedelta(days=1))
    values: dict[Key, list[float]] = defaultdict(list)
    for key, value in [*conversations(within), *messages(within), *replies(within)]:
        values[key].append(value)
    # Locked: two concurrent runs must not both write the day.
    FiguresUpTo.objects.select_for_update().first()
    Figure.objects.filter(day=day).delete()
    Figure.objects.bulk_create(figure(day, key, numbers) for key, numbers in values.items())


def figure(day: date, key: Key, values: list[float]) -> Figure:
    inbox, agent, measure, topic = key
    timed = measure in {"first_response", "resolution", "first_sentence"}
    return Figure(
        day=day,
        inbox_id=inbox,
        agent_id=agent,
        measure=measure,
        topic=topic,
        count=len(values),
        total=sum(values),
        buckets=histogram(values) if timed else [],
    )


Counts = Iterator[tuple[Key, float]]
Within = tuple[datetime, datetime]


def conversations(within: Within) -> Counts:
    begun = Conversation.objects.filter(
        created_at__gte=within[0], created_at__lt=within[1], last_seq__gt=0
    )
    rows = list(begun.select_related("visitor"))
    first = first_messages([row.id for row in rows])
    followed = followed_soon(rows)
    for row in rows:
        yield from conversation(row, first.get(row.id, {}), row.id in followed)


def conversation(row: Conversation, first: dict[str, datetime], followed: bool) -> Counts:
    inbox = row.visitor.inbox_id

    def count(measure: str, value: float = 1.0, agent: int | None = None) -> tuple[Key, float]:
        return (inbox, agent, measure, ""), value

    yield count("conversations")
    if row.alerts:
        yield count("alerts")
    if row.csat is not None:
        yield from (count("csat", row.csat, agent) for agent in {None, row.agent_id})
    if row.closed_at:
        duration = (row.closed_at - row.created_at).total_seconds()
        for agent in {None, row.agent_id}:
            yield count("closed", agent=agent)
            yield count("resolution", duration, agent)
    answered = [first[author] for author in (Author.BOT, Author.AGENT) if author in first]
    if answered and Author.CUSTOMER in first:
        waited = (min(answered) - first[Author.CUSTOMER]).total_seconds()
        yield count("first_response", max(0.0, waited))
    if Author.BOT in first:
        yield from (count(name) for name in outcome(row, first, followed))


def outcome(row: Conversation, first: dict[str, datetime], followed: bool) -> Iterable[str]:
    """Return the measures that count for a conversation that the bot handled."""
    passed = bool(row.handoff_reason)
    alone = bool(row.closed_at) and not passed and Author.AGENT not in first and not row.agent_id
    facts = {"handled": True, "handoffs": passed, "autonomous": alone}
    facts["durable"] = alone and not followed
    return [name for name, holds in facts.items() if holds]


def first_messages(ids: list[Any]) -> dict[Any, dict[str, datetime]]:
    """Return for each conversation the time of each author's first message."""
    first: dict[Any, dict[str, datetime]] = defaultdict(dict)
    rows = Message.objects.filter(conversation__in=ids).exclude(author=Author.SYSTEM)
    columns = rows.order_by("seq").values_list("conversation_id", "author", "at")
    for conversation, author, at in columns.iterator():
        first[conversation].setdefault(author, at)
    return first


def followed_soon(rows: list[Conversation]) -> set[Any]:
    """Return ids of conversations that another one followed within DURABLE_DAYS of the closing."""
    closed = {row.id: row for row in rows if row.closed_at}
    visitors = {row.visitor_id for row in closed.values()}
    later: dict[Any, list[datetime]] = defaultdict(list)
    begun = Conversation.objects.filter(visitor__in=visitors, last_seq__gt=0)
    for visitor, at in begun.values_list("visitor_id", "created_at"):
        later[visitor].append(at)
    span = timedelta(days=DURABLE_DAYS)
    return {
        row.id
        for row in closed.values()
        if row.closed_at
        and any(row.closed_at <= at < row.closed_at + span for at in later[row.visitor_id])
    }


def messages(within: Within) -> Counts:
    written = Message.objects.filter(at__gte=within[0], at__lt=within[1])
    topics: dict[Any, set[str]] = defaultdict(set)
    moods: list[tuple[Any, int, float]] = []
    inbox_id = F("conversation__visitor__inbox_id")
    columns = ("conversation_id", inbox_id, "author", "agent_id", "score", "label", "feedback")
    rows = written.values_list(*columns, "citations")
    for id, inbox, author, agent, score, label, feedback, cited in rows.iterator():
        if author != Author.SYSTEM:
            yield from (((inbox, who, f"messages.{author}", ""), 1.0) for who in {None, agent})
        if score is not None and label != UNKNOWN:
            moods.append((id, inbox, score))
        if feedback:
            yield (inbox, None, "helpful" if feedback > 0 else "unhelpful", ""), 1.0
        topics[id] |= {str(row["id"]).partition(":")[0][:60] for row in cited}
    for id, inbox, score in moods:
        yield from (((inbox, None, "mood", topic), score) for topic in {"", *topics[id]})


def replies(within: Within) -> Counts:
    begun = Reply.objects.filter(created_at__gte=within[0], created_at__lt=within[1])
    columns = ("conversation__visitor__inbox_id", "timings", "generations", "withheld")
    for inbox, timings, generations, withheld in begun.values_list(*columns).iterator():
        yield from (((inbox, None, "withheld", ""), 1.0) for _ in withheld)
        if (seconds := timings.get("first_sentence")) is not None:
            yield (inbox, None, "first_sentence", ""), seconds
        for generation in generations:
            tokens = generation["prompt_tokens"] + generation["completion_tokens"]
            yield (inbox, None, "tokens", ""), tokens
            joules = generation.get("joules")
            measure = "unmeasured" if joules is None else "joules"
            yield (inbox, None, measure, ""), joules or 0.0
