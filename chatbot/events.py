"""What the CRM is told of conversations: each event's words, thin or full.

Thin has ids, states and scores only. Full has what was said, too, personal data taken out where the
endpoint wants it so.
"""

from typing import Any

from chatbot.corrections import known_of
from chatbot.models import Conversation, Message
from chatbot.redaction import mask
from crm import outbound
from crm.outbound import Event

Data = dict[str, Any]


def conversation_created(conversation: Conversation) -> None:
    tell("conversation.created", conversation)


def message_created(conversation: Conversation, message: Message) -> None:
    tell("message.created", conversation, message)


def sentiment_alert(conversation: Conversation) -> None:
    """Once for each rise. The reason may quote the customer after its colon."""
    reason, _, said = conversation.alert.partition(":")
    thin = {"reason": reason, "weight": conversation.alert_weight}
    tell("sentiment.alert", conversation, alert=thin, said=said)


def handed_off(conversation: Conversation) -> None:
    tell("conversation.handed_off", conversation, reason=conversation.handoff_reason)


def assigned(conversation: Conversation) -> None:
    tell("conversation.assigned", conversation)


def resolved(conversation: Conversation) -> None:
    tell("conversation.resolved", conversation)


def feedback_given(conversation: Conversation, message: Message) -> None:
    tell("feedback.given", conversation, message)


def csat_submitted(conversation: Conversation) -> None:
    thin = {"score": conversation.csat}
    tell("csat.submitted", conversation, csat=thin, said=conversation.csat_comment)


def tell(
    type: str,
    conversation: Conversation,
    message: Message | None = None,
    said: str = "",
    **more: Any,
) -> None:
    """Within the change's transaction. said: the customer's own words, for full payloads."""

    def data(full: bool, masked: bool) -> Data:
        known = known_of(conversation.visitor.customer) if masked else []
        found: Data = {"conversation": of_conversation(conversation), **more}
        if message:
            found["message"] = of_message(message)
        if full and message:
            found["message"]["text"] = mask(message.text, known) if masked else message.text
        if full and said:
            found["said"] = mask(said, known) if masked else said
        return found

    inbox = conversation.visitor.inbox.key
    outbound.emit(Event(type, inbox, str(conversation.id), data))


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
