"""Customers' questions with the bot's replies, as the tests of gaps need them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from chatbot.models import Conversation, GapQuestion, Inbox, Message, Reply, Visitor
from crm.models import Customer


def asked(text: str, state: str = "refused", days: float = 0, **fields: Any) -> Message:
    """Store a question in a conversation of its own, and the bot's reply to it, so many days ago.

    fields: customer (an id), reason, error and intents; feedback to the answer; said: the answer.
    """
    at = timezone.now() - timedelta(days=days)
    inbox, _ = Inbox.objects.get_or_create(key="shop", defaults={"name": "Shop"})
    customer = fields.get("customer")
    if customer:
        Customer.objects.get_or_create(id=customer)
    visitor = Visitor.objects.filter(inbox=inbox, customer=customer).first() if customer else None
    visitor = visitor or Visitor.objects.create(inbox=inbox, customer_id=customer)
    talk = Conversation.objects.create(visitor=visitor, last_seq=2, last_message_at=at)
    intents = fields.get("intents", [])
    question = Message.objects.create(
        conversation=talk, seq=1, author="customer", text=text, at=at, intents=intents
    )
    said = fields.get("said", "There is nothing about it in our records.")
    answer = Message.objects.create(
        conversation=talk, seq=2, author="bot", text=said, at=at, feedback=fields.get("feedback")
    )
    Reply.objects.create(
        conversation=talk,
        question=question,
        answer=answer,
        status="done",
        state=state,
        reason=fields.get("reason", ""),
        error=fields.get("error", ""),
        created_at=at,
    )
    return question


def texts() -> list[str]:
    """List the texts of the collected questions, in alphabetical order."""
    return sorted(GapQuestion.objects.values_list("message__text", flat=True))
