"""How each system tells that two people are one, and what it deletes afterwards."""

from typing import Any

import pytest

from crm.dialects.salesforce import full_id
from crm.ids import aliases
from crm.models import Customer, Record
from tests.crm.ids.test_namespaces import added, owners, tells, ticket

pytestmark = [pytest.mark.django_db, pytest.mark.services]
AT = 1763647380000


def hub(kind: str, id: int | None = None, **more: Any) -> dict[str, Any]:
    return {"subscriptionType": f"contact.{kind}", "occurredAt": AT, "objectId": id} | more


def plan(id: int, value: str = "gold") -> dict[str, Any]:
    return hub("propertyChange", id, propertyName="warranty_plan", propertyValue=value)


def merge(primary: int, *merged: int, **more: Any) -> dict[str, Any]:
    return hub("merge", primary, primaryObjectId=primary, mergedObjectIds=list(merged), **more)


def found(id: str) -> set[str]:
    """Records that this customer's search may look at."""
    rows = Record.objects.filter(customer=aliases.resolve(id), deleted=False)
    return set(rows.values_list("id", flat=True))


@pytest.mark.parametrize("options", [(), ("--own-ids",)])
def test_hubspots_deletion_of_the_merged_contact_leaves_what_has_moved(options: Any) -> None:
    spot = added("spot", "hubspot", *options)
    space = f"{spot.namespace}/" if spot.namespace else ""
    tells(spot, [plan(90031), plan(90032)])
    tells(spot, [merge(90031, 90032)])
    tells(spot, [hub("deletion", 90032, occurredAt=AT + 60_000)])
    both = {f"{space}hubspot:contact:{id}:warranty_plan" for id in (90031, 90032)}
    assert found(f"{space}90031") == found(f"{space}90032") == both


@pytest.mark.parametrize("merged", [(90011, 90012), (90012,)])
def test_hubspots_new_id_is_who_both_go_on_as(merged: tuple[int, ...]) -> None:
    spot = added("spot", "hubspot")
    tells(spot, [plan(90011), plan(90012)])
    tells(spot, [merge(90011, *merged, newObjectId=90013)])
    tells(spot, [hub("deletion", id, occurredAt=AT + 60_000) for id in (90012, 90011)])
    tells(spot, [plan(90012, "late")])
    for id in ("90011", "90012", "90013"):
        assert len(found(f"spot/{id}")) == 2
    assert Customer.objects.get(id="spot/90011").merged_into_id == "spot/90013"


def test_hubspots_merge_and_deletion_in_one_batch_in_the_wrong_order() -> None:
    spot = added("spot", "hubspot")
    tells(spot, [plan(1), hub("deletion", 1, occurredAt=AT + 60_000), merge(2, 1)])
    assert found("spot/2") == {"spot/hubspot:contact:1:warranty_plan"}


def test_hubspots_deletion_of_anybody_else_deletes() -> None:
    spot = added("spot", "hubspot")
    tells(spot, [plan(1)])
    tells(spot, [hub("deletion", 1, occurredAt=AT + 60_000)])
    assert found("spot/1") == set()


@pytest.mark.parametrize("ids", [None, "12", {"a": 1}])
def test_a_broken_merge_of_hubspots_is_refused_by_field(ids: Any) -> None:
    broken = merge(1) | {"mergedObjectIds": ids}
    event = tells(added("spot", "hubspot"), [broken])
    assert event.state == "refused"
    assert event.reason.startswith("[0].mergedObjectIds")


def merged_user(loser: Any, survivor: Any) -> dict[str, Any]:
    detail = {"id": loser, "email": "a@ash.example"}
    body = {"type": "zen:event-type:user.merged", "time": "2026-11-20T14:03:00Z"}
    return body | {"detail": detail, "event": {"user": {"id": survivor}}}


