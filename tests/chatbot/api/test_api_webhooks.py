"""Webhooks over the API: ops may manage them, bi may look, erp may neither."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from chatbot.wire import limits
from crm import signing
from crm.models import Attempt, Delivery, Endpoint, InboundEvent, Record, Source
from crm.outbound import outbox
from tests.chatbot.programs import PROBLEM, Program

pytestmark = pytest.mark.django_db
LISTED = "http://127.0.0.1:9000/hook"
MAPPING = {
    "records": "$.items[*]",
    "id": "$.number",
    "kind": "parcel",
    "customer": "$.owner",
    "title": "$.name",
    "updated_at": "$.changed",
}
AT = "2026-11-20T14:03:00Z"


@pytest.fixture(autouse=True)
def fresh(settings: Any) -> None:
    cache.clear()
    limits.reset()
    outbox.forget()
    settings.WEBHOOK_ALLOWED = ["127.0.0.1:9000"]


@pytest.fixture
def ops() -> Program:
    return Program("webhooks:read", "webhooks:write")


@pytest.fixture
def bi() -> Program:
    return Program("webhooks:read")


def endpoint(**values: Any) -> Endpoint:
    return Endpoint.objects.create(url=LISTED, secrets=signing.rotated([]), **values)


def sent(of: Endpoint, **values: Any) -> Delivery:
    made = outbox.send_test(of)
    Delivery.objects.filter(id=made.id).update(**values)
    return made


# --- endpoints


def test_an_endpoint_is_added_and_its_secret_told_once(ops: Program) -> None:
    made = ops.ask("POST", "endpoints/", {"url": LISTED, "events": ["message.created"]})
    assert made.status_code == 201
    row, secret = made.json(), Endpoint.objects.get().secrets[0]["secret"]
    assert (row["secret"], row["url"], row["masked"], row["active"]) == (secret, LISTED, True, True)
    for path in ("endpoints/", f"endpoints/{row['id']}/"):
        answer = ops.ask("GET", path)
        assert answer.status_code == 200
        assert secret not in answer.content.decode()


@pytest.mark.parametrize(
    ("body", "field", "why"),
    [
        ({}, "url", "required"),
        ({"url": "https://8.8.8.8/"}, "url", "add 8.8.8.8:443 to WEBHOOK_ALLOWED"),
        ({"url": "http://169.254.169.254/latest/"}, "url", "refused unless listed"),
        ({"url": "ftp://127.0.0.1:9000/"}, "url", "must begin with http"),
        ({"url": LISTED, "events": ["everything"]}, "events", "not a valid choice"),
        ({"url": LISTED, "active": "yes"}, "active", "boolean"),
    ],
)
def test_what_does_not_fit_is_named(ops: Program, body: Any, field: str, why: str) -> None:
    answer = ops.ask("POST", "endpoints/", body)
    assert (answer.status_code, answer["content-type"]) == (400, PROBLEM)
    assert why in str(answer.json()["errors"][field])
    assert not Endpoint.objects.exists()


def test_an_endpoint_is_changed_paused_and_deleted(ops: Program) -> None:
    one = endpoint(trouble="It answered 410.", failing_since=timezone.now())
    path = f"endpoints/{one.id}/"
    assert ops.ask("PATCH", path, {"url": "https://8.8.8.8/"}).status_code == 400
    assert ops.ask("PATCH", path, {"active": False}).json()["trouble"] == "It answered 410."
    answer = ops.ask("PATCH", path, {"active": True, "full": True}).json()
    assert (answer["active"], answer["full"], answer["trouble"]) == (True, True, "")
    Attempt.objects.create(delivery=sent(one))
    assert ops.ask("DELETE", path).status_code == 204
    assert ops.ask("GET", path).status_code == 404
    assert not Attempt.objects.exists()


def test_a_new_secret_signs_beside_the_old_one(ops: Program) -> None:
    one = endpoint()
    before = one.secrets[0]["secret"]
    told = ops.ask("POST", f"endpoints/{one.id}/rotate-secret/").json()["secret"]
    one.refresh_from_db()
    assert signing.current(one.secrets) == [told, before]


def test_a_request_sent_twice_makes_one_endpoint(ops: Program) -> None:
    once = {"Idempotency-Key": "a"}
    first = ops.ask("POST", "endpoints/", {"url": LISTED}, **once)
    again = ops.ask("POST", "endpoints/", {"url": LISTED}, **once)
    assert (again.status_code, again.json()) == (201, first.json())
    assert Endpoint.objects.count() == 1
    assert ops.ask("POST", "endpoints/", {"url": f"{LISTED}2"}, **once).status_code == 422


# --- deliveries


def test_a_test_event_and_what_came_back(ops: Program, bi: Program) -> None:
    made = ops.ask("POST", f"endpoints/{endpoint().id}/test/")
    assert (made.status_code, made.json()["type"]) == (202, "endpoint.test")
    id = made.json()["id"]
    request = {"webhook-id": made.json()["event_id"]}
    Attempt.objects.create(delivery_id=id, status=503, answer="busy", request=request)
    assert bi.ask("GET", f"deliveries/{id}/").json()["state"] == "pending"
    row = bi.ask("GET", f"deliveries/{id}/attempts/").json()["items"][0]
    assert (row["status"], row["answer"], row["request"]) == (503, "busy", request)


def test_what_was_said_is_not_told_without_its_scope(ops: Program) -> None:
    delivery = sent(endpoint(full=True), body='{"text": "my secret"}')
    for path in ("deliveries/", f"deliveries/{delivery.id}/"):
        assert "my secret" not in ops.ask("GET", path).content.decode()


def test_deliveries_are_listed_by_pages_and_filters(
    bi: Program, django_assert_max_num_queries: Any
) -> None:
    one, other = endpoint(), endpoint()
    ids = [sent(one).id for _ in range(5)]
    sent(other, state="failed", created_at=timezone.now() - timedelta(days=3))
    with django_assert_max_num_queries(3):
        page = bi.ask("GET", f"deliveries/?endpoint={one.id}&limit=3").json()
    found = [row["id"] for row in page["items"]]
    rest = bi.ask("GET", page["next"].split("/api/")[1]).json()
    assert found + [row["id"] for row in rest["items"]] == ids[::-1]
    yesterday = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for filter, count in {
        "state=failed": 1,
        f"until={yesterday}": 1,
        f"since={yesterday}&type=endpoint.test": 5,
        "type=message.created": 0,
    }.items():
        assert len(bi.ask("GET", f"deliveries/?{filter}").json()["items"]) == count
    for wrong in ("state=lost", "type=x", "endpoint=x", "since=soon", "limit=0", "limit=x"):
        answer = bi.ask("GET", f"deliveries/?{wrong}")
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [wrong.split("=")[0]])


def test_one_event_or_those_of_a_time_are_sent_again(ops: Program) -> None:
    one, other = endpoint(), endpoint()
    now = timezone.now()
    mine = [sent(one, state="done", tries=1), sent(one, state="failed", tries=10)]
    old = sent(one, state="failed", tries=10, created_at=now - timedelta(days=3))
    sent(other, state="failed", tries=10)
    answer = ops.ask("POST", f"deliveries/{mine[0].id}/resend/")
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    assert answer.json()["event_id"] == mine[0].event_id
    since = (now - timedelta(days=1)).isoformat()
    wanted = {"endpoint": one.id, "since": since, "state": "failed"}
    assert ops.ask("POST", "deliveries/resend/", wanted).json() == {"count": 1}
    assert Delivery.objects.get(id=old.id).state == "failed"
    assert ops.ask("POST", "deliveries/resend/", {"since": since}).json() == {"count": 3}
    assert ops.ask("POST", "deliveries/resend/", {}).status_code == 400


# --- sources


def test_a_source_is_added_changed_and_deleted(ops: Program) -> None:
    made = ops.ask("POST", "sources/", {"name": "erp"})
    assert made.status_code == 201
    assert made.json()["url"].endswith("/webhooks/crm/erp/")
    assert made.json()["secret"] == Source.objects.get().secrets[0]["secret"]
    assert ops.ask("POST", "sources/", {"name": "erp"}).status_code == 400
    assert "secret" not in ops.ask("GET", "sources/erp/").json()
    answer = ops.ask("PATCH", "sources/erp/", {"active": False, "name": "other"}).json()
    assert (answer["name"], answer["active"]) == ("erp", False), "its name stands in its address"
    InboundEvent.objects.create(source=Source.objects.get(), event_id="1", type="x", body="")
    assert ops.ask("DELETE", "sources/erp/").status_code == 204
    assert not Source.objects.exists()


def test_a_source_may_bring_its_own_secret_and_changes_it_with_an_overlap(ops: Program) -> None:
    body = {"name": "desk", "dialect": "zendesk", "secret": "theirs"}
    assert ops.ask("POST", "sources/", body).json()["secret"] == "theirs"
    answer = ops.ask("POST", "sources/desk/rotate-secret/", {"secret": "newer"})
    assert answer.json() == {"secret": "newer"}
    assert signing.current(Source.objects.get().secrets) == ["newer", "theirs"]


def test_a_mapping_that_cannot_work_is_refused(ops: Program) -> None:
    body = {"name": "any", "dialect": "generic", "mapping": MAPPING | {"title": "$.[["}}
    errors = ops.ask("POST", "sources/", body).json()["errors"]
    assert '"title" is not a JSONPath' in str(errors["mapping"])
    assert ops.ask("POST", "sources/", body | {"mapping": MAPPING}).status_code == 201
    assert ops.ask("PATCH", "sources/any/", {"mapping": {}}).status_code == 400


def test_a_payload_is_tried_out_and_nothing_kept(ops: Program) -> None:
    ops.ask("POST", "sources/", {"name": "any", "dialect": "generic", "mapping": MAPPING})
    item = {"number": "A-1", "owner": "cust_1", "name": "Parcel", "changed": AT}
    good = ops.ask("POST", "sources/any/test/", {"items": [item]}).json()["changes"][0]
    assert (good["type"], good["data"]["title"]) == ("record.upserted", "Parcel")
    bad = ops.ask("POST", "sources/any/test/", {"items": [item, item | {"owner": None}]})
    assert bad.status_code == 400
    assert "items.[1]: $.owner" in bad.json()["errors"]
    assert not Record.objects.exists()
    assert not InboundEvent.objects.exists()


# --- who may


def test_looking_is_not_changing_and_other_scopes_are_neither(bi: Program) -> None:
    one = endpoint()
    erp = Program("records:read", "records:write", "conversations:read")
    reads = ["endpoints/", f"endpoints/{one.id}/", "sources/", "deliveries/"]
    writes = ["endpoints/", f"endpoints/{one.id}/rotate-secret/", f"endpoints/{one.id}/test/"]
    writes += ["sources/", "deliveries/resend/"]
    for path in reads:
        assert bi.ask("GET", path).status_code == 200
        assert erp.ask("GET", path).status_code == 403
    for path in writes:
        assert bi.ask("POST", path, {}).status_code == 403
        assert erp.ask("POST", path, {}).status_code == 403
    assert bi.ask("DELETE", f"endpoints/{one.id}/").status_code == 403
    assert Endpoint.objects.get() == one
