"""Zendesk: events of tickets and users, signed over the time and the body."""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any

from crm.dialects import Change, IncomingWebhook, Refused, fresh, member, needed, scalar

TICKET, USER = "zen:event-type:ticket.", "zen:event-type:user."
# An "undeleted" event restores a ticket.
GONE = {f"{TICKET}{how}" for how in ("soft_deleted", "permanently_deleted", "marked_as_spam")}
# Zendesk also deletes a user after merging them into another; it deletes permanently only when
# somebody asks.
FORGOTTEN = {
    f"{USER}deleted": "customer.deleted",
    f"{USER}permanently_deleted": "customer.erased",
}


def verify(delivery: IncomingWebhook, secret: str) -> None:
    stamp = delivery.headers.get("x-zendesk-webhook-signature-timestamp", "")
    try:
        fresh(datetime.fromisoformat(stamp).timestamp())
    except ValueError:
        raise Refused("timestamp") from None
    mac = hmac.digest(secret.encode(), stamp.encode() + delivery.body, hashlib.sha256)
    given = delivery.headers.get("x-zendesk-webhook-signature", "").encode()
    if not hmac.compare_digest(base64.b64encode(mac), given):
        raise Refused("signature")


def event_id(body: Any, delivery: IncomingWebhook) -> str:
    return str(body.get("id", "")) if isinstance(body, dict) else ""


def changes(body: Any, delivery: IncomingWebhook) -> list[Change]:
    kind = member(body, "type", str)
    detail = member(body, "detail", dict)
    if kind.startswith(TICKET):
        return [Change("record.upserted", ticket(body, detail), "detail")]
    if kind == f"{USER}merged":
        data = {"from": detail.get("id"), "into": survivor(body), "updated_at": body.get("time")}
        return [Change("customer.merged", data, "event.user")]
    if made := FORGOTTEN.get(kind):
        return [Change(made, {"id": detail.get("id"), "updated_at": body.get("time")}, "detail")]
    return []


def survivor(body: dict[str, Any]) -> Any:
    """Return the user that stays after a merge; "detail" holds the other one."""
    return member(member(body, "event", dict), "user", dict, "event").get("id")


def ticket(body: dict[str, Any], detail: dict[str, Any]) -> dict[str, Any]:
    """Return the ticket as a record. If the ticket is private, the customer may see its state
    but no text."""
    key, public = needed(detail, "id", "detail"), detail.get("is_public") is True
    subject = scalar(detail.get("subject")) if public else ""
    return {
        "id": f"ticket:{key}",
        "kind": "ticket",
        "customer": detail.get("requester_id") or "zendesk:nobody",
        "title": f"Ticket {key}: {subject}" if subject else f"Ticket {key}",
        "text": scalar(detail.get("description")) if public else "",
        "partial": public and "description" not in detail,
        "fields": {name: detail[name] for name in ("status", "priority") if detail.get(name)},
        "updated_at": detail.get("updated_at") or body.get("time"),
        "deleted": body["type"] in GONE,
    }
