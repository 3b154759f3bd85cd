"""Salesforce: a JSON callout with an outbound message's objects or a platform event.

Salesforce signs neither: its Named Credential sends the secret as a bearer token.
"""

import hmac
import re
import string
from typing import Any

from crm.adapters import Change, Delivery, PayloadError, Refused, many, member

# At the end of an id: alone, or as in "case:500…".
SHORT_ID = re.compile(r"(?<![0-9A-Za-z])(?=\d*[A-Za-z])[05a][0-9A-Za-z]{14}$")
HIDDEN = {"attributes", "Id", "Name", "Subject", "Description", "LastModifiedDate", "IsDeleted"}


def full_id(id: str) -> str:
    """Salesforce writes one id with 15 characters, whose case counts, and with 18, where three more
    say which of the 15 are upper case. All that comes is kept under the 18."""
    if not (found := SHORT_ID.search(id)):
        return id
    fives = (found[0][at : at + 5] for at in (0, 5, 10))
    upper = (sum(1 << at for at, one in enumerate(five) if one.isupper()) for five in fives)
    return id + "".join((string.ascii_uppercase + "012345")[number] for number in upper)


def verify(delivery: Delivery, secret: str) -> None:
    given = delivery.headers.get("authorization", "").encode()
    if not hmac.compare_digest(f"Bearer {secret}".encode(), given):
        raise Refused("signature")


def changes(body: Any, delivery: Delivery) -> list[Change]:
    if isinstance(body, dict) and "payload" in body:
        return [platform_event(member(body, "payload", dict))]
    rows = many(member(body, "notifications", list), "notifications")
    return [outbound(row, f"notifications[{place}].sObject") for place, row in enumerate(rows)]


def outbound(row: Any, where: str) -> Change:
    found = member(row, "sObject", dict, where.removesuffix(".sObject"))
    kind = member(found.get("attributes"), "type", str, f"{where}.attributes").lower()
    key = full_id(member(found, "Id", str, where))
    if found.get("IsDeleted") is True:
        return gone(kind, key, found, where)
    record = {
        "id": f"{kind}:{key}",
        "kind": kind,
        # Without a customer it gets a scope of its own: it must not become shared.
        "customer": key if kind == "contact" else spelled(found, "ContactId", f"salesforce:{key}"),
        "title": found.get("Subject") or found.get("Name") or f"{kind.title()} {key}",
        "text": found.get("Description") or "",
        "fields": {k: v for k, v in found.items() if k not in HIDDEN and v is not None},
        "updated_at": found.get("LastModifiedDate"),
    }
    return Change("record.upserted", record, where)


def gone(kind: str, key: str, found: dict[str, Any], where: str) -> Change:
    """A trigger after deletion names the one that a merged contact goes on as."""
    at = {"updated_at": found.get("LastModifiedDate")}
    if kind == "contact" and found.get("MasterRecordId"):
        into = spelled(found, "MasterRecordId")
        return Change("customer.merged", {"from": key, "into": into, **at}, where)
    data = {"id": f"{kind}:{key}", **at} | ({"of_customer": key} if kind == "contact" else {})
    return Change("record.deleted", data, where)


def spelled(row: dict[str, Any], name: str, otherwise: Any = None) -> Any:
    value = row.get(name) or otherwise
    return full_id(value) if isinstance(value, str) else value


def platform_event(payload: dict[str, Any]) -> Change:
    """An event defined for Attune: its fields are named as a record's, with __c at their end."""
    plain = {key.removesuffix("__c").lower(): value for key, value in payload.items()}
    names = ("id", "kind", "customer", "title", "text", "updated_at", "deleted")
    record = {name: plain[name] for name in names if name in plain}
    record |= {name: spelled(record, name) for name in ("id", "customer") if name in record}
    record.setdefault("updated_at", payload.get("CreatedDate"))
    kind = "record.deleted" if record.pop("deleted", False) else "record.upserted"
    if not record.get("customer") and kind == "record.upserted":
        if plain.get("shared") is not True:
            raise PayloadError(
                "payload.Customer__c", "is missing; set Shared__c for shared knowledge"
            )
        record["customer"] = None
    return Change(kind, record, "payload")
