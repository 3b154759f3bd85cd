"""Contact 501 of one system and user 501 of another are two people, until somebody links them."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as PropertyTestCase

from chatbot.management import json_lines
from crm import dialects
from crm.dialects import Change, PayloadError
from crm.ids import aliases, namespaces
from crm.inbound import apply, reception
from crm.knowledge import records, search
from crm.models import Customer, ImportPlan, InboundEvent, Key, Record, Source
from crm.plumbing import storable
from tests.chatbot.programs import Program
from tests.fakes import order

pytestmark = [pytest.mark.django_db, pytest.mark.services]
AT = "2026-11-20T14:03:00Z"


def added(name: str, dialect: str, *options: str) -> Source:
    call_command("webhooks", "add-source", name, "--dialect", dialect, "--json", *options)
    return Source.objects.get(name=name)


def tells(source: Source, body: Any) -> InboundEvent:
    """As its webhook would, once its signature was checked."""
    speaks = dialects.dialect(source.dialect)
    raw = json.dumps(body).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speaks, "verify", lambda delivery, secret: None)
        patch.setattr(speaks, "event_id", lambda body, delivery: "", raising=False)
        delivery = dialects.IncomingWebhook(raw, {}, mapping=source.mapping)
        event = reception.event(source, delivery)
    reception.insert([event])
    apply.apply_pending()
    return InboundEvent.objects.latest("id")


def ticket(number: str, requester: Any, subject: str = "Refund", **more: Any) -> dict[str, Any]:
    detail = {"id": number, "requester_id": requester, "subject": subject, "updated_at": AT} | more
    return {
        "id": "01H",
        "type": "zen:event-type:ticket.created",
        "time": AT,
        "detail": detail,
    }


def zammad(number: str, customer: Any) -> dict[str, Any]:
    row = {"number": number, "title": "Zip", "customer": {"id": customer}, "updated_at": AT}
    return {"ticket": row}


def contact(id: int, name: str, **facts: Any) -> dict[str, Any]:
    return {"event": "contact_updated", "id": id, "name": name, "custom_attributes": facts}


def owners() -> dict[str, str | None]:
    return dict(Record.objects.values_list("id", "customer_id"))


def test_the_same_ticket_number_of_two_systems_is_two_tickets() -> None:
    tells(added("desk", "zendesk"), ticket("7735402", "501"))
    tells(added("fon", "zammad"), zammad("7735402", 7301))
    assert owners() == {"desk/ticket:7735402": "desk/501", "fon/ticket:7735402": "fon/7301"}


def test_the_same_contact_of_two_accounts_is_two_people() -> None:
    one, two = added("eu", "chatwoot"), added("us", "chatwoot")
    tells(one, contact(7301, "Nora Q"))
    tells(two, contact(7301, "Peter Z", vip_code="ZEBRA-77"))
    names = dict(Customer.objects.values_list("id", "name"))
    assert names == {"eu/7301": "Nora Q", "us/7301": "Peter Z"}


def test_an_erasure_or_deletion_or_merge_of_one_system_leaves_the_others() -> None:
    desk, ring = added("desk", "zendesk"), added("ring", "hubspot")
    records.import_records([order(1, "501"), order(2, "502")])
    tells(desk, ticket("1", "501"))
    before = owners()
    at = {"occurredAt": 1763650980000}
    tells(ring, [{"objectId": 501, "subscriptionType": "contact.privacyDeletion"} | at])
    merged = {"primaryObjectId": 502, "mergedObjectIds": [501], "objectId": 502}
    tells(ring, [{"subscriptionType": "contact.merge"} | merged | at])
    tells(ring, [{"objectId": 501, "subscriptionType": "contact.deletion"} | at])
    assert owners() == before
    assert Customer.objects.get(id="ring/501").erased_at


def test_the_companys_own_ids_are_said_to_be_so(capsys: pytest.CaptureFixture[str]) -> None:
    tells(added("desk", "zendesk", "--own-ids"), ticket("1", "cust_1"))
    assert owners() == {"ticket:1": "cust_1"}
    assert added("erp", "attune").namespace == ""
    assert added("second-erp", "attune", "--their-ids").namespace == "second-erp"
    assert set(json.loads(capsys.readouterr().out.splitlines()[-1])) >= {"url", "secret"}


def test_two_systems_that_speak_attune_are_two_systems() -> None:
    first, second = added("erp", "attune"), added("branch", "attune", "--their-ids")
    for source in (first, second):
        tells(source, {"type": "record.upserted", "data": order(1, "7")})
    tells(second, {"type": "customer.erased", "data": {"id": "7"}})
    assert owners() == {"order:1": "7"}


def test_a_ticket_is_found_by_its_bare_number() -> None:
    tells(added("desk", "zendesk"), ticket("7735402", "501"))
    for question in ("Where is ticket 7735402?", "7735402", "what about #7735402"):
        assert set(search.exact(question, "desk/501")) == {"desk/ticket:7735402"}
        assert not search.exact(question, "501")
    assert {"ticket7735402", "7735402"} <= set(Key.objects.values_list("value", flat=True))


def test_an_id_that_has_no_room_for_its_namespace_is_refused() -> None:
    desk = added("desk", "zendesk")
    assert tells(desk, ticket("1", "5" * 195)).state == "applied"
    refused = tells(desk, ticket("2", "5" * 196))
    assert (refused.state, "longer than 200" in refused.reason) == ("refused", True)


def test_a_blank_id_gets_no_namespace_and_is_refused() -> None:
    refused = tells(added("desk", "zendesk"), ticket("2", " \u200b"))
    assert (refused.state, "missing or blank" in refused.reason) == ("refused", True)


def test_what_a_payload_becomes_is_shown_in_its_namespace() -> None:
    body = json.dumps(ticket("1", "501")).encode()
    (change,) = reception.preview("zendesk", {}, body, "desk")
    assert (change.data["id"], change.data["customer"]) == ("desk/ticket:1", "desk/501")


# --- linking


def test_linked_they_are_one_person_before_and_afterwards() -> None:
    desk = added("desk", "zendesk")
    tells(desk, ticket("1", "501"))
    records.import_records([order(1, "cust_1")])
    call_command("webhooks", "link", "desk", "501", "cust_1")
    tells(desk, ticket("2", 501))
    assert set(owners().values()) == {"cust_1"}
    assert aliases.resolve("desk/501") == "cust_1"


def test_a_signed_merge_of_ones_own_crm_links_too() -> None:
    desk, erp = added("desk", "zendesk"), added("erp", "attune")
    tells(desk, ticket("1", "501"))
    tells(erp, {"type": "customer.merged", "data": {"from": "desk/501", "into": "cust_1"}})
    tells(erp, {"type": "customer.merged", "data": {"from": "desk/501", "into": "cust_1"}})
    assert set(owners().values()) == {"cust_1"}


def test_a_link_that_cannot_be_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    added("desk", "zendesk")
    added("own", "zammad", "--own-ids")
    for words, why in (
        (("nobody", "501", "cust_1"), "There is no source 'nobody'"),
        (("own", "501", "cust_1"), "already uses your own ids"),
        (("desk", " ", "cust_1"), "is missing or empty"),
        (("desk", "501", "\u200b"), "is missing or empty"),
    ):
        with pytest.raises(CommandError, match=why):
            call_command("webhooks", "link", *words)
    tells(Source.objects.get(name="desk"), ticket("1", "77"))
    with pytest.raises(CommandError, match="desk/77"):
        call_command("webhooks", "link", "desk", "501", "77")


def test_a_bare_id_of_another_systems_customer_is_no_guess() -> None:
    tells(added("desk", "zendesk"), ticket("1", "501"))
    tells(added("ring", "chatwoot"), contact(501, "Peter Z"))
    with pytest.raises(CommandError, match=r"have it: desk/501, ring/501"):
        call_command("retrieve", "refund", "--customer", "501")
    with pytest.raises(json_lines.LineError, match="desk/501"):
        json_lines.customer_of({"customer": "501"})
    with pytest.raises(CommandError, match="desk/501"):
        call_command("privacy", "export", "501")
    records.import_records([order(1, "501")])
    assert json_lines.customer_of({"customer": "501"}) == "501", "the company's own"
    assert json_lines.customer_of({"customer": "desk/501"}) == "desk/501"


def test_the_api_finds_a_person_by_any_id_and_names_the_candidates() -> None:
    erp = Program("records:read", "webhooks:read", "webhooks:write")
    tells(added("desk", "zendesk"), ticket("1", "501"))
    answer = erp.ask("GET", "records/?customer=501")
    assert (answer.status_code, "desk/501" in answer.content.decode()) == (400, True)
    call_command("webhooks", "link", "desk", "501", "cust_1")
    for id in ("desk/501", "cust_1"):
        rows = erp.ask("GET", f"records/?customer={id}").json()["items"]
        assert [row["id"] for row in rows] == ["desk/ticket:1"]
        found = erp.ask("GET", f"customers/{id}/").json()
        assert found == {"id": "cust_1", "name": "", "aliases": ["desk/501"]}
    made = erp.ask("POST", "sources/", {"name": "fon", "dialect": "zammad"}).json()
    assert made["namespace"] == "fon"
    own = {"name": "own", "dialect": "zammad", "own_ids": True}
    assert erp.ask("POST", "sources/", own).json()["namespace"] == ""
    erp.ask("POST", "sources/", {"name": "later"})
    later = erp.ask("PATCH", "sources/later/", {"dialect": "zendesk"}).json()
    assert later["namespace"] == "later", "whose ids they were, says nothing of another dialect"


# --- never outside

values = st.one_of(
    st.text(max_size=12),
    st.integers(-5, 10**6),
    st.sampled_from(["501", "../501", "/501", "cust_1", "own/1", "desk", " desk/1", None, True]),
)


class NeverOutsideTests(PropertyTestCase):
    @given(
        st.sampled_from([*apply.TYPES]),
        st.dictionaries(st.sampled_from(namespaces.NAMING), values, min_size=1),
    )
    def test_whatever_a_source_says_it_touches_nothing_outside_its_namespace(
        self, type: str, data: dict[str, Any]
    ) -> None:
        rest = {"kind": "ticket", "title": "T", "updated_at": "2026-11-28T00:00:00Z"}
        own = [order(1, "cust_1"), order(2, "501") | {"id": "501"}, order(3, "own/1")]
        records.import_records(own)
        before = [*Record.objects.values_list("id", "customer", "title", "deleted")]
        try:
            change = namespaces.placed("desk", Change(type, rest | data))
            reception.check(change, records.moment(rest))
            apply.TYPES[type]([change.data], records.moment(rest))
        except (PayloadError, storable.RecordError):
            pass
        there = Record.objects.exclude(id__startswith="desk/")
        self.assertEqual([*there.values_list("id", "customer", "title", "deleted")], before)
        outside = Customer.objects.exclude(id__startswith="desk/")
        self.assertEqual(set(outside.values_list("id", flat=True)), {"cust_1", "501", "own/1"})
        self.assertFalse(outside.exclude(merged_into=None, erased_at=None).exists())


def test_no_source_or_plan_gets_the_ids_of_another_or_of_articles() -> None:
    ImportPlan.objects.create(name="Shop", namespace="shop")
    first = added("shop", "zendesk")
    second = added("shop-2", "zendesk")
    named = [first.namespace, second.namespace, added("articles", "zendesk").namespace]
    named.append(namespaces.for_new_plan("Articles"))
    assert len(set(named)) == 4
    assert not {"shop", "articles"} & set(named)
