"""The agents' list of conversations, sorted by urgency, with the reason for each place."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from django.contrib.auth.models import User
from django.db.models import Case, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Left
from django.utils.text import Truncator

from chatbot.console import mood_display
from chatbot.console.frames import List
from chatbot.conversation import search
from chatbot.conversation.alerts import open_alerts
from chatbot.models import Conversation, Message
from chatbot.people.names import name_of
from inference.sentiment.mood import NEGATIVE

PAGE = 50
EXCERPT = 120
# Nobody reads to page 200; counting a million rows would cost more than the page itself.
COUNTED, COUNTED_OF_SEARCH = 10_000, 200
State = Conversation.State
AUTOMATIC = [State.BOT, State.WAITING]
OPEN = [*AUTOMATIC, State.AGENT]
ALERTED = open_alerts()
VIEWS = {
    # The states are named, not excluded: an index finds named states.
    "open": Q(state__in=OPEN),
    "unassigned": Q(state__in=AUTOMATIC),
    "waiting": Q(state=State.WAITING),
    "alert": ALERTED,
    "closed": Q(state=State.CLOSED),
}


class CountOf(Subquery):
    """A query's number of rows, as a column of another query."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def page(wanted: List, agent: User) -> dict[str, Any]:
    """Read a page in one query, apart from those of a search. If the page no longer exists, return
    the first one."""
    conversations = matching(wanted, agent)
    most = COUNTED_OF_SEARCH if wanted.search else COUNTED
    counted = CountOf(conversations.order_by().values("id")[: most + 1])
    start = wanted.page * PAGE
    # By id: earlier pages are sorted, but their rows are not built.
    ids = in_order(conversations, wanted).values("id")[start : start + PAGE]
    listed = list(
        in_order(listable(Conversation.objects.filter(id__in=ids)), wanted).annotate(total=counted)
    )
    if not listed and wanted.page:
        return page(msgspec.structs.replace(wanted, page=0), agent)
    total = listed[0].total if listed else 0
    return {
        "rows": [row(conversation) for conversation in listed],
        "total": min(total, most),
        "more": total > most,
        "page": wanted.page,
        "pages": -(-min(total, most) // PAGE),
    }


def matching(wanted: List, agent: User) -> QuerySet[Conversation]:
    conversations = Conversation.objects.filter(view(wanted.view, agent), last_seq__gt=0)
    if wanted.state:
        conversations = conversations.filter(state=wanted.state)
    if wanted.inbox:
        conversations = conversations.filter(visitor__inbox__key=wanted.inbox)
    if wanted.mood:
        conversations = conversations.filter(banded(wanted.mood))
    if wanted.search:
        conversations = conversations.filter(search.matching(wanted.search))
    return conversations


def view(name: str, agent: User) -> Q:
    return Q(agent=agent, state=State.AGENT) if name == "mine" else VIEWS[name]


def banded(word: str) -> Q:
    if word not in mood_display.BANDS:
        return Q(mood=None)
    lowest, next_band = mood_display.bounds(word)
    above = Q() if lowest is None else Q(mood__gte=lowest)
    return above & (Q() if next_band is None else Q(mood__lt=next_band)) & Q(mood__isnull=False)


def in_order(conversations: QuerySet[Conversation], wanted: List) -> QuerySet[Conversation]:
    """Sort by urgency. Closed conversations have none, so an index can sort them by time."""
    if wanted.view == "closed":
        return ranked(conversations).order_by("-last_message_at")
    return by_need(conversations)


def by_need(conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Sort alerts first, by weight; then customers who wait for a person, the upset ones first, by
    waiting time; then the rest by their worst recent message."""
    order: list[Any] = ["rank", "-weight", F("need").asc(nulls_last=True)]
    order += [F("waiting_since").asc(nulls_last=True), "-last_message_at"]
    return ranked(conversations).order_by(*order)


def ranked(conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    rank = Case(
        When(ALERTED, then=Value(0)),
        When(state=State.WAITING, then=Value(1)),
        When(state=State.CLOSED, then=Value(3)),
        default=Value(2),
    )
    weight = Case(When(ALERTED, then=F("alert_weight")), default=Value(0.0))
    need = Case(
        When(state=State.CLOSED, then=None),
        When(state=State.WAITING, worst__lte=NEGATIVE, then=Value(-1.0)),
        When(state=State.WAITING, then=Value(0.0)),
        default=F("worst"),
    )
    return conversations.annotate(rank=rank, weight=weight, need=need)


def listable(conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    related = conversations.select_related("visitor__customer", "visitor__inbox", "agent")
    return with_last_message(related)


def with_last_message(conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    last = Message.objects.filter(conversation=OuterRef("pk"), seq=OuterRef("last_seq"))
    text = last.order_by().values(beginning=Left("text", EXCERPT + 1))
    return conversations.annotate(
        last_author=Subquery(last.order_by().values("author")),
        last_text=Subquery(text),
        last_files=Subquery(last.order_by().values("attachments")),
    )


def rows_of(ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """Return rows in no order: pages put each into its place."""
    conversations = Conversation.objects.filter(id__in=list(ids)).order_by()
    return [row(conversation) for conversation in ranked(listable(conversations))]


def alerts() -> set[str]:
    """Return ids of conversations whose alert calls an agent now."""
    return {str(id) for id in Conversation.objects.filter(ALERTED).values_list("id", flat=True)}


def row(conversation: Any) -> dict[str, Any]:
    """Return a row. `key` sorts like `by_need`, so that a page can place a changed row."""
    known = conversation.mood is not None
    return {
        "id": str(conversation.id),
        "who": str(conversation.visitor),
        "inbox": conversation.visitor.inbox.key,
        "state": conversation.state,
        "agent": name_of(conversation.agent) if conversation.agent else "",
        "agent_id": conversation.agent_id,
        "mood": round(conversation.mood, 2) if known else None,
        "word": mood_display.word(conversation.mood) if known else "",
        "slope": round(conversation.mood_slope, 2),
        "scores": conversation.scores,
        "alerted": conversation.rank == 0,
        "why": why(conversation),
        "contact": bool(conversation.contact_email),
        "since": (conversation.waiting_since or conversation.last_message_at).isoformat(),
        "last": first_line(conversation),
        "seq": conversation.last_seq,
        "key": key(conversation),
    }


def first_line(conversation: Any) -> dict[str, str] | None:
    if not conversation.last_author:
        return None
    text = Truncator(gist(conversation)).chars(EXCERPT)
    return {"author": conversation.last_author, "text": text}


def gist(conversation: Any) -> str:
    """Return the last message's text, or the names of its files if it has no text."""
    files = conversation.last_files or []
    return conversation.last_text or ", ".join(file["name"] for file in files)


def why(conversation: Any) -> str:
    """Return the reason for the row's place; "" if it is the customer's messages, which the row
    shows anyway as a line of scores."""
    if conversation.rank == 0:
        return conversation.alert_shown
    if conversation.state == State.WAITING:
        return conversation.handoff_shown or "waits for a person"
    return ""


def key(conversation: Any) -> Sequence[float]:
    waiting = conversation.waiting_since
    return [
        conversation.rank,
        -conversation.weight,
        conversation.need if conversation.need is not None else 9.0,
        waiting.timestamp() if waiting else 1e12,
        -conversation.last_message_at.timestamp(),
    ]


def belongs(row: dict[str, Any], wanted: List, agent: User) -> bool:
    """Tell whether a changed row belongs to the list, like `matching`. Rows never belong to a
    search: the page has to search again."""
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
    of_state = not wanted.state or row["state"] == wanted.state
    chosen = of_inbox and of_mood and of_state and not wanted.search
    return row["seq"] > 0 and belongs_to[wanted.view] and chosen
