"""Answers that agents send often, with the customer's own facts filled in."""

import re
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, Q

from chatbot.models import CannedAnswer, Conversation
from chatbot.people.names import name_of

VARIABLE = re.compile(r"\{(\w+)\}")
VARIABLES = ("customer", "agent", "inbox", "order")


def unknown(text: str) -> list[str]:
    """Names in braces that nothing can be filled into."""
    return [name for name in VARIABLE.findall(text) if name not in VARIABLES]


def answers(conversation: Conversation, agent: User) -> list[dict[str, str]]:
    """Of the conversation's inbox. What is not known of this customer stays in braces, for the
    agent to see."""
    inbox = conversation.visitor.inbox
    found = list(CannedAnswer.objects.filter(Q(inbox=None) | Q(inbox=inbox)))
    values = known(conversation, agent) if found else {}
    return [{"shortcut": one.shortcut, "text": filled(one.text, values)} for one in found]


def known(conversation: Conversation, agent: User) -> dict[str, Any]:
    customer = conversation.visitor.customer
    orders = customer.records.filter(kind="order", deleted=False) if customer else None
    latest = orders.order_by(F("latest").desc(nulls_last=True)).first() if orders else None
    return {
        "customer": customer.name if customer else "",
        "agent": name_of(agent),
        "inbox": conversation.visitor.inbox.name,
        "order": latest.title if latest else "",
    }


def filled(text: str, values: dict[str, Any]) -> str:
    return VARIABLE.sub(lambda found: values.get(found[1]) or found[0], text)
