"""Whatever came of somebody who is erased is emptied, however it was written and whatever became of
it; what came of others stays."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.customers import lifecycle, mentions
from crm.dialects import IncomingWebhook
from crm.inbound import apply, reception
from crm.models import InboundEvent, Mention, Source
from tests.crm.dialects.test_merges_in_dialects import AT as MS
from tests.crm.dialects.test_merges_in_dialects import sobject
from tests.crm.ids.test_namespaces import AT, added, contact, tells, ticket, zammad
from tests.fakes import order

pytestmark = [pytest.mark.django_db, pytest.mark.services]
NAME = "Erika M\u00fcller"


def upserted(*rows: Any) -> dict[str, Any]:
    return {"type": "record.upserted", "data": list(rows)}


def hers(customer: Any = "501", **more: Any) -> dict[str, Any]:
    return order(7, "501") | {"customer": customer, "text": f"For {NAME}"} | more


def kept() -> list[str]:
    """Events in which she is still named, escaped or not."""
    rows = InboundEvent.objects.values_list("body", "changes", "reason")
    texts = [f"{body} {json.dumps(changes)} {reason}" for body, changes, reason in rows]
    return [text for text in texts if NAME in text or json.dumps(NAME)[1:-1] in text]


OWN: dict[str, Any] = {
    "as a text": upserted(hers()),
    "as a number": upserted(hers(501)),
    "as a decimal": upserted(hers(501.0)),
    "with blanks": upserted(hers(" 501\u200b")),
    "refused, as its neighbour is broken": upserted(hers(), {"id": "order:8"}),
    "refused, as it has no title": upserted(hers(title="")),
    "of a type that there is not": {"type": "record.exploded", "data": hers()},
    "of no type": {"data": hers()},
    "beside the data": upserted(order(1, "bob")) | {"meta": {"customer_id": 501, "name": NAME}},
    "nested": {"type": "x", "payload": [[{"contact": {"id": "501", "name": NAME}}]]},
}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("how", OWN)
def test_her_name_goes_whichever_way_her_id_was_written(how: str, first: bool) -> None:
    erp = added("erp", "attune")
    if first:
        lifecycle.erase("501")
    tells(erp, OWN[how])
    if not first:
        assert kept()
        lifecycle.erase("501")
    assert not kept()


def test_an_id_with_umlauts_is_found_behind_its_escapes() -> None:
    erp = added("erp", "attune")
    tells(erp, upserted(hers("m\u00fcller")))
    assert "\\u00fc" in InboundEvent.objects.get().body
    lifecycle.erase("m\u00fcller")
    assert not kept()


USER = {"id": "501", "email": "e@m.example", "name": NAME}
FOREIGN: dict[str, Any] = {
    "zendesk": [
        ticket("1", 501, NAME),
        ticket("1", "501", NAME, updated_at="soon"),
        {"id": "2", "type": "zen:event-type:user.created", "time": AT, "detail": USER},
        {"id": "3", "type": "zen:event-type:organization.x", "detail": {"name": NAME},
         "event": {"previous": "501", "current": "9"}},
    ],
    "zammad": [
        zammad("1", 501) | {"article": {"from": NAME, "internal": True}},
        {"ticket": {"number": "4", "customer_id": 501, "title": NAME}},
    ],
    "chatwoot": [
        contact(501, NAME),
        {"event": "message_created", "sender": {"id": 501, "name": NAME}},
    ],
    "hubspot": [
        [{"subscriptionType": "contact.somethingNew", "objectId": 501, "value": NAME}],
        [{"subscriptionType": "contact.associationChange", "fromObjectId": 501, "x": NAME}],
        [{"subscriptionType": "contact.propertyChange", "objectId": 501, "propertyName": "name",
          "propertyValue": NAME, "occurredAt": MS}],
    ],
    "salesforce": [
        sobject("Case", "500xx1", ContactId="501", Description=NAME),
        sobject("Case", "500xx1", ContactId="501", Description=NAME, IsDeleted=True),
        {"payload": {"Customer__c": "501", "Text__c": NAME}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("dialect", FOREIGN)
def test_in_each_systems_words_also_where_an_event_was_dropped_or_refused(dialect: str) -> None:
    other = added("other", dialect)
    for number, body in enumerate(FOREIGN[dialect]):
        tells(other, body)
        assert len(kept()) == number + 1, body
    lifecycle.erase("501")
    assert len(kept()) == len(FOREIGN[dialect]), "the company's own 501 is somebody else"
    lifecycle.erase("other/501")
    assert not kept()


def test_a_mapped_customer_is_found_whatever_its_field_is_called() -> None:
    paths = {"id": "$.nr", "kind": "order", "title": "$.t", "updated_at": "$.at"}
    source = Source.objects.create(
        name="it",
        dialect="generic",
        namespace="it",
        mapping=paths | {"customer": "$.kdnr"},
        secrets=[{"secret": "x", "until": None}],
    )
    good = {"nr": 1, "t": NAME, "at": AT, "kdnr": 501}
    for body in (good, good | {"at": "soon"}, good | {"t": None, "also": NAME}):
        tells(source, body)
    assert len(kept()) == 3
    lifecycle.erase("it/501")
    assert not kept()


def test_by_every_alias_also_what_came_under_the_old_id() -> None:
    erp = added("erp", "attune")
    tells(erp, upserted(hers("alice")))
    tells(erp, upserted(hers("bob", id="order:9")))
    lifecycle.merge("alice", "bob")
    lifecycle.erase("bob")
    assert not kept()
    tells(erp, upserted(hers("alice", updated_at="2026-11-20T00:00:00Z")))
    assert not kept(), "late"


def test_a_deletion_names_the_record_only_and_is_found_by_it() -> None:
    erp = added("erp", "attune")
    tells(erp, upserted(hers()))
    gone = {"id": "order:7", "note": NAME, "updated_at": "2026-11-20T00:00:00Z"}
    tells(erp, {"type": "record.deleted", "data": gone})
    lifecycle.erase("501")
    assert not kept()


def test_what_waits_is_emptied_once_it_is_applied() -> None:
    erp = added("erp", "attune")
    event = InboundEvent(source=erp, event_id="1", type="record.upserted", body=NAME)
    event.changes, event.mentioned = [{"type": event.type, "data": hers()}], {"501"}
    reception.insert([event])
    lifecycle.erase("501")
    assert kept(), "it is needed whole"
    apply.apply_pending()
    assert not kept()


def test_others_keep_what_came_of_them() -> None:
    erp = added("erp", "attune")
    for id in ("5010", "50", "bob"):
        tells(erp, upserted(order(int(id) if id.isdigit() else 3, id)))
    lifecycle.erase("501")
    assert not InboundEvent.objects.filter(body=mentions.GONE).exists()


def test_a_declined_merge_says_why_and_keeps_nothing_else_back() -> None:
    erp = added("erp", "attune")
    lifecycle.erase("bob")
    rows = [{"from": "alice", "into": "bob"}, {"from": "alice", "into": "charlie"}]
    event = tells(erp, {"type": "customer.merged", "data": rows})
    assert event.state == "failed"
    assert "'bob' was erased, so 'alice' cannot be merged into it" in event.reason
    assert "charlie" in lifecycle.all_ids("alice")


@pytest.mark.parametrize(
    "body", [b'{"customer": "501", "name": "Erika', b"\xff\xfe", b"[" * 99_999]
)
def test_what_nobody_can_read_is_not_kept(body: bytes) -> None:
    desk = added("desk", "zammad")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crm.dialects.zammad.verify", lambda delivery, secret: None)
        event = reception.event(desk, IncomingWebhook(body, {}))
    assert (event.state, event.body) == ("refused", mentions.UNREADABLE.format(len(body)))


def test_who_removes_a_source_or_empties_old_events_leaves_no_mention() -> None:
    erp = added("erp", "attune")
    tells(erp, upserted(hers()))
    assert mentions.empty(InboundEvent.objects.all()) == 1
    assert not Mention.objects.exists()
    tells(erp, upserted(hers("bob")))
    apply.remove(erp)
    assert not Mention.objects.exists()


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("customer"), inner),
    max_leaves=12,
)


@given(json_values, st.integers() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=9))
def test_of_any_json_the_ids_are_read_and_nothing_breaks(body: Any, id: Any) -> None:
    read = mentions.ids_in([body, {"customer": [id]}])
    assert all(1 <= len(one) <= mentions.LONGEST for one in read)
    assert not (text := mentions.as_id(id)) or text in read
