"""Salesforce: a JSON callout with an outbound message's objects or a platform event.

Salesforce signs neither: its Named Credential sends the secret as a bearer token.
"""

import hmac
import re
import string
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
# At the end of an id: alone, or as in "case:500…".
SHORT_ID = re.compile(r"(?<![0-9A-Za-z])(?=\d*[A-Za-z])[05a][0-9A-Za-z]{14}$")


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


def changes(body: Any, delivery: Delivery) -> list[Any]:
    if isinstance(body, dict) and "payload" in body:
        return [platform_event(member(body, "payload", dict))]

    def one(row: Any, where: str) -> list[Change]:
        return [outbound(row, f"{where}.sObject", delivery)]

    return of_each(member(body, "notifications", list), one, "notifications")


def outbound(row: Any, where: str, delivery: Delivery) -> Change:
    found = member(row, "sObject", dict, where.removesuffix(".sObject"))
    kind = member(found.get("attributes"), "type", str, f"{where}.attributes").lower()
    key = full_id(member(found, "Id", str, where))
    if found.get("IsDeleted") is True:
        return gone(kind, key, found, where)
    names = PUBLIC.get(kind, set()) | allowed(delivery, kind)
    shown = {name: found[name] for name in found if name in names and found[name] is not None}
    record = {
        "id": f"{kind}:{key}",
        "kind": kind,
        # Without a customer it gets a scope of its own: it must not become shared.
        "customer": key if kind == "contact" else spelled(found, "ContactId", f"salesforce:{key}"),
        "title": scalar(shown.get("Subject") or shown.get("Name")) or f"{kind.title()} {key}",
        "text": scalar(shown.get("Description")),
        "partial": "Description" not in found,
        "fields": {name: value for name, value in shown.items() if name not in SPOKEN},
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
