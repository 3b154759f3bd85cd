"""Canned answers of agents, with the customer's data filled in."""

import re
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, Q

from chatbot.models import CannedAnswer, Conversation
from chatbot.people.names import name_of

VARIABLE = re.compile(r"\{(\w+)\}")
VARIABLES = ("customer", "agent", "inbox", "order")


def unknown(text: str) -> list[str]:
    """List the names in braces that are not variables."""
    return [name for name in VARIABLE.findall(text) if name not in VARIABLES]


def answers(conversation: Conversation, agent: User) -> list[dict[str, str]]:
    """List the answers of the conversation's inbox. Variables without a value stay in braces, for
    the agent to see."""
    inbox = conversation.visitor.inbox
    rows = list(CannedAnswer.objects.filter(Q(inbox=None) | Q(inbox=inbox)))
    values = known(conversation, agent) if rows else {}
    return [{"shortcut": answer.shortcut, "text": filled(answer.text, values)} for answer in rows]


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
    return VARIABLE.sub(lambda match: values.get(match[1]) or match[0], text)
