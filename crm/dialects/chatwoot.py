"""Chatwoot: contacts, with X-Chatwoot-Signature over the time and the body."""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

from crm.dialects import (
    Change,
    IncomingWebhook,
    PayloadError,
    Refused,
    allowed,
    check_public,
    fresh,
    member,
    needed,
    number,
    scalar,
)

EVENTS = {"contact_created", "contact_updated"}
# Facts that contacts have given about themselves. Custom attributes belong to the agents.
FACTS = ("email", "phone_number", "identifier")
check = check_public
# Seconds since 1970: the year 5138.
LATEST = 10**11


def verify(delivery: IncomingWebhook, secret: str) -> None:
    stamp = delivery.headers.get("x-chatwoot-timestamp", "")
    fresh(number(stamp))
    signed = stamp.encode() + b"." + delivery.body
    mac = "sha256=" + hmac.digest(secret.encode(), signed, hashlib.sha256).hex()
    given = delivery.headers.get("x-chatwoot-signature", "")
    if not hmac.compare_digest(mac.encode(), given.encode()):
        raise Refused("signature")


def changes(body: Any, delivery: IncomingWebhook) -> list[Change]:
    if member(body, "event", str) not in EVENTS:
        return []
    contact = body.get("identifier") or body.get("id")
    if not contact:
        raise PayloadError("id", "is missing")
    facts = {name: body[name] for name in FACTS if body.get(name)}
    own = body.get("custom_attributes")
    shown = allowed(delivery, "contact") & set(own if isinstance(own, dict) else {})
    record = {
        "id": f"chatwoot:contact:{needed(body, 'id')}",
        "kind": "customer",
        "customer": contact,
        "title": scalar(body.get("name")) or f"Contact {contact}",
        "fields": facts | {name: own[name] for name in sorted(shown)},
        "partial": left_out(body, allowed(delivery, "contact")),
        # Older versions do not send the time of the change.
        "updated_at": changed_at(body.get("updated_at")) or delivery.received.isoformat(),
    }
    return [Change("record.upserted", record, "body")]


def left_out(body: dict[str, Any], attributes: set[str]) -> list[str]:
    """Return what the body leaves out and so has not changed: a removed value is sent as null.
    Custom attributes always come all together."""
    places = [("identifier", "customer"), ("name", "title")]
    places += [(name, f"fields.{name}") for name in FACTS]
    places += [("custom_attributes", f"fields.{name}") for name in sorted(attributes)]
    return [place for name, place in places if name not in body]


def changed_at(given: Any) -> Any:
    """Return the time as ISO 8601; some versions send seconds since 1970."""
    is_number = isinstance(given, int | float) and 0 < given < LATEST
    return datetime.fromtimestamp(given, UTC).isoformat() if is_number else given