def test_zendesks_merged_user_goes_on_as_the_other_and_their_deletion_changes_nothing() -> None:
    desk = added("desk", "zendesk")
    tells(desk, ticket("1", "501"))
    tells(desk, merged_user("501", 502))
    gone = {"type": "zen:event-type:user.deleted", "time": "2026-11-21T00:00:00Z"}
    tells(desk, gone | {"detail": {"id": "501"}})
    tells(desk, ticket("2", "501"))
    assert found("desk/502") == found("desk/501") == {"desk/ticket:1", "desk/ticket:2"}
    tells(desk, gone | {"detail": {"id": "502"}})
    assert not Record.objects.exists()
    refused = tells(desk, merged_user("501", None))
    assert (refused.state, refused.reason[:10]) == ("refused", "event.user")


SHORT, LONG = "0035g00000ABCdE", "0035g00000ABCdEAAX"


def sobject(kind: str, id: str, **more: Any) -> dict[str, Any]:
    found = {"attributes": {"type": kind}, "Id": id, "LastModifiedDate": "2026-11-20T14:03:00Z"}
    return {"notifications": [{"sObject": found | more}]}


@pytest.mark.parametrize(
    ("short", "full"),
    [
        (SHORT, LONG),
        ("001A0000006Vm9r", "001A0000006Vm9rIAC"),
        (f"case:{SHORT}", f"case:{LONG}"),
        (LONG, LONG),
        ("cust_1", "cust_1"),
        ("003456789012345", "003456789012345"),
        ("order-2026112800001", "order-2026112800001"),
    ],
)
def test_a_short_id_of_salesforce_is_kept_as_the_long_one(short: str, full: str) -> None:
    assert full_id(short) == full


def test_both_spellings_of_a_salesforce_contact_are_one_person() -> None:
    force = added("force", "salesforce")
    tells(force, sobject("Contact", LONG, Name="Alice Ash"))
    tells(force, sobject("Case", "5005g00000XYZaB", ContactId=SHORT, Subject="Torn"))
    tells(
        force,
        {
            "payload": {
                "CreatedDate": "2026-11-20",
                "Id__c": "order:81",
                "Kind__c": "order",
                "Title__c": "Order 81",
                "Customer__c": SHORT,
            }
        },
    )
    assert set(owners().values()) == {f"force/{LONG}"}
    assert aliases.resolve(f"force/{SHORT}") == f"force/{LONG}"
    tells(force, sobject("Case", "5005g00000XYZaBAAX", IsDeleted=True))
    assert found(f"force/{LONG}") == {f"force/contact:{LONG}", "force/order:81"}


def test_a_salesforce_merge_names_either_spelling() -> None:
    force = added("force", "salesforce")
    other = "0035g00000ABCdF"
    tells(force, sobject("Case", "5005g00000XYZaB", ContactId=SHORT))
    tells(force, sobject("Contact", LONG, IsDeleted=True, MasterRecordId=other))
    assert set(owners().values()) == {f"force/{full_id(other)}"}
    tells(force, sobject("Contact", LONG, IsDeleted=True))
    assert len(found(f"force/{other}")) == 1


def test_a_case_of_a_merged_contact_can_still_be_deleted() -> None:
    force = added("force", "salesforce")
    tells(force, sobject("Case", "500xx1", ContactId=SHORT))
    tells(force, sobject("Contact", SHORT, IsDeleted=True, MasterRecordId="003xx8"))
    tells(force, sobject("Case", "500xx1", ContactId=SHORT, IsDeleted=True))
    assert found("force/003xx8") == set()


def test_a_customer_of_your_own_is_found_by_either_spelling() -> None:
    own = added("force", "salesforce", "--own-ids")
    tells(own, sobject("Contact", LONG, Name="Alice Ash"))
    event = {
        "id": "order:1",
        "kind": "order",
        "customer": SHORT,
        "title": "1",
        "updated_at": "2026-11-20",
    }
    tells(added("erp", "attune"), {"type": "record.upserted", "data": event})
    assert set(owners().values()) == {LONG}
    assert aliases.resolve(SHORT) == LONG
