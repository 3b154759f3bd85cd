"""Zammad: tickets, with X-Hub-Signature (HMAC-SHA1 of the body, no time)."""

import hashlib
import hmac
from typing import Any

from crm.adapters import Change, Delivery, Refused, member


def verify(delivery: Delivery, secret: str) -> None:
    mac = "sha1=" + hmac.new(secret.encode(), delivery.body, hashlib.sha1).hexdigest()
    if not hmac.compare_digest(mac.encode(), delivery.headers.get("x-hub-signature", "").encode()):
        raise Refused("signature")


def changes(body: Any, delivery: Delivery) -> list[Change]:
    ticket = member(body, "ticket", dict)
    customer = member(ticket, "customer", dict, "ticket")
    article = body.get("article") or {}
    # An internal article is for agents: no customer may read it.
    text = "" if article.get("internal", True) else article.get("body", "")
    record = {
        "id": f"ticket:{ticket.get('number', '')}",
        "kind": "ticket",
        "customer": customer.get("id") or customer.get("email") or "zammad:nobody",
        "title": f"Ticket {ticket.get('number', '')}: {ticket.get('title', '')}",
        "text": text,
        "fields": {"state": state(ticket), "created": ticket.get("created_at", "")},
        "updated_at": ticket.get("updated_at"),
    }
    return [Change("record.upserted", record, "ticket")]


def state(ticket: dict[str, Any]) -> str:
    """Older versions send its name, newer ones an object."""
    found = ticket.get("state") or ""
    return str(found.get("name", "")) if isinstance(found, dict) else str(found)
