"""One conversation as the agents' page is sent it, piece by piece."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse

from chatbot import presence
from chatbot.admin import transcript
from chatbot.agents import name_of
from chatbot.models import Conversation, Message, Note, Reply, Summary, Team
from crm.models import Customer, Record

MESSAGES = 200
RECORDS = 12
TEAM = "team:"


def card(conversation: Conversation, may_see_records: bool) -> dict[str, Any]:
    """Who the customer is, and what the CRM knows of them."""
    visitor, customer = conversation.visitor, conversation.visitor.customer
    return {
        "conversation": str(conversation.id),
        "who": str(visitor),
        "customer": customer.id if customer else "",
        "inbox": visitor.inbox.name,
        "began": conversation.created_at.isoformat(),
        "page": reverse("admin:chatbot_conversation_change", args=[conversation.id]),
        "records": latest_records(customer) if customer and may_see_records else [],
        "earlier": earlier(conversation, customer),
        "csat": conversation.csat,
        "csat_comment": conversation.csat_comment,
        "summary": summed_up(conversation),
        "notes": [noted(note) for note in conversation.notes.select_related("agent")],
    }


def latest_records(customer: Customer) -> list[dict[str, str]]:
    found: Iterable[Record] = customer.records.filter(deleted=False).order_by("-updated_at")
    return [
        {
            "title": record.title,
            "kind": record.kind,
            "url": transcript.record_url(record.id),
            "at": record.updated_at.isoformat(),
        }
        for record in found[:RECORDS]  # type: ignore[index]
    ]


def earlier(conversation: Conversation, customer: Customer | None) -> int:
    """The customer's other conversations."""
    if customer is None:
        return 0
    found = Conversation.objects.filter(visitor__customer=customer, last_seq__gt=0)
    return found.exclude(id=conversation.id).count()


def summed_up(conversation: Conversation) -> dict[str, Any] | None:
    found = Summary.objects.filter(conversation=conversation).select_related("corrected_by").first()
    if found is None:
        return None
    by = f"corrected by {name_of(found.corrected_by)}" if found.corrected_by else "machine-made"
    moods = [found.mood_start, found.mood_end]
    lines = {"problem": found.problem, "tried": found.tried, "question": found.question}
    return lines | {"by": by, "moods": moods, "at": found.at.isoformat()}


def noted(note: Note) -> dict[str, Any]:
    by = name_of(note.agent) if note.agent else "somebody who has left"
    return {"id": note.id, "by": by, "text": note.text, "at": note.at.isoformat()}


def messages(conversation: Conversation, after: int) -> list[dict[str, Any]]:
    """The last of those with seq > after, oldest first, with the reply behind each."""
    found = conversation.messages.filter(seq__gt=after).order_by("-seq")
    related = found.select_related("trace", "reply", "correction", "agent")[:MESSAGES]
    return [said(message) for message in reversed(related)]


def said(message: Message) -> dict[str, Any]:
    correction = getattr(message, "correction", None)
    reply = transcript.reply_of(message)
    return {
        "seq": message.seq,
        "author": message.author,
        "by": name_of(message.agent) if message.agent else "",
        "text": message.text,
        "at": message.at.isoformat(),
        "label": message.label,
        "score": message.score,
        "confidence": message.confidence,
        "corrected": correction.label if correction else "",
        "sources": [row.get("title") or row["id"] for row in message.citations],
        "feedback": message.feedback,
        "trace": trace(reply) if reply else None,
    }


def trace(reply: Reply) -> dict[str, Any]:
    seconds = reply.timings.get("first_sentence")
    return {
        "outcome": transcript.outcome(reply),
        "reason": reply.reason,
        "chosen": reply.routing.get("reason", ""),
        "withheld": [
            {"sentence": one["sentence"], "missing": ", ".join(one["missing"])}
            for one in reply.withheld
        ],
        "first": f"{seconds:.1f} s" if seconds is not None else "",
    }


def people(agent: User) -> list[dict[str, str]]:
    """Colleagues and teams to whom a conversation can be passed on."""
    staff = User.objects.filter(is_staff=True, is_active=True).exclude(id=agent.id)
    may = [one for one in staff if one.has_perm("chatbot.change_conversation")]
    there = set(presence.online().values_list("user_id", flat=True))
    colleagues = [
        {"to": one.get_username(), "name": f"{name_of(one)}{'' if one.id in there else ' (away)'}"}
        for one in may
    ]
    teams = [{"to": f"{TEAM}{team.name}", "name": f"Team {team}"} for team in Team.objects.all()]
    return colleagues + teams
