"""What the CRM is told of conversations: each event's words, thin or full.

Thin has ids, states and scores only. Full has what was said, too, personal data taken out where the
endpoint wants it so.
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
    tell("conversation.created", conversation)


def message_created(conversation: Conversation, message: Message) -> None:
    tell("message.created", conversation, message=message)


def sentiment_alert(conversation: Conversation) -> None:
    """Once for each rise."""
    thin = {"reason": conversation.alert, "weight": conversation.alert_weight}
    tell("sentiment.alert", conversation, {"said": conversation.alert_quote}, alert=thin)


def handed_off(conversation: Conversation) -> None:
    said = {"said": conversation.handoff_quote}
    tell("conversation.handed_off", conversation, said, reason=conversation.handoff_reason)


def lead_captured(conversation: Conversation) -> None:
    """The customer left an address; full payloads that are not masked have it."""
    known = conversation.visitor.customer_id is not None
    thin = {"reason": conversation.handoff_reason, "known": known}
    tell("lead.captured", conversation, {"email": conversation.contact_email}, lead=thin)


def assigned(conversation: Conversation) -> None:
    tell("conversation.assigned", conversation)


def resolved(conversation: Conversation) -> None:
    tell("conversation.resolved", conversation)


def feedback_given(conversation: Conversation, message: Message) -> None:
    tell("feedback.given", conversation, message=message)


def action_requested(request: ActionRequest) -> None:
    """To the action's endpoints alone, and whole: the customer has confirmed it for them."""
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
    tell("csat.submitted", conversation, {"said": conversation.csat_comment}, csat=thin)


def tell(
    type: str,
    conversation: Conversation,
    private: dict[str, str] | None = None,
    message: Message | None = None,
    **more: Any,
) -> None:
    """Within the change's transaction. private: what only full payloads have."""

    def data(full: bool, masked: bool) -> Data:
        known = known_of(conversation.visitor.customer) if full and masked else []
        found: Data = {"conversation": of_conversation(conversation), **more}
        if message:
            found["message"] = of_message(message)
        if full and message:
            found["message"] |= words_of(message, known if masked else None)
        for name, text in (private or {}).items():
            if full and text:
                found[name] = mask(text, known) if masked else text
        return found

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


def words_of(message: Message, known: list[str] | None) -> Data:
    """known: of whom, where personal data is taken out; None: all as it is."""

    def plain(text: str) -> str:
        return text if known is None else mask(text, known)

    files = [one | {"name": plain(one["name"])} for one in message.attachments]
    return {"text": plain(message.text), "attachments": files}


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
