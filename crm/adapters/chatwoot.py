"""Chatwoot: contacts, with X-Chatwoot-Signature over the time and the body."""

import hashlib
import hmac
from typing import Any

from crm.adapters import Change, Delivery, PayloadError, Refused, fresh, member, number

EVENTS = {"contact_created", "contact_updated"}
FACTS = ("email", "phone_number", "identifier", "custom_attributes")


def verify(delivery: Delivery, secret: str) -> None:
    stamp = delivery.headers.get("x-chatwoot-timestamp", "")
    fresh(number(stamp))
    signed = stamp.encode() + b"." + delivery.body
    mac = "sha256=" + hmac.digest(secret.encode(), signed, hashlib.sha256).hex()
    given = delivery.headers.get("x-chatwoot-signature", "")
    if not hmac.compare_digest(mac.encode(), given.encode()):
        raise Refused("signature")


def changes(body: Any, delivery: Delivery) -> list[Change]:
    if member(body, "event", str) not in EVENTS:
        return []
    contact = body.get("identifier") or body.get("id")
    if not contact:
        raise PayloadError("id", "is missing")
    record = {
        "id": f"chatwoot:contact:{body.get('id', '')}",
        "kind": "customer",
        "customer": contact,
        "title": body.get("name") or f"Contact {contact}",
        "fields": {name: body[name] for name in FACTS if body.get(name)},
        # Older versions send no time of change.
        "updated_at": body.get("updated_at") or delivery.received.isoformat(),
    }
    return [Change("record.upserted", record, "body")]
