"""The list of conversations as agents see it: sorted by who needs a person most, and why."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Case, F, Prefetch, Q, QuerySet, Value, When
from django.utils.text import Truncator

from chatbot.admin import mood
from chatbot.agents import name_of
from chatbot.alerts import calling
from chatbot.console.frames import List
from chatbot.models import Conversation, Message

PAGE = 50
SCORES = 20
EXCERPT = 120
State = Conversation.State
AUTOMATIC = [State.BOT, State.WAITING]
ALERTED = calling()
VIEWS = {
    "open": ~Q(state=State.CLOSED),
    "unassigned": Q(state__in=AUTOMATIC),
    "waiting": Q(state=State.WAITING),
    "alert": ALERTED,
    "closed": Q(state=State.CLOSED),
}


def page(wanted: List, agent: User) -> dict[str, Any]:
    found = matching(wanted, agent)
    start, total = wanted.page * PAGE, found.count()
    return {
        "rows": [row(one) for one in by_need(found)[start : start + PAGE]],
        "total": total,
        "page": wanted.page,
        "pages": -(-total // PAGE),
    }


def matching(wanted: List, agent: User) -> QuerySet[Conversation]:
    found = Conversation.objects.filter(view(wanted.view, agent), last_seq__gt=0)
    if wanted.inbox:
        found = found.filter(visitor__inbox__key=wanted.inbox)
    if wanted.mood:
        found = found.filter(banded(wanted.mood))
    if wanted.search:
        found = found.filter(said(wanted.search))
    return found


def view(name: str, agent: User) -> Q:
    return Q(agent=agent, state=State.AGENT) if name == "mine" else VIEWS[name]


def banded(word: str) -> Q:
    if word not in mood.BANDS:
        return Q(mood=None)
    lowest, next_band = mood.bounds(word)
    above = Q() if lowest is None else Q(mood__gte=lowest)
    return above & (Q() if next_band is None else Q(mood__lt=next_band)) & Q(mood__isnull=False)


def said(words: str) -> Q:
    """Every word in what was said, or the customer's name or number."""
    found = Q()
    for word in words.split():
        messages = Message.objects.filter(text__icontains=word).values("conversation_id")
        customer = Q(visitor__customer__name__icontains=word) | Q(visitor__customer_id=word)
        found &= Q(id__in=messages) | customer
    return found


def by_need(found: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Alerts, the heaviest first; then who waits for a person, the longest first; then by mood."""
    rank = Case(
        When(ALERTED, then=Value(0)), When(state=State.WAITING, then=Value(1)), default=Value(2)
    )
    weight = Case(When(ALERTED, then=F("alert_weight")), default=Value(0.0))
    order: list[Any] = ["rank", "-weight", F("waiting_since").asc(nulls_last=True)]
    order += [F("mood").asc(nulls_last=True), "-last_message_at"]
    ranked = found.annotate(rank=rank, weight=weight).order_by(*order)
    people = ranked.select_related("visitor__customer", "visitor__inbox", "agent")
    return people.prefetch_related(last_message(), recent_scores())


def last_message() -> Prefetch:
    messages = Message.objects.filter(seq=F("conversation__last_seq"))
    return Prefetch("messages", messages, to_attr="last_message")


def recent_scores() -> Prefetch:
    """Newest first; the database numbers them per conversation, so it stays one query."""
    scored = Message.objects.filter(score__isnull=False).order_by("-seq")
    scored = scored.only("conversation_id", "score")[:SCORES]
    return Prefetch("messages", scored, to_attr="recent_scores")


def rows_of(ids: Iterable[UUID]) -> list[dict[str, Any]]:
    return [row(one) for one in by_need(Conversation.objects.filter(id__in=list(ids)))]


def row(conversation: Any) -> dict[str, Any]:
    """`key` sorts as `by_need` does, so that a page can put in place what has changed."""
    last: Message | None = next(iter(conversation.last_message), None)
    scores = [message.score for message in reversed(conversation.recent_scores)]
    known = conversation.mood is not None
    return {
        "id": str(conversation.id),
        "who": str(conversation.visitor),
        "inbox": conversation.visitor.inbox.key,
        "state": conversation.state,
        "agent": name_of(conversation.agent) if conversation.agent else "",
        "agent_id": conversation.agent_id,
        "mood": round(conversation.mood, 2) if known else None,
        "word": mood.word(conversation.mood) if known else "",
        "slope": round(conversation.mood_slope, 2),
        "scores": [round(score, 2) for score in scores if score is not None],
        "alerted": conversation.rank == 0,
        "why": why(conversation),
        "since": (conversation.waiting_since or conversation.last_message_at).isoformat(),
        "last": {"author": last.author, "text": Truncator(last.text).chars(EXCERPT)}
        if last
        else None,
        "seq": conversation.last_seq,
        "key": key(conversation),
    }


def why(conversation: Any) -> str:
    """The reason for its place, in words; "" where it is the mood, which stands beside it."""
    if conversation.rank == 0:
        return conversation.alert
    if conversation.state == State.WAITING:
        return conversation.handoff_reason or "waits for a person"
    return ""


def key(conversation: Any) -> Sequence[float]:
    waiting = conversation.waiting_since
    return [
        conversation.rank,
        -conversation.weight,
        waiting.timestamp() if waiting else 1e12,
        conversation.mood if conversation.mood is not None else 9.0,
        -conversation.last_message_at.timestamp(),
    ]


def belongs(row: dict[str, Any], wanted: List, agent: User) -> bool:
    """As `matching`, for a row that has just changed. A search is made again by who asks."""
    belongs_to = {
        "open": row["state"] != State.CLOSED,
        "mine": row["state"] == State.AGENT and row["agent_id"] == agent.id,
        "unassigned": row["state"] in AUTOMATIC,
        "waiting": row["state"] == State.WAITING,
        "alert": row["alerted"],
        "closed": row["state"] == State.CLOSED,
    }
    of_inbox = not wanted.inbox or row["inbox"] == wanted.inbox
    of_mood = not wanted.mood or (row["word"] or "unknown") == wanted.mood
    return belongs_to[wanted.view] and of_inbox and of_mood and not wanted.search
