"""Webhook events about conversations, with thin or full payloads.

Thin payloads have ids, states and scores only. Full ones also have texts, without personal data if
the endpoint is configured that way.
"""

from typing import Any

from chatbot.models import ActionRequest, Conversation, Message
from chatbot.privacy.known import known_of
from chatbot.privacy.redaction import mask
from crm.action_answers import REQUESTED as ACTION
from crm.outbound import outbox
from crm.outbound.outbox import Event

Data = dict[str, Any]


def conversation_created(conversation: Conversation) -> None:
    emit("conversation.created", conversation)


def message_created(conversation: Conversation, message: Message) -> None:
    emit("message.created", conversation, message=message)


def sentiment_alert(conversation: Conversation) -> None:
    """Emit `sentiment.alert`, once each time the alert rises."""
    thin = {"reason": conversation.alert, "weight": conversation.alert_weight}
    emit("sentiment.alert", conversation, {"said": conversation.alert_quote}, alert=thin)


def handed_off(conversation: Conversation) -> None:
    quote = {"said": conversation.handoff_quote}
    emit("conversation.handed_off", conversation, quote, reason=conversation.handoff_reason)


def lead_captured(conversation: Conversation) -> None:
    """Emit `lead.captured` when the customer leaves an address. Only full payloads that are not
    masked contain it."""
    known = conversation.visitor.customer_id is not None
    thin = {"reason": conversation.handoff_reason, "known": known}
    emit("lead.captured", conversation, {"email": conversation.contact_email}, lead=thin)


def assigned(conversation: Conversation) -> None:
    emit("conversation.assigned", conversation)


def resolved(conversation: Conversation) -> None:
    emit("conversation.resolved", conversation)


def feedback_given(conversation: Conversation, message: Message) -> None:
    emit("feedback.given", conversation, message=message)


def action_requested(request: ActionRequest) -> None:
    """Emit the request to the action's own endpoints only, with all values: the customer has
    confirmed them for this purpose."""
    about = {
        "key": request.action.key,
        "name": request.action.name,
        "idempotency_key": str(request.id),
        "confirmed_at": request.confirmed_at,
        "answer_by": request.answer_by,
        "values": {row["name"]: row["value"] for row in request.values},
    }
    conversation = request.conversation
    outbox.emit(
        Event(
            ACTION,
            conversation.visitor.inbox.key,
            str(conversation.id),
            lambda full, masked: {"conversation": of_conversation(conversation), "action": about},
            only=list(request.action.endpoints.all()),
            id=str(request.id),
        )
    )


def csat_submitted(conversation: Conversation) -> None:
    thin = {"score": conversation.csat}
    emit("csat.submitted", conversation, {"said": conversation.csat_comment}, csat=thin)


def emit(
    type: str,
    conversation: Conversation,
    private: dict[str, str] | None = None,
    message: Message | None = None,
    **more: Any,
) -> None:
    """Emit an event within the transaction of the change. private: texts for full payloads only."""

    def data(full: bool, masked: bool) -> Data:
        known = known_of(conversation.visitor.customer) if full and masked else []
        payload: Data = {"conversation": of_conversation(conversation), **more}
        if message:
            payload["message"] = of_message(message)
        if full and message:
            payload["message"] |= texts_of(message, known if masked else None)
        for name, text in (private or {}).items():
            if full and text:
                payload[name] = mask(text, known) if masked else text
        return payload

    inbox = conversation.visitor.inbox.key
    outbox.emit(Event(type, inbox, str(conversation.id), data))


def of_conversation(conversation: Conversation) -> Data:
    agent = conversation.agent
    return {
        "id": str(conversation.id),
        "inbox": conversation.visitor.inbox.key,
        "customer": conversation.visitor.customer_id,
        "state": conversation.state,
        "agent": agent.get_username() if agent else None,
        "mood": conversation.mood,
        "last_seq": conversation.last_seq,
        "created_at": conversation.created_at.isoformat(),
    }


def texts_of(message: Message, known: list[str] | None) -> Data:
    """Return the message's texts, masked with the customer's known data; None does not mask."""

    def shown(text: str) -> str:
        return text if known is None else mask(text, known)

    files = [file | {"name": shown(file["name"])} for file in message.attachments]
    return {"text": shown(message.text), "attachments": files}


def of_message(message: Message) -> Data:
    return {
        "seq": message.seq,
        "author": message.author,
        "at": message.at.isoformat(),
        "label": message.label or None,
        "score": message.score,
        "confidence": message.confidence,
        "sources": [row["id"] for row in message.citations],
        "feedback": message.feedback,
    }
