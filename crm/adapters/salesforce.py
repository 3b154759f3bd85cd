"""Salesforce: a JSON callout with an outbound message's objects or a platform event.

Salesforce signs neither: its Named Credential sends the secret as a bearer token.
"""

import hmac
from typing import Any

from crm.adapters import (
    Change,
    Delivery,
    PayloadError,
    Refused,
    allowed,
    check_public,
    member,
    of_each,
    scalar,
)

TAKES_PARTS = True
# Salesforce's own fields that speak to the customer, of the objects that customers ask about. A
# label may be changed and a field of a company's own says nothing of its reader, so whatever is not
# here is the agents', unless the source's mapping shows it.
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
# These make the title and the text.
SPOKEN = {"Name", "Subject", "Description"}
check = check_public


def verify(delivery: Delivery, secret: str) -> None:
    given = delivery.headers.get("authorization", "").encode()
    if not hmac.compare_digest(f"Bearer {secret}".encode(), given):
        raise Refused("signature")


def changes(body: Any, delivery: Delivery) -> list[Any]:
    if isinstance(body, dict) and "payload" in body:
        return [platform_event(member(body, "payload", dict))]

    def one(row: Any, where: str) -> list[Change]:
        return [outbound(row, f"{where}.sObject", delivery)]

    return of_each(member(body, "notifications", list), one, "notifications")


def outbound(row: Any, where: str, delivery: Delivery) -> Change:
    found = member(row, "sObject", dict, where.removesuffix(".sObject"))
    kind = member(found.get("attributes"), "type", str, f"{where}.attributes").lower()
    key = member(found, "Id", str, where)
    if found.get("IsDeleted") is True:
        return gone(kind, key, found, where)
    names = PUBLIC.get(kind, set()) | allowed(delivery, kind)
    shown = {name: found[name] for name in found if name in names and found[name] is not None}
    record = {
        "id": f"{kind}:{key}",
        "kind": kind,
        # Without a customer it gets a scope of its own: it must not become shared.
        "customer": key if kind == "contact" else found.get("ContactId") or f"salesforce:{key}",
        "title": scalar(shown.get("Subject") or shown.get("Name")) or f"{kind.title()} {key}",
        "text": scalar(shown.get("Description")),
        "fields": {name: value for name, value in shown.items() if name not in SPOKEN},
        "updated_at": found.get("LastModifiedDate"),
    }
    return Change("record.upserted", record, where)


def gone(kind: str, key: str, found: dict[str, Any], where: str) -> Change:
    """A trigger after deletion names the one that a merged contact goes on as."""
    at = {"updated_at": found.get("LastModifiedDate")}
    if kind == "contact" and found.get("MasterRecordId"):
        return Change(
            "customer.merged", {"from": key, "into": found["MasterRecordId"], **at}, where
        )
    return Change("record.deleted", {"id": f"{kind}:{key}", **at}, where)


def platform_event(payload: dict[str, Any]) -> Change:
    """An event defined for Attune: its fields are named as a record's, with __c at their end."""
    plain = {key.removesuffix("__c").lower(): value for key, value in payload.items()}
    names = ("id", "kind", "customer", "title", "text", "updated_at", "deleted")
    record = {name: plain[name] for name in names if name in plain}
    record.setdefault("updated_at", payload.get("CreatedDate"))
    if not record.get("customer") and plain.get("shared") is not True:
        raise PayloadError("payload.Customer__c", "is missing; set Shared__c for shared knowledge")
    kind = "record.deleted" if record.pop("deleted", False) else "record.upserted"
    return Change(kind, record, "payload")
