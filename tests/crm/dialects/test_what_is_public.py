"""Of what agents keep to themselves no word becomes a passage, in whatever dialect it comes."""

import json
from typing import Any

import pytest

from crm import dialects
from crm.dialects import IncomingWebhook
from crm.inbound import apply, reception
from crm.models import Passage, Record
from tests.crm.dialects.test_dialects import FIXTURES, SIGNED, URL, applied, source

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def told() -> str:
    """Everything that an answer could be made of."""
    texts = [*Passage.objects.values_list("text", flat=True)]
    return "\n".join([*texts, *(str(row) for row in Record.objects.values())])


def sent(dialect: str, name: str, change: Any = None, mapping: Any = None) -> str:
    """A fixture, altered by `change`, and what could be told afterwards."""
    body = json.loads((FIXTURES / dialect / f"{name}.json").read_text())
    if change:
        change(body)
    raw = json.dumps(body).encode()
    delivery = IncomingWebhook(raw, SIGNED[dialect](raw), "POST", URL, mapping or {})
    event = reception.event(source(dialect), delivery)
    assert event.state == "received", event.reason
    reception.insert([event])
    apply.apply_pending()
    return told()


@pytest.mark.parametrize("public", [False, None, "false", 0, "missing"])
def test_zendesk_keeps_the_status_of_a_private_ticket_and_no_word_of_it(public: Any) -> None:
    def change(body: Any) -> None:
        body["detail"]["is_public"] = public
        if public == "missing":
            del body["detail"]["is_public"]

    text = sent("zendesk", "ticket-private", change)
    assert "fraud" not in text.lower()
    assert Record.objects.get().fields["status"] == "OPEN"
    assert Record.objects.get().title == "Ticket 78"


def test_a_zendesk_ticket_that_becomes_private_is_forgotten_but_for_its_status() -> None:
    assert "Please refund it" in sent("zendesk", "ticket")

    def change(body: Any) -> None:
        body["id"] = "01HD"
        body["detail"] |= {"is_public": False, "updated_at": "2026-11-21T00:00:00Z"}

    assert "refund" not in sent("zendesk", "ticket", change).lower()


def test_salesforce_tells_its_own_public_fields_and_what_the_mapping_shows() -> None:
    text = sent("salesforce", "case-with-internal-fields")
    assert "Tent leaks" in text and "Working" in text and "The floor is wet" in text
    for hidden in ("nothing yet", "margin", "005xx1", "2027-03-01", "1 March 2027"):
        assert hidden not in text

    def later(body: Any) -> None:
        body["notifications"][0]["sObject"]["LastModifiedDate"] = "2026-11-21T00:00:00.000+0000"

    shown = {"public": {"Case": ["Warranty_until__c"]}}
    text = sent("salesforce", "case-with-internal-fields", later, shown)
    assert "1 March 2027" in text
    assert "margin" not in text


@pytest.mark.parametrize("kind", ["Opportunity", "Task", "CaseComment", "Loyalty_note__c"])
def test_of_a_salesforce_object_that_is_not_the_customers_nothing_is_told(kind: str) -> None:
    def change(body: Any) -> None:
        found = body["notifications"][0]["sObject"]
        found["attributes"]["type"] = kind
        found |= {"Name": "secret plan", "CommentBody": "secret", "Description": "secret"}

    text = sent("salesforce", "case-with-internal-fields", change)
    assert "secret" not in text and "leaks" not in text


def test_the_description_of_a_salesforce_contact_is_the_agents() -> None:
    def change(body: Any) -> None:
        body["notifications"][0]["sObject"]["attributes"]["type"] = "Contact"

    assert "wet" not in sent("salesforce", "case-with-internal-fields", change)


def test_hubspots_notes_and_properties_for_agents_are_never_told() -> None:
    text = sent("hubspot", "objects")
    assert "31 December 2026" in text
    assert "Difficult" not in text and "refund" not in text


@pytest.mark.parametrize("kind", ["0-46", "0-48", "0-49", "0-27", "0-47", "0-18"])
def test_hubspots_calls_mails_and_tasks_are_never_told(kind: str) -> None:
    def change(body: Any) -> None:
        body[2] |= {"objectTypeId": kind, "propertyName": "body"}

    assert "Difficult" not in sent("hubspot", "objects", change)


@pytest.mark.parametrize(
    "name", ["hs_lead_status", "staff_only", "Internal_Comments", "agent_notes", "churn_score"]
)
def test_a_hubspot_property_that_is_internal_by_its_name_is_told_only_if_shown(name: str) -> None:
    def change(body: Any) -> None:
        body[3]["propertyName"] = name

    assert "refund" not in sent("hubspot", "objects", change)

    def again(body: Any) -> None:
        change(body)
        body[3]["eventId"] = 99

    assert "refund" in sent("hubspot", "objects", again, {"public": {"contact": [name]}})


@pytest.mark.parametrize("internal", [True, None, "false", 0, "missing"])
def test_a_zammad_article_is_told_only_if_it_says_that_it_is_public(internal: Any) -> None:
    def change(body: Any) -> None:
        body["article"]["internal"] = internal
        if internal == "missing":
            del body["article"]["internal"]

    assert "Monday" not in sent("zammad", "ticket", change)
    assert Record.objects.get().fields["state"] == "open"


def test_chatwoots_custom_attributes_are_the_agents_unless_shown() -> None:
    text = sent("chatwoot", "contact-with-attributes")
    assert "bob@birch.example" in text
    assert "ZEBRA" not in text and "churn" not in text.lower()

    def later(body: Any) -> None:
        body["updated_at"] += 60

    shown = {"public": {"contact": ["vip_code"]}}
    text = sent("chatwoot", "contact-with-attributes", later, shown)
    assert "ZEBRA-77" in text and "churn" not in text.lower()


@pytest.mark.parametrize(
    "mapping", [{"public": []}, {"public": {"case": "x"}}, {"public": {"case": [5]}}, []]
)
def test_a_mapping_that_shows_nothing_that_is_a_name_is_refused(mapping: Any) -> None:
    with pytest.raises(ValueError, match="fields by object"):
        dialects.check_mapping("salesforce", mapping)


def test_what_the_fixtures_show_is_still_shown() -> None:
    applied("salesforce", "outbound-message")
    assert "The zip is torn." in told()
