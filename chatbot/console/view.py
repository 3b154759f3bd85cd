"""One conversation as the agents' page is sent it, piece by piece."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import F
from django.urls import reverse
from django.utils.formats import date_format

from chatbot.console import traces
from chatbot.console.traces import Trace
from chatbot.models import Conversation, Message, Note, Summary, Team
from chatbot.people import presence
from chatbot.people.names import name_of
from crm.models import Customer, Record

MESSAGES = 200
ORDER, ORDERS, RECORDS = "order", 5, 8
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
        **(records(customer) if customer and may_see_records else {"orders": [], "records": []}),
        "email": conversation.contact_email,
        "uploads": reverse("admin:attach", args=[conversation.id]),
        "earlier": earlier(conversation, customer),
        "csat": conversation.csat,
        "csat_comment": conversation.csat_comment,
        "summary": summed_up(conversation),
        "notes": [noted(note) for note in conversation.notes.select_related("agent")],
    }


def contact(id: UUID) -> dict[str, str]:
    """Where the customer can be written to, who left that."""
    email = Conversation.objects.values_list("contact_email", flat=True).get(id=id)
    return {"conversation": str(id), "email": email}


def records(customer: Customer) -> dict[str, list[dict[str, str]]]:
    """Orders by their own newest day, everything else as the CRM changed it last."""
    known = customer.records.filter(deleted=False)
    by_day = F("latest").desc(nulls_last=True)
    orders = known.filter(kind=ORDER).order_by(by_day, "-updated_at")[:ORDERS]
    others = known.exclude(kind=ORDER).order_by("-updated_at")[:RECORDS]
    return {
        "orders": [of_record(one, one.latest) for one in orders],
        "records": [of_record(one, one.updated_at) for one in others],
    }


def of_record(record: Record, day: date | None) -> dict[str, str]:
    about = [record.kind, record.fields.get("status"), day and date_format(day, "j M Y")]
    return {
        "title": record.title,
        "url": traces.record_url(record.id),
        "about": " · ".join(str(one) for one in about if one),
    }


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


def messages(conversation: Conversation, after: int, link: bool) -> list[dict[str, Any]]:
    """The last of those with seq > after, oldest first, with the reply behind each. link: to the
    records that an answer rests on."""
    found = conversation.messages.filter(seq__gt=after).order_by("-seq")
    related = found.select_related("trace", "reply", "correction", "agent")[:MESSAGES]
    return [said(message, link) for message in reversed(related)]


def said(message: Message, link: bool) -> dict[str, Any]:
    correction = getattr(message, "correction", None)
    found = traces.trace(message, link)
    sources = [traces.source(row, link) for row in message.citations]
    return {
        "seq": message.seq,
        "author": message.author,
        "by": name_of(message.agent) if message.agent else "",
        "text": message.text,
        "attachments": [with_address(one) for one in message.attachments],
        "at": message.at.isoformat(),
        "label": message.label,
        "score": message.score,
        "confidence": message.confidence,
        "corrected": correction.label if correction else "",
        "sources": [{"title": one.title, "url": one.url} for one in sources],
        "feedback": message.feedback,
        "trace": trace(found, message) if found else None,
    }


def with_address(description: dict[str, Any]) -> dict[str, Any]:
    """Agents read it in their own session."""
    return description | {"url": reverse("attachment", args=[description["id"]])}


def trace(found: Trace, message: Message) -> dict[str, Any]:
    page = reverse("admin:chatbot_conversation_change", args=[message.conversation_id])
    return {
        "outcome": found.outcome,
        "facts": [[name, value] for name, value in facts(found) if value],
        "withheld": [{"sentence": sentence, "why": why} for sentence, why in found.withheld],
        "page": f"{page}#message-{message.seq}",
    }


def facts(found: Trace) -> list[tuple[str, str]]:
    reply = found.reply
    routing = [reply.routing.get(name, "") for name in ("reason", "escalated", "fell_back")]
    return [
        ("Reason", reply.reason),
        ("Route", " · ".join(filter(None, [reply.route, reply.model]))),
        ("Chosen", " ".join(filter(None, routing))),
        ("Times", ", ".join(f"{name} after {duration}" for name, duration in found.timings)),
        ("Energy", found.energy),
    ]


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
