"""Salesforce: a JSON callout with an outbound message's objects or a platform event.

Salesforce signs neither: its Named Credential sends the secret as a bearer token.
"""

import hmac
import re
import string
from typing import Any

from crm.dialects import (
    Change,
    IncomingWebhook,
    PayloadError,
    Refused,
    allowed,
    check_public,
    member,
    of_each,
    scalar,
)

TAKES_PARTS = True
# Standard fields meant for customers, of the objects that customers ask about. A label may be
# changed, and a custom field does not say who may read it: so fields that are not listed here are
# for agents only, unless the source's mapping shows them.
PUBLIC = {
    kind: set(fields.split())
    for kind, fields in {
        "account": "Name AccountNumber Phone",
        "asset": "Name SerialNumber Status Quantity Price PurchaseDate InstallDate UsageEndDate",
        "case": "Subject Description CaseNumber Status Priority Reason Type Origin CreatedDate "
        "ClosedDate",
        "contact": "Name FirstName LastName Email Phone MobilePhone MailingStreet MailingCity "
        "MailingPostalCode MailingCountry",
        "contract": "ContractNumber Status StartDate EndDate ContractTerm ActivatedDate",
        "order": "Name OrderNumber Status Type EffectiveDate EndDate ActivatedDate TotalAmount "
        "CurrencyIsoCode PoNumber ShippingStreet ShippingCity ShippingPostalCode ShippingCountry",
        "product2": "Name Description ProductCode Family QuantityUnitOfMeasure",
        "workorder": "Subject WorkOrderNumber Status Priority StartDate EndDate",
    }.items()
}
# These fields become the title and the text.
SPOKEN = {"Name", "Subject", "Description"}
check = check_public
# A short id at the end: alone, or as in "case:500…".
SHORT_ID = re.compile(r"(?<![0-9A-Za-z])(?=\d*[A-Za-z])[05a][0-9A-Za-z]{14}$")


def full_id(id: str) -> str:
    """Return the form of an id with 18 characters. Salesforce also writes ids with 15
    characters, which are case-sensitive; the other three say which of these are upper case."""
    if not (short := SHORT_ID.search(id)):
        return id
    fives = (short[0][at : at + 5] for at in (0, 5, 10))
    upper = (sum(1 << at for at, letter in enumerate(five) if letter.isupper()) for five in fives)
    return id + "".join((string.ascii_uppercase + "012345")[number] for number in upper)


def verify(delivery: IncomingWebhook, secret: str) -> None:
    given = delivery.headers.get("authorization", "").encode()
    if not hmac.compare_digest(f"Bearer {secret}".encode(), given):
        raise Refused("signature")


def changes(body: Any, delivery: IncomingWebhook) -> list[Any]:
    if isinstance(body, dict) and "payload" in body:
        return [platform_event(member(body, "payload", dict))]

    def one(row: Any, where: str) -> list[Change]:
        return [outbound(row, f"{where}.sObject", delivery)]

    return of_each(member(body, "notifications", list), one, "notifications")


def outbound(row: Any, where: str, delivery: IncomingWebhook) -> Change:
    sobject = member(row, "sObject", dict, where.removesuffix(".sObject"))
    kind = member(sobject.get("attributes"), "type", str, f"{where}.attributes").lower()
    key = full_id(member(sobject, "Id", str, where))
    if sobject.get("IsDeleted") is True:
        return deleted(kind, key, sobject, where)
    names = PUBLIC.get(kind, set()) | allowed(delivery, kind)
    shown = {name: sobject[name] for name in sobject if name in names and sobject[name] is not None}
    record = {
        "id": f"{kind}:{key}",
        "kind": kind,
        # An object without a customer gets a scope of its own: it must not become shared.
        "customer": key
        if kind == "contact"
        else spelled(sobject, "ContactId", f"salesforce:{key}"),
        "title": scalar(shown.get("Subject") or shown.get("Name")) or f"{kind.title()} {key}",
        "text": scalar(shown.get("Description")),
        "partial": "Description" not in sobject,
        "fields": {name: value for name, value in shown.items() if name not in SPOKEN},
        "updated_at": sobject.get("LastModifiedDate"),
    }
    return Change("record.upserted", record, where)


def deleted(kind: str, key: str, sobject: dict[str, Any], where: str) -> Change:
    """Return a deletion, or a merge if the deleted contact names the one it was merged into."""
    at = {"updated_at": sobject.get("LastModifiedDate")}
    if kind == "contact" and sobject.get("MasterRecordId"):
        into = spelled(sobject, "MasterRecordId")
        return Change("customer.merged", {"from": key, "into": into, **at}, where)
    data = {"id": f"{kind}:{key}", **at} | ({"of_customer": key} if kind == "contact" else {})
    return Change("record.deleted", data, where)


def spelled(row: dict[str, Any], name: str, otherwise: Any = None) -> Any:
    value = row.get(name) or otherwise
    return full_id(value) if isinstance(value, str) else value


def platform_event(payload: dict[str, Any]) -> Change:
    """Read an event defined for Attune: its fields are named like a record's, ending in __c."""
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
