"""HubSpot: signature version 3, and batches of subscription events.

An event tells of one property of one object, so each property becomes a record of its own: that
makes late and repeated events harmless, as for every record.
"""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

from crm.adapters import Change, Delivery, PayloadError, Refused, fresh, many, member, number


def verify(delivery: Delivery, secret: str) -> None:
    stamp = delivery.headers.get("x-hubspot-request-timestamp", "")
    fresh(number(stamp) / 1000)
    signed = delivery.method.encode() + delivery.url.encode() + delivery.body + stamp.encode()
    mac = base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256))
    given = delivery.headers.get("x-hubspot-signature-v3", "").encode()
    if not hmac.compare_digest(mac, given):
        raise Refused("signature")


def changes(body: Any, delivery: Delivery) -> list[Change]:
    if not isinstance(body, list):
        raise PayloadError("body", "must be a list of subscription events")
    rows = enumerate(many(body, "body"))
    found = [change for place, row in rows for change in told(row, f"[{place}]")]
    # The deletion of a contact that was merged must not come before the merge.
    return sorted(found, key=lambda change: change.type != "customer.merged")


def told(row: Any, where: str) -> list[Change]:
    if not isinstance(row, dict) or "objectId" not in row:
        raise PayloadError(f"{where}.objectId", "is missing")
    kind, _, event = str(row.get("subscriptionType", "")).partition(".")
    make = EVENTS.get(event)
    return make(kind, row, where) if make else []


def changed(kind: str, row: dict[str, Any], where: str) -> list[Change]:
    name, key = str(row.get("propertyName", "")), f"hubspot:{kind}:{row['objectId']}"
    record = {
        "id": f"{key}:{name}",
        "kind": kind,
        # What belongs to no contact gets a scope of its own: it must not become shared.
        "customer": str(row["objectId"]) if kind == "contact" else key,
        "title": f"{kind.title()} {row['objectId']}: {name.replace('_', ' ')}",
        "fields": {name: row.get("propertyValue")},
        "updated_at": moment(row, where),
    }
    return [Change("record.upserted", record, where)]


def deleted(kind: str, row: dict[str, Any], where: str) -> list[Change]:
    key = f"hubspot:{kind}:{row['objectId']}"
    data = {"id": key, "parts": True, "updated_at": moment(row, where)}
    # HubSpot deletes each contact that it has merged into another.
    of = {"of_customer": str(row["objectId"])} if kind == "contact" else {}
    return [Change("record.deleted", data | of, where)]


def erased(kind: str, row: dict[str, Any], where: str) -> list[Change]:
    if kind != "contact":
        return deleted(kind, row, where)
    data = {"id": str(row["objectId"]), "updated_at": moment(row, where)}
    return [Change("customer.erased", data, where)]


def merged(kind: str, row: dict[str, Any], where: str) -> list[Change]:
    """They go on as a contact of a new id, where HubSpot makes one, or as one of them."""
    if kind != "contact":
        return []
    primary, new = row.get("primaryObjectId"), row.get("newObjectId")
    into, at = str(new or primary or ""), moment(row, where)
    those = [primary, *member(row, "mergedObjectIds", list, where)]
    gone = dict.fromkeys(str(one) for one in those if one and str(one) != into)
    return [
        Change("customer.merged", {"from": one, "into": into, "updated_at": at}, where)
        for one in gone
    ]


def moment(row: dict[str, Any], where: str) -> str:
    """occurredAt is in milliseconds."""
    try:
        return datetime.fromtimestamp(row["occurredAt"] / 1000, UTC).isoformat()
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise PayloadError(f"{where}.occurredAt", "must be a time in milliseconds") from None


EVENTS = {
    "propertyChange": changed,
    "deletion": deleted,
    "privacyDeletion": erased,
    "merge": merged,
}
