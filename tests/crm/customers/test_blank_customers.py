"""A record without a customer is everybody's: only an explicit null says so, never a blank."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from chatbot.management import json_lines
from crm import dialects
from crm.dialects import IncomingWebhook, PayloadError, generic
from crm.inbound import reception
from crm.knowledge import records
from crm.models import Record
from crm.plumbing import storable
from inference.text import blank, trimmed
from tests.fakes import ALICE, order

pytestmark = pytest.mark.services

BLANKS = [
    "",
    " ",
    "\t\n",
    "\u00a0",
    "\u3000",
    "\u200b",
    "\u200b \ufeff",
    "\u2060",
    "\u3164",
    "\u00ad",
]
MISSING = object()


def row(customer: Any) -> dict[str, Any]:
    made = order(7, ALICE) | {"customer": customer}
    if customer is MISSING:
        del made["customer"]
    return made


@pytest.mark.parametrize("customer", [*BLANKS, MISSING])
def test_what_is_blank_or_missing_is_refused_and_said(customer: Any) -> None:
    with pytest.raises(storable.RecordError, match='"customer" is missing or blank: .* or null'):
        records.parse(row(customer))


@pytest.mark.parametrize("customer", [True, 7.5, ["alice"], {}])
def test_what_is_no_id_is_refused(customer: Any) -> None:
    with pytest.raises(storable.RecordError, match="must be a string"):
        records.parse(row(customer))


def test_null_shares_and_an_id_is_trimmed_of_what_nobody_sees() -> None:
    assert records.parse(row(None)).customer_id is None
    for text in (" alice", "alice\u200b", "\ufeffalice\u00a0"):
        assert records.parse(row(text)).customer_id == "alice"
    assert records.parse(row(0)).customer_id == "0"


@given(st.text(max_size=8))
def test_an_id_is_refused_or_shows_at_both_ends(text: str) -> None:
    seen = trimmed(text)
    assert seen in text
    assert seen == trimmed(f" {text}\u200b") == trimmed(seen)
    assert bool(seen) != blank(text)


@pytest.mark.django_db
def test_an_import_goes_on_without_the_blank_rows() -> None:
    report = records.import_records([order(1, ALICE), *map(row, [*BLANKS, MISSING])])
    assert (report.created, len(report.errors)) == (1, len(BLANKS) + 1)
    assert not Record.objects.filter(customer=None).exists()


@pytest.mark.django_db
def test_a_deletion_needs_no_customer_and_the_row_keeps_its_own() -> None:
    records.import_records([order(7, ALICE)])
    gone = row(MISSING) | {"deleted": True, "updated_at": "2026-11-09T00:00:00Z"}
    assert records.import_records([gone]).updated == 1
    kept = Record.objects.get()
    assert (kept.deleted, kept.customer_id) == (True, ALICE), "erasing alice takes its title along"


MAPPING = {"id": "$.id", "kind": "order", "title": "$.title", "updated_at": "$.updated_at"}
CASE = {"attributes": {"type": "Case"}, "Id": "500xx1", "LastModifiedDate": "2026-11-20T14:03:00Z"}
CONTACT = {"event": "contact_created", "id": 33, "name": "Alice"}
TICKET = {"id": "77", "subject": "Refund", "updated_at": "2026-11-20T14:03:00Z"}
PLATFORM = {"Id__c": "order:8", "Kind__c": "order", "Title__c": "8", "CreatedDate": "2026-11-20"}


def bodies(customer: Any) -> dict[str, Any]:
    """For each dialect a payload with this customer."""
    zammad = {"number": "4", "title": "T", "customer": {"id": customer}, "updated_at": "2026-11-20"}
    zendesk = {
        "type": "zen:event-type:ticket.created",
        "detail": TICKET | {"requester_id": customer},
    }
    return {
        "attune": {"type": "record.upserted", "data": row(customer)},
        "generic": row(customer),
        "chatwoot": CONTACT | {"identifier": customer},
        "salesforce": {"notifications": [{"sObject": CASE | {"ContactId": customer}}]},
        "zammad": {"ticket": zammad},
        "zendesk": zendesk,
    }


def owners(dialect: str, body: Any) -> set[str | None]:
    changes = reception.preview(
        dialect, MAPPING | {"customer": "$.customer"}, json.dumps(body).encode()
    )
    return {records.parse(change.data).customer_id for change in changes}


@pytest.mark.parametrize("dialect", bodies(""))
@pytest.mark.parametrize("customer", [*BLANKS, None])
def test_no_dialect_makes_a_blank_everybodys(dialect: str, customer: Any) -> None:
    if dialect == "attune" and customer is None:
        return  # Its own word for shared.
    try:
        assert None not in owners(dialect, bodies(customer)[dialect])
    except PayloadError as error:
        assert "customer" in str(error)


def test_every_dialect_with_records_of_customers_is_tried() -> None:
    assert {*bodies(""), "hubspot"} == set(dialects.names()), "HubSpot's objectId is a number"


def test_shared_is_said_explicitly_in_each_dialect_that_can() -> None:
    changes = reception.preview(
        "generic", MAPPING | {"shared": True}, json.dumps(row(" ")).encode()
    )
    assert [change.data["customer"] for change in changes] == [None]
    body = {"payload": PLATFORM | {"Shared__c": True}}
    assert owners("salesforce", body) == {None}
    with pytest.raises(PayloadError, match="set Shared__c"):
        owners("salesforce", {"payload": PLATFORM})
    with pytest.raises(PayloadError, match="missing or blank"):
        owners("salesforce", {"payload": PLATFORM | {"Shared__c": True, "Customer__c": " "}})


def test_a_deletion_in_a_dialect_needs_no_customer() -> None:
    gone = row(MISSING) | {"deleted": True}
    mapping = MAPPING | {"customer": "$.customer", "deleted": "$.deleted"}
    generic.check(mapping)
    (change,) = generic.changes(gone, IncomingWebhook(b"", {}, mapping=mapping))
    reception.check(change, timezone.now())


@pytest.mark.parametrize("customer", BLANKS)
@pytest.mark.parametrize("command", ["ask", "retrieve"])
def test_a_blank_customer_of_a_command_is_an_error_and_not_a_stranger(
    command: str, customer: str
) -> None:
    with pytest.raises(CommandError, match="--customer is blank"):
        call_command(command, "Where is my order?", "--customer", customer)
    with pytest.raises(json_lines.LineError):
        json_lines.customer_of({"customer": customer})
