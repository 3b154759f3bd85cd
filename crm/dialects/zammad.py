"""Zammad: tickets, with X-Hub-Signature (HMAC-SHA1 of the body, without a time)."""

import hashlib
import hmac
from typing import Any

from crm.dialects import Change, IncomingWebhook, Refused, member, needed, scalar


def verify(delivery: IncomingWebhook, secret: str) -> None:
    mac = "sha1=" + hmac.new(secret.encode(), delivery.body, hashlib.sha1).hexdigest()
    if not hmac.compare_digest(mac.encode(), delivery.headers.get("x-hub-signature", "").encode()):
        raise Refused("signature")


def changes(body: Any, delivery: IncomingWebhook) -> list[Change]:
    ticket = member(body, "ticket", dict)
    customer = member(ticket, "customer", dict, "ticket")
    number, title = needed(ticket, "number", "ticket"), scalar(ticket.get("title"))
    text = public_text(body.get("article"))
    record = {
        "id": f"ticket:{number}",
        "kind": "ticket",
        "customer": customer.get("id") or customer.get("email") or "zammad:nobody",
        "title": f"Ticket {number}: {title}" if title else f"Ticket {number}",
        "text": text,
        # An update without an article, or with an internal note, leaves the text as it was.
        "partial": not text,
        "fields": {"state": state(ticket), "created": scalar(ticket.get("created_at"))},
        "updated_at": ticket.get("updated_at"),
    }
    return [Change("record.upserted", record, "ticket")]


def public_text(article: Any) -> str:
    """Return the article's text if it is marked as readable for customers; else ""."""
    public = isinstance(article, dict) and article.get("internal") is False
    return scalar(article.get("body")) if public else ""


def state(ticket: dict[str, Any]) -> str:
    """Return the name of the state; older versions send the name, newer ones an object."""
    value = ticket.get("state")
    return scalar(value.get("name") if isinstance(value, dict) else value)
