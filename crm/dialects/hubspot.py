"""HubSpot: signature version 3, and batches of subscription events.

An event reports one property of one object, so each property becomes a record of its own: late and
repeated events are then as harmless as for any other record.
"""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

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
    of_each,
    scalar,
)
from crm.plumbing import storable

TAKES_PARTS = True
# HubSpot's own limit for the internal names of properties.
LONGEST_NAME = 100
check = check_public
# Kinds by type id: subscriptions to "object.…" name the object by it.
KINDS = {
    "0-1": "contact",
    "0-2": "company",
    "0-3": "deal",
    "0-5": "ticket",
    "0-7": "product",
    "0-8": "line_item",
    "0-14": "quote",
    "0-18": "communication",
    "0-27": "task",
    "0-46": "note",
    "0-47": "meeting_event",
    "0-48": "call",
    "0-49": "email",
    "0-53": "invoice",
    "0-69": "subscription",
    "0-123": "order",
}
# Objects in which agents write to each other, or about customers.
AGENTS = frozenset(
    "call communication email engagement goal_target lead meeting meeting_event note "
    "partner_client postal_mail task user".split()
)
# The person who sets up the app subscribes to each property by name, and so chooses it. These names
# are HubSpot's own or show that the property is not for customers.
INTERNAL = re.compile(
    r"^(?:hs_|hubspot|num_|notes_)|internal|private|confidential|secret|do_?not|(?:^|_)(?:agents?"
    r"|churn|fraud|lead|margin|owner|sales|score|staff|team)(?:_|$)",
    re.I,
)
# HubSpot signs the address with these characters decoded: its page on request validation lists
# them.
IN_CLEAR = re.compile("%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.I)


def verify(delivery: IncomingWebhook, secret: str) -> None:
    stamp = delivery.headers.get("x-hubspot-request-timestamp", "")
    fresh(number(stamp) / 1000)
    given = delivery.headers.get("x-hubspot-signature-v3", "").encode()
    clear = IN_CLEAR.sub(lambda match: unquote(match[0]), delivery.url)
    # An empty query is lost on its way here.
    for url in {delivery.url, clear, f"{clear}?"}:
        signed = delivery.method.encode() + url.encode() + delivery.body + stamp.encode()
        mac = base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256))
        if hmac.compare_digest(mac, given):
            return
    raise Refused("signature")


def changes(body: Any, delivery: IncomingWebhook) -> list[Any]:
    if not isinstance(body, list):
        raise PayloadError("body", "must be a list of subscription events")

    def make(row: Any, where: str) -> list[Change]:
        return of_event(row, where, delivery)

    # Merges first: the deletion of a merged contact must not come before its merge.
    return sorted(
        of_each(body, make), key=lambda change: getattr(change, "type", "") != "customer.merged"
    )


def of_event(row: Any, where: str, delivery: IncomingWebhook) -> list[Change]:
    """Return the changes of one event; none for an unknown event: there are many, and new ones are
    added."""
    if not isinstance(row, dict):
        raise PayloadError(where, "must be an object")
    kind, _, event = scalar(row.get("subscriptionType")).partition(".")
    if kind == "object":
        type_id = scalar(row.get("objectTypeId"))
        kind = type_id
    kind = KINDS.get(kind, kind)
    make = EVENTS.get(event)
    if make is None or not kind or kind in AGENTS:
        return []
    needed(row, "objectId", where)
    made = make(kind, row, where)
    name = scalar(row.get("propertyName"))
    hidden = event == "propertyChange" and INTERNAL.search(name)
    return [] if hidden and name not in allowed(delivery, kind) else made


def changed(kind: str, row: dict[str, Any], where: str) -> list[Change]:
    whole, key = needed(row, "propertyName", where), f"hubspot:{kind}:{row['objectId']}"
    name, note = whole[:LONGEST_NAME], ""
    if name != whole:
        note = f'"propertyName" was cut: {LONGEST_NAME} of its {len(whole):,} characters are kept'
    record = {
        # The digest keeps apart long names with the same beginning.
        "id": f"{key}:{name}{storable.digest(whole) if note else ''}",
        "kind": kind,
        # An object without a contact gets a scope of its own: it must not become shared.
        "customer": str(row["objectId"]) if kind == "contact" else key,
        "title": f"{kind.title()} {row['objectId']}: {name.replace('_', ' ')}",
        "fields": {name: row.get("propertyValue")},
        "updated_at": moment(row, where),
    }
    return [Change("record.upserted", record, where, note)]


def deleted(kind: str, row: dict[str, Any], where: str) -> list[Change]:
    key = f"hubspot:{kind}:{row['objectId']}"
    data = {"id": key, "parts": True, "updated_at": moment(row, where)}
    # HubSpot deletes each contact that it has merged into another.
    of = {"of_customer": str(row["objectId"])} if kind == "contact" else {}
    return [Change("record.deleted", data | of, where)]


def restored(kind: str, row: dict[str, Any], where: str) -> list[Change]:
    """Restore an object; HubSpot does not send its properties again."""
    data = {"id": f"hubspot:{kind}:{row['objectId']}", "updated_at": moment(row, where)}
    return [Change("record.restored", data, where)]


def erased(kind: str, row: dict[str, Any], where: str) -> list[Change]:
    if kind != "contact":
        return deleted(kind, row, where)
    data = {"id": str(row["objectId"]), "updated_at": moment(row, where)}
    return [Change("customer.erased", data, where)]


def merged(kind: str, row: dict[str, Any], where: str) -> list[Change]:
    """Merge contacts into the new one that HubSpot makes of them, or into the primary one."""
    if kind != "contact":
        return []
    primary, new = scalar(row.get("primaryObjectId")), scalar(row.get("newObjectId"))
    into, at = new or primary, moment(row, where)
    contacts = [primary, *map(scalar, member(row, "mergedObjectIds", list, where))]
    merged_ids = dict.fromkeys(id for id in contacts if id not in ("", into))
    return [
        Change("customer.merged", {"from": id, "into": into, "updated_at": at}, where)
        for id in merged_ids
    ]


def moment(row: dict[str, Any], where: str) -> str:
    """Return the time of the event; occurredAt is in milliseconds."""
    try:
        return datetime.fromtimestamp(row["occurredAt"] / 1000, UTC).isoformat()
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise PayloadError(f"{where}.occurredAt", "must be a time in milliseconds") from None


EVENTS = {
    "propertyChange": changed,
    "deletion": deleted,
    "restore": restored,
    "privacyDeletion": erased,
    "merge": merged,
}
