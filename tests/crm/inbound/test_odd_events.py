"""Vendors' events as they come: what is not understood takes nothing else along."""

import base64
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm import dialects
from crm.dialects import IncomingWebhook
from crm.inbound import apply, reception
from crm.knowledge import records
from crm.models import Customer, InboundEvent, Passage, Record
from tests.crm.dialects.test_dialects import SIGNED, URL, mac, source
from tests.crm.dialects.test_what_is_public import sent
from tests.crm.inbound.test_inbound import fresh, order, post, upserted  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def taken(dialect: str, body: Any) -> InboundEvent:
    raw = json.dumps(body).encode()
    event = reception.event(
        source(dialect), IncomingWebhook(raw, SIGNED[dialect](raw), "POST", URL)
    )
    reception.insert([event])
    apply.apply_pending()
    return InboundEvent.objects.latest("id")


def changed(name: str = "plan", **more: Any) -> dict[str, Any]:
    return {
        "objectId": 51,
        "subscriptionType": "contact.propertyChange",
        "propertyName": name,
        "propertyValue": "gold",
        "occurredAt": 1763647380000,
    } | more


# --- HubSpot


@pytest.mark.parametrize(
    "foreign",
    [
        {"subscriptionType": "contact.associationChange", "fromObjectId": 51, "toObjectId": 7},
        {"subscriptionType": "conversation.newMessage"},
        {"subscriptionType": "object.creation", "objectTypeId": "0-1"},
        {"subscriptionType": None},
        {},
    ],
)
def test_an_event_of_another_kind_takes_its_neighbours_not_along(foreign: Any) -> None:
    event = taken("hubspot", [changed(), foreign, changed("size")])
    assert (event.state, event.reason) == ("applied", "")
    assert Record.objects.count() == 2


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (changed("size", occurredAt="soon"), "[1].occurredAt: must be a time in milliseconds"),
        (changed("size", objectId=None), "[1].objectId: is missing"),
        (changed("size", objectId={}), "[1].objectId: must be a text or number"),
        (changed(name=""), "[1].propertyName: is missing"),
        ("text", "[1]: must be an object"),
    ],
)
def test_one_that_does_not_fit_is_named_and_the_others_are_taken(bad: Any, why: str) -> None:
    event = taken("hubspot", [changed(), bad])
    assert (event.state, event.reason) == ("applied", f"not taken: {why}")
    assert Record.objects.count() == 1


@pytest.mark.parametrize("length", [101, 201, 500, 5_000])
def test_a_hubspot_property_with_too_long_a_name_is_stored_under_its_beginning(length: int) -> None:
    long = "plan_" + "x" * length
    event = taken("hubspot", [changed(long + "1"), changed(long + "2"), changed()])
    assert (event.state, Record.objects.count()) == ("applied", 3)
    assert f'[0]: "propertyName" was cut: 100 of its {length + 6:,} characters' in event.reason
    assert {record.fields.get(long[:100]) for record in Record.objects.all()} == {"gold", None}
    later = changed(long + "1", propertyValue="silver", occurredAt=1763647380000 + 60_000)
    taken("hubspot", [later])
    assert Record.objects.count() == 3
    values = [value for record in Record.objects.all() for value in record.fields.values()]
    assert sorted(values) == ["gold", "gold", "silver"]


def test_a_batch_of_which_nothing_fits_is_refused() -> None:
    raw = json.dumps([changed(occurredAt="soon")]).encode()
    delivery = IncomingWebhook(raw, SIGNED["hubspot"](raw), "POST", URL)
    assert reception.event(source("hubspot"), delivery).state == "refused"


@pytest.mark.parametrize(
    ("type_id", "key"),
    [("0-1", "hubspot:contact:51:plan"), ("0-3", "hubspot:deal:51:plan"),
     ("2-88", "hubspot:2-88:51:plan"), ("0-5", "hubspot:ticket:51:plan")],
)  # fmt: skip
def test_hubspots_newer_events_name_the_object_by_its_type(type_id: str, key: str) -> None:
    taken("hubspot", [changed(subscriptionType="object.propertyChange", objectTypeId=type_id)])
    found = Record.objects.get()
    assert found.id == key
    assert found.customer_id == ("51" if type_id == "0-1" else f"hubspot:{key.split(':')[1]}:51")


