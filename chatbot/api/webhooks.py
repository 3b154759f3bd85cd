"""Descriptions of events as OpenAPI webhooks, for readers of /api/docs."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiWebhook, extend_schema
from rest_framework import serializers

from crm import action_answers

SIGNED = (
    "Signed by Standard Webhooks, with the headers webhook-id (the same for every attempt), "
    "webhook-timestamp and webhook-signature. Answer 2xx within 15 seconds."
)
AT = "2026-11-20T14:03:00Z"
CONVERSATION = {
    "id": "6b1f4f0e-8a63-4c58-9d6f-0f5a9b6f2c11",
    "inbox": "shop",
    "customer": "cust_1",
    "state": "waiting",
    "agent": None,
    "mood": -0.62,
    "last_seq": 4,
    "created_at": "2026-11-20T14:00:00Z",
}
MESSAGE = {
    "seq": 4,
    "author": "customer",
    "at": AT,
    "label": "negative",
    "score": -0.81,
    "confidence": 0.93,
    "sources": [],
    "feedback": None,
}
ACTION = {
    "key": "open_return",
    "name": "Open a return",
    "idempotency_key": "0d4b8c52-6a0e-4f0e-9a53-4a7c2f7d9b10",
    "confirmed_at": "2026-11-20T14:03:00Z",
    "answer_by": "2026-11-20T14:13:00Z",
    "values": {"order": "order:81230", "reason": "Does not fit"},
}
# What each type adds to the conversation in a thin payload.
EVENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "conversation.created": ("A customer began a conversation.", {}),
    "message.created": (
        "There is a new message; full payloads have its text and its files' names.",
        {"message": MESSAGE},
    ),
    "sentiment.alert": (
        "The customer's mood calls for a person; sent once for each rise.",
        {"alert": {"reason": "three negative messages in a row", "weight": 0.75}},
    ),
    "conversation.handed_off": (
        "The conversation needs a person.",
        {"reason": "The customer asked for a person."},
    ),
    "conversation.assigned": ("An agent has the conversation.", {}),
    "conversation.resolved": ("The conversation was closed.", {}),
    "feedback.given": (
        "The customer rated an answer of the bot.",
        {"message": MESSAGE | {"author": "bot", "feedback": 1}},
    ),
    "csat.submitted": ("The customer rated a closed conversation.", {"csat": {"score": 5}}),
    "lead.captured": (
        "Nobody was there, and the customer left an e-mail address.",
        {"lead": {"reason": "The customer asked for a person.", "known": False}},
    ),
    "action.requested": (
        "A customer has confirmed an action: carry it out, once for each idempotency_key.",
        {"action": ACTION},
    ),
}
# What full payloads add, and a note on it.
FULL: dict[str, tuple[str, dict[str, Any]]] = {
    "lead.captured": (
        "Sent again when the customer changes the address. lead.known: the CRM knows the customer. "
        'Full payloads have the address in data.email, or "[email]" if the endpoint masks personal '
        "data: a CRM that writes to the customer needs an endpoint with full payloads and unmasked "
        "personal data.",
        {"email": "alice@example.com"},
    ),
}
ANSWER = (
    " Sent only to the endpoints of that action, with complete values. Answer it with "
    '{"status": "accepted" or "refused", "message": "…"}, at most 2,000 bytes; the customer reads '
    "the message. Or answer 2xx without a body, and send the result later as an event to "
    '/webhooks/crm/<source>/: {"type": "action.completed", "data": {"idempotency_key": "…", '
    '"status": "…", "message": "…"}}. If there is no answer by answer_by, a colleague is asked to '
    "handle it, and it is not sent again."
)


class Answer(serializers.Serializer):
    status = serializers.ChoiceField(choices=list(action_answers.STATUSES))
    message = serializers.CharField(max_length=action_answers.LONGEST, required=False)


class Event(serializers.Serializer):
    type = serializers.ChoiceField(choices=list(EVENTS))
    timestamp = serializers.DateTimeField(
        required=False, help_text="The event's time, not the attempt's; `time` in CloudEvents."
    )
    data = serializers.JSONField()


def examples(name: str, more: dict[str, Any]) -> list[OpenApiExample]:
    """Return examples: the thin payload, the CloudEvents envelope, and a full payload if there is
    one."""
    data = {"conversation": CONVERSATION, **more}
    thin = {"type": name, "timestamp": AT, "data": data}
    about = {"specversion": "1.0", "id": "evt_5d0c", "source": "/attune", "time": AT}
    cloud = about | {"type": name, "datacontenttype": "application/json", "data": data}
    payloads = {"thin payload": thin, "CloudEvents envelope": cloud}
    if message := more.get("message"):
        with_text = data | {"message": message | {"text": "My card is [card]"}}
        payloads["full payload"] = thin | {"data": with_text}
    if full := FULL.get(name):
        payloads["full payload"] = thin | {"data": data | full[1]}
    return [OpenApiExample(title, body) for title, body in payloads.items()]


def webhook(name: str) -> OpenApiWebhook:
    summary, more = EVENTS[name]
    note, _ = FULL.get(name, ("", {}))
    decorator = extend_schema(
        summary=summary,
        description=f"{SIGNED} {note}".strip()
        + (ANSWER if name == action_answers.REQUESTED else ""),
        request={"application/json": Event},
        responses={"2XX": Answer if name == action_answers.REQUESTED else None},
        examples=examples(name, more),
    )
    return OpenApiWebhook(name, decorator)


WEBHOOKS = [webhook(name) for name in EVENTS]
(
    conversation_created,
    message_created,
    sentiment_alert,
    conversation_handed_off,
    conversation_assigned,
    conversation_resolved,
    feedback_given,
    csat_submitted,
    lead_captured,
    action_requested,
) = WEBHOOKS
