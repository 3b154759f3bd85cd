"""Programs with a key of the REST API, and what they find."""

import json
from typing import Any

from django.test import Client

from chatbot.api import keys
from chatbot.models import Conversation, Inbox, Message, Visitor
from crm.models import Customer

PROBLEM = "application/problem+json"


class Program:
    """A client with a key."""

    def __init__(self, *scopes: str) -> None:
        self.row, self.key = keys.make("test", list(scopes))
        self.client = Client()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body) if body is not None else ""
        headers = {"Authorization": f"Bearer {self.key}", **headers}
        url = f"/api/{path}"
        return self.client.generic(method, url, raw, "application/json", headers=headers)


def order(number: int, **values: Any) -> dict[str, Any]:
    return {
        "id": f"order:{number}",
        "kind": "order",
        "customer": f"cust_{number % 2}",
        "title": f"Order {number}",
        "text": "",
        "fields": {"status": "sent"},
        "updated_at": "2026-11-01T00:00:00Z",
    } | values


def talk() -> Conversation:
    inbox, _ = Inbox.objects.get_or_create(key="shop", name="Shop")
    customer, _ = Customer.objects.get_or_create(id="alice")
    visitor = Visitor.objects.get_or_create(inbox=inbox, customer=customer)[0]
    one = Conversation.objects.create(visitor=visitor, last_seq=2)
    for seq in (1, 2):
        Message.objects.create(conversation=one, seq=seq, author="customer", text=f"number {seq}")
    return one
