"""The parts of a conversation that are sent to an agent's page."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import F
from django.urls import reverse
from django.utils.formats import date_format

from chatbot.console import traces
from chatbot.console.traces import Trace
from chatbot.models import Case, Conversation, Message, Note, Summary, Team
from chatbot.people import presence
from chatbot.people.names import name_of
from chatbot.people.roles import MAY_ACT
from chatbot.teaching.cases import titled
from crm.models import Customer, Record

MESSAGES = 200
ORDER, ORDERS, RECORDS = "order", 5, 8
TEAM = "team:"


def card(conversation: Conversation, may_see_records: bool) -> dict[str, Any]:
    """Describe the customer, with what the CRM knows about them."""
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
        "answering": reverse("admin:answering-records", args=[conversation.id]),
        "earlier": earlier(conversation, customer),
        "csat": conversation.csat,
        "csat_comment": conversation.csat_comment,
        "summary": summary_of(conversation),
        "notes": [note_row(note) for note in conversation.notes.select_related("agent")],
    }


def contact(id: UUID) -> dict[str, str]:
    """Return the e-mail address that the customer has left."""
    email = Conversation.objects.values_list("contact_email", flat=True).get(id=id)
    return {"conversation": str(id), "email": email}


def records(customer: Customer) -> dict[str, list[dict[str, str]]]:
    """List orders by their latest day, and other records by their last change in the CRM."""
    known = customer.records.filter(deleted=False)
    by_day = F("latest").desc(nulls_last=True)
    orders = known.filter(kind=ORDER).order_by(by_day, "-updated_at")[:ORDERS]
    others = known.exclude(kind=ORDER).order_by("-updated_at")[:RECORDS]
    return {
        "orders": [record_row(record, record.latest) for record in orders],
        "records": [record_row(record, record.updated_at) for record in others],
    }


def record_row(record: Record, day: date | None) -> dict[str, str]:
    about = [record.kind, record.fields.get("status"), day and date_format(day, "j M Y")]
    return {
        "title": record.title,
        "url": traces.record_url(record.id),
        "about": " · ".join(str(part) for part in about if part),
    }


def earlier(conversation: Conversation, customer: Customer | None) -> int:
    """Count the customer's other conversations."""
    if customer is None:
        return 0
    theirs = Conversation.objects.filter(visitor__customer=customer, last_seq__gt=0)
    return theirs.exclude(id=conversation.id).count()


def summary_of(conversation: Conversation) -> dict[str, Any] | None:
    summaries = Summary.objects.filter(conversation=conversation).select_related("corrected_by")
    summary = summaries.first()
    if summary is None:
        return None
    by = f"corrected by {name_of(summary.corrected_by)}" if summary.corrected_by else "machine-made"
    moods = [summary.mood_start, summary.mood_end]
    lines = {"problem": summary.problem, "tried": summary.tried, "question": summary.question}
    return lines | {"by": by, "moods": moods, "at": summary.at.isoformat()}


def note_row(note: Note) -> dict[str, Any]:
    by = name_of(note.agent) if note.agent else "a former colleague"
    return {"id": note.id, "by": by, "text": note.text, "at": note.at.isoformat()}


def messages(conversation: Conversation, after: int, link: bool) -> list[dict[str, Any]]:
    """Read the latest messages with seq > after, oldest first, with their replies. link: whether to
    link the records that support an answer."""
    latest = conversation.messages.filter(seq__gt=after).order_by("-seq")
    related = latest.select_related("trace", "reply", "correction", "agent", "case__by")[:MESSAGES]
    return [message_row(message, link) for message in reversed(related)]


def message_row(message: Message, link: bool) -> dict[str, Any]:
    correction = getattr(message, "correction", None)
    trace = traces.trace(message, link)
    sources = [traces.source(row, link) for row in message.citations]
    return {
        "seq": message.seq,
        "author": message.author,
        "by": name_of(message.agent) if message.agent else "",
        "text": message.text,
        "attachments": [with_address(file) for file in message.attachments],
        "at": message.at.isoformat(),
        "label": message.label,
        "score": message.score,
        "felt": message.felt,
        "confidence": message.confidence,
        "corrected": correction.label if correction else "",
        "sources": [{"title": source.title, "url": source.url} for source in sources],
        "feedback": message.feedback,
        "trace": trace_row(trace, message) if trace else None,
        "taught": case_row(getattr(message, "case", None)),
    }


def case_row(case: Case | None) -> dict[str, str] | None:
    """Describe what somebody has said of an answer; None if nobody has."""
    if case is None:
        return None
    by = name_of(case.by) if case.by else "a former colleague"
    record = titled(case.record) if case.record else ""
    return {"verdict": case.verdict, "answer": case.answer, "record": record, "by": by}


def taught(id: UUID, seq: int) -> dict[str, str] | None:
    cases = Case.objects.filter(message__conversation=id, message__seq=seq)
    return case_row(cases.select_related("by").first())


def new_article(agent: User | AnonymousUser) -> str:
    """Return the page where this agent can write an article; "" if they may not."""
    return reverse("admin:crm_article_add") if agent.has_perm("crm.add_article") else ""


def with_address(description: dict[str, Any]) -> dict[str, Any]:
    """Add the file's address, without a key: agents have their session."""
    return description | {"url": reverse("attachment", args=[description["id"]])}


def trace_row(trace: Trace, message: Message) -> dict[str, Any]:
    page = reverse("admin:chatbot_conversation_change", args=[message.conversation_id])
    return {
        "outcome": trace.outcome,
        "facts": [[name, value] for name, value in facts(trace) if value],
        "withheld": [{"sentence": sentence, "why": why} for sentence, why in trace.withheld],
        "page": f"{page}#message-{message.seq}",
    }


def facts(trace: Trace) -> list[tuple[str, str]]:
    reply = trace.reply
    routing = [reply.routing.get(name, "") for name in ("reason", "escalated", "fell_back")]
    return [
        ("Reason", reply.reason),
        ("Route", " · ".join(filter(None, [reply.route, reply.model]))),
        ("Chosen", " ".join(filter(None, routing))),
        ("Times", ", ".join(f"{name} after {duration}" for name, duration in trace.timings)),
        ("Energy", trace.energy),
    ]


def people(agent: User) -> list[dict[str, str]]:
    """List the colleagues and teams to whom an agent can pass a conversation."""
    staff = User.objects.filter(is_staff=True, is_active=True).exclude(id=agent.id)
    online = set(presence.online().values_list("user_id", flat=True))
    colleagues = [
        {
            "to": user.get_username(),
            "name": f"{name_of(user)}{'' if user.id in online else ' (away)'}",
        }
        for user in staff
        if user.has_perm(MAY_ACT)
    ]
    teams = [{"to": f"{TEAM}{team.name}", "name": f"Team {team}"} for team in Team.objects.all()]
    return colleagues + teams