@pytest.mark.parametrize("kind", ["contact", "object"])
def test_a_restored_contact_has_its_records_back(kind: str) -> None:
    def event(name: str, minutes: int) -> list[dict[str, Any]]:
        at = 1763647380000 + minutes * 60_000
        return [{"objectId": 51, "objectTypeId": "0-1", "occurredAt": at,
                 "subscriptionType": f"{kind}.{name}"}]  # fmt: skip

    taken("hubspot", [changed(), changed("size")])
    taken("hubspot", event("deletion", 1))
    assert not Record.objects.filter(deleted=False).exists()
    taken("hubspot", event("restore", 2))
    assert [record.fields for record in Record.objects.filter(deleted=False)] == [
        {"plan": "gold"},
        {"size": "gold"},
    ]
    taken("hubspot", event("deletion", 3))
    taken("hubspot", [changed("size", occurredAt=1763647380000 + 4 * 60_000)])
    taken("hubspot", event("restore", 2))
    assert Record.objects.filter(deleted=False).count() == 1, "an older one restores nothing"


@pytest.mark.parametrize("query", ["team=eu&x=a%20b", "a=%2Fb%3Ac&d=%C3%A9", "", "x=%25"])
def test_hubspot_signs_the_address_with_its_query(query: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("channels.db.close_old_connections", lambda: None)
    source("hubspot")
    raw, stamp = json.dumps([changed()]).encode(), str(int(time.time() * 1000))
    asked = f"/webhooks/crm/hubspot/{query and '?'}{query}"
    clear = asked.replace("%2F", "/").replace("%3A", ":")
    for signed, status in ((asked, 202), (clear, 202), (f"{asked}x", 401)):
        text = b"POSThttp://localhost:8000" + signed.encode() + raw + stamp.encode()
        headers = {
            "x-hubspot-request-timestamp": stamp,
            "x-hubspot-signature-v3": base64.b64encode(mac(text)).decode(),
        }
        answer = Client().post(asked, raw, content_type="application/json", headers=headers)
        assert answer.status_code == status, signed


# --- Zammad, Zendesk, Salesforce, Chatwoot


@pytest.mark.parametrize(
    "article", [None, {"internal": True, "body": "Difficult."}, "text", 7, [], {"body": "x"}]
)
def test_an_update_of_a_zammad_ticket_that_brings_no_text_leaves_the_earlier_one(
    article: Any,
) -> None:
    def later(body: Any) -> None:
        body["ticket"] |= {"state": "closed", "updated_at": "2026-11-20T18:00:00Z"}
        body["article"] = article

    sent("zammad", "ticket")
    sent("zammad", "ticket", later)
    found = Record.objects.get()
    assert found.text == "It should have come on Monday."
    assert found.fields["state"] == "closed"


def test_a_zammad_article_in_html_is_plain_text_and_what_it_quotes_stands_apart() -> None:
    sent("zammad", "html-article")
    text = "Hello,\n\nthe zip of my Fjord parka broke – again.\n\n> We wrote to you."
    assert Record.objects.get().text == text


@pytest.mark.parametrize("title", [None, "", {}, [], True])
def test_a_title_that_is_none_is_no_word_of_the_records(title: Any) -> None:
    def untitled(body: Any) -> None:
        found = body.get("ticket") or body["detail"]
        found |= {"title": title, "subject": title, "state": None, "created_at": None}

    for dialect, key in (("zammad", "31004"), ("zendesk", "77")):
        sent(dialect, "ticket", untitled)
        assert "None" not in "".join(Passage.objects.values_list("text", flat=True))
        assert Record.objects.get(id=f"ticket:{key}").title == f"Ticket {key}"


def test_too_long_a_ticket_is_cut_and_its_status_known() -> None:
    def long(body: Any) -> None:
        body["detail"] |= {"subject": "s" * 560, "description": "d" * 315_000}

    sent("zendesk", "ticket", long)
    found = Record.objects.get()
    assert found.title.endswith("s [cut]") and found.text.endswith("d [cut]")
    assert found.fields["status"] == "OPEN"
    reason = InboundEvent.objects.get().reason
    assert 'detail: "title" was cut' in reason and "200,000 of its 315,000" in reason


def test_one_salesforce_object_that_does_not_fit_takes_the_others_not_along() -> None:
    def one(key: Any, **more: Any) -> dict[str, Any]:
        return {"sObject": {"attributes": {"type": "Case"}, "Id": key, "ContactId": "003",
                            "LastModifiedDate": "2026-11-20T14:03:00.000+0000"} | more}  # fmt: skip

    event = taken("salesforce", {"notifications": [one("1"), one("2", LastModifiedDate=9), 3]})
    assert event.state == "applied"
    assert 'notifications[1].sObject: "updated_at" is the number 9' in event.reason
    assert "notifications[2]" in event.reason
    assert Record.objects.get().id == "case:1"


# --- Chatwoot


def test_a_partial_update_of_a_chatwoot_contact_leaves_what_it_does_not_carry() -> None:
    def later(body: Any) -> None:
        for name in ("identifier", "name", "email", "custom_attributes"):
            del body[name]
        body |= {"phone_number": "+49 30 1234", "updated_at": "2026-11-20T18:00:00Z"}

    shown = {"public": {"contact": ["plan"]}}
    sent("chatwoot", "contact", mapping=shown)
    text = sent("chatwoot", "contact", later, shown)
    found = Record.objects.get()
    assert (found.title, found.customer_id) == ("Alice Ash", "cust_1")
    assert found.fields == {
        "email": "alice@ash.example",
        "identifier": "cust_1",
        "plan": "gold",
        "phone_number": "+49 30 1234",
    }
    assert "alice@ash.example" in text and "Plan: gold" in text
    assert not Customer.objects.exclude(id="cust_1").exists()


def test_what_a_chatwoot_contact_says_is_null_or_is_no_longer_shown_is_gone() -> None:
    def later(body: Any) -> None:
        del body["custom_attributes"]
        body |= {"email": None, "name": "", "updated_at": "2026-11-20T18:00:00Z"}

    sent("chatwoot", "contact", mapping={"public": {"contact": ["plan"]}})
    sent("chatwoot", "contact", later)
    found = Record.objects.get()
    assert (found.title, found.fields) == ("Contact cust_1", {"identifier": "cust_1"})


def test_two_partial_updates_of_one_batch_add_up() -> None:
    row = order(1, customer="cust_1", fields={"status": "sent", "size": "L"})
    row["text"] = "In the hall."
    partial = {
        "title": "?",
        "customer": "bob",
        "text": "",
        "partial": ["title", "customer", "text"],
    }
    rows = [row]
    for minute, name in enumerate(("status", "size"), 1):
        keeps = [*partial["partial"], "fields.status", "fields.size"]
        later = {"updated_at": f"2027-01-01T00:0{minute}:00Z", "fields": {name: "new"}}
        rows.append(row | partial | later | {"partial": keeps})
    records.import_records(rows)
    found = Record.objects.get()
    assert (found.text, found.customer_id, found.title) == ("In the hall.", "cust_1", row["title"])
    assert found.fields == {"status": "new", "size": "new"}


def test_a_partial_update_of_what_had_no_owner_does_not_become_everybodys() -> None:
    now = timezone.now()
    records.delete("order:1", now - timedelta(days=90))
    later = {"updated_at": now.isoformat(), "partial": ["customer"]}
    records.import_records([order(1, customer="bob", **later)])
    assert Record.objects.get().customer_id == "bob"


def test_chatwoot_may_send_seconds() -> None:
    sent("chatwoot", "contact-with-attributes")
    assert Record.objects.get().updated_at.isoformat() == "2025-11-20T14:03:00+00:00"


# --- every dialect


def test_a_payload_that_a_dialect_trips_over_is_refused_and_kept(monkeypatch: Any) -> None:
    monkeypatch.setattr("crm.dialects.zammad.public_text", lambda article: article["no"])
    raw = b'{"ticket": {"number": 1, "customer": {"id": 1}}, "article": {}}'
    delivery = IncomingWebhook(raw, SIGNED["zammad"](raw), "POST", URL)
    found = reception.event(source("zammad"), delivery)
    assert (found.state, "does not look like" in found.reason) == ("refused", True)


def test_a_nul_that_is_written_out_is_none(monkeypatch: Any) -> None:
    for text, kept in ((r'"C:\\u0000"', True), (r'"C:\\\\u0000"', True), (r'"\u0000"', False)):
        row = json.dumps(order(1)).replace('"Order 1"', text)
        body = f'{{"type": "record.upserted", "data": {row}}}'.encode()
        try:
            assert (dialects.parsed(body) is not None) is kept
        except dialects.PayloadError:
            assert not kept


@pytest.mark.parametrize("path", ["a%00b/", "%00/", "a%00/b/", "%ED%A0%80/", "a b/", "ä/"])
def test_a_source_that_cannot_be_is_not_found(path: str, settings: Any) -> None:
    answer = Client().post(f"/webhooks/crm/{path}", b"{}", content_type="application/json")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path", ["/api/records/a%00b/", "/api/inboxes/a%00/session/", "/admin/crm/record/%00/change/",
             "/admin/crm/record/?kind=%00", "/%00", "/widget/%00/"],
)  # fmt: skip
def test_no_address_holds_a_nul(path: str) -> None:
    for answer in (Client().get(path), Client().post(path)):
        assert answer.status_code == 404
