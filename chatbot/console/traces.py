"""The content of a conversation's page: messages, and the trace of each answer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from chatbot.console import mood_display
from chatbot.models import Case, Conversation, Message, Reply
from chatbot.models.replies import Ending
from chatbot.teaching.cases import titled
from inference.sentiment import UNKNOWN

TIMINGS = {
    "retrieve": "records found",
    "first_generated": "first sentence generated",
    "first_sentence": "first sentence shown",
    "total": "done",
}
UNSUPPORTED = "no passage supports it as a whole"
OUTCOMES: dict[str, str] = {
    Ending.ANSWERED: "answered from the records",
    Ending.REFUSED: "nothing on record",
    Ending.HANDED_OFF: "handed to a person",
    Ending.CHAT: "small talk",
    Ending.PROPOSED: "offered an action",
}


@dataclass(frozen=True)
class Source:
    """A record that supports an answer. The URL is "" if the reader may not open records."""

    title: str
    url: str
    text: str = ""
    score: str = ""
    # Lines of the passage that must not support an answer, each with the reason.
    left_out: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Trace:
    reply: Reply
    outcome: str
    passages: list[Source]
    timings: list[tuple[str, str]]
    # Each sentence with the reason.
    withheld: list[tuple[str, str]]
    energy: str


@dataclass(frozen=True)
class Entry:
    message: Message
    new_day: bool
    badge: SafeString
    confidence: str
    sources: list[Source] = field(default_factory=list)
    trace: Trace | None = None
    # What somebody has said of the bot's answer.
    case: Case | None = None
    # Its record by its title, and what the customer had written before the answer.
    case_source: str = ""
    question: str = ""


def entries(conversation: Conversation, after: int, link_records: bool) -> Iterator[Entry]:
    """Read the messages with seq > after, oldest first, with their replies, in one query."""
    day, question = None, ""
    messages = conversation.messages.filter(seq__gt=after).order_by("seq")
    for message in messages.select_related("trace", "reply", "correction", "case__by"):
        before, day = day, timezone.localdate(message.at)
        question = message.text if message.author == Message.Author.CUSTOMER else question
        case = getattr(message, "case", None)
        yield Entry(
            message=message,
            new_day=day != before,
            badge=mood_display.badge(None if message.label == UNKNOWN else message.score),
            confidence=f"{message.confidence:.0%}" if message.confidence is not None else "",
            sources=[source(row, link_records) for row in message.citations],
            trace=trace(message, link_records),
            case=case,
            case_source=titled(case.record) if case and case.record else "",
            question=question,
        )


def trace(message: Message, link_records: bool) -> Trace | None:
    reply = reply_of(message)
    if reply is None:
        return None
    return Trace(
        reply=reply,
        outcome=outcome(reply),
        passages=[source(row, link_records) for row in reply.passages],
        timings=[
            (TIMINGS.get(name, name.replace("_", " ")), milliseconds(seconds))
            for name, seconds in reply.timings.items()
        ],
        withheld=[(item["sentence"], why_withheld(item)) for item in reply.withheld],
        energy=energy(reply.generations),
    )


def outcome(reply: Reply) -> str:
    if reply.status == Reply.Status.DONE and not reply.state:
        return "not answered by the bot"
    return OUTCOMES.get(reply.state, reply.state) or reply.get_status_display().lower()


def why_withheld(item: dict[str, Any]) -> str:
    missing = ", ".join(item["missing"])
    return item.get("why") or (f"unsupported: {missing}" if missing else UNSUPPORTED)


def energy(generations: list[dict[str, Any]]) -> str:
    """Describe the energy of requests to a model; "" without requests."""
    if not generations:
        return ""
    joules = [row["joules"] for row in generations if row.get("joules") is not None]
    tokens = sum(row["prompt_tokens"] + row["completion_tokens"] for row in generations)
    if len(joules) < len(generations):
        return "not measured"
    return f"{sum(joules):.1f} J, {1000 * sum(joules) / max(1, tokens):.0f} J per 1,000 tokens"


def energy_of_all(conversation: Conversation) -> str:
    """Include answers that nobody saw in the end: they used energy too."""
    replies = conversation.replies.values_list("generations", flat=True)
    return energy([row for generations in replies for row in generations])


def reply_of(message: Message) -> Reply | None:
    """Return the reply behind a bot's answer, or the reply to a question without an answer."""
    if message.author != Message.Author.CUSTOMER:
        return getattr(message, "trace", None)
    reply = getattr(message, "reply", None)
    return reply if reply and reply.answer_id is None else None


def source(row: dict[str, Any], link: bool) -> Source:
    """Describe a citation or a passage. The title, which begins a passage's text, is removed."""
    key, score = str(row["id"]), row.get("score")
    title = row.get("title") or key
    return Source(
        title=title,
        url=record_url(key) if link else "",
        text=row.get("text", "").removeprefix(title).lstrip(),
        score=f"{score:.2f}" if score is not None else "",
        left_out=row.get("left_out", []),
    )


def record_url(key: str) -> str:
    return reverse("admin:crm_record_change", args=[quote(key)])


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"
