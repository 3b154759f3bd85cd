"""Each dialect: its signature, its payloads, and nothing shown to whom it does not belong."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crm import dialects, signing
from crm.dialects import IncomingWebhook, PayloadError, generic
from crm.inbound import apply, reception
from crm.models import Customer, InboundEvent, Record, Source

pytestmark = pytest.mark.django_db
FIXTURES = Path(__file__).parents[2] / "fixtures" / "webhooks"
SECRET, URL = "s3cret", "https://chat.example/webhooks/crm/it/"
MAPPING = {
    "records": "$.items[*]",
    "id": "$.number",
    "kind": "parcel",
    "customer": "$.owner.id",
    "title": "$.name",
    "updated_at": "$.changed",
    "fields": {"status": "$.state"},
}


def mac(text: bytes, how: Any = hashlib.sha256) -> bytes:
    return hmac.new(SECRET.encode(), text, how).digest()


def of_hubspot(body: bytes) -> dict[str, str]:
    stamp = str(int(time.time() * 1000))
    signed = b"POST" + URL.encode() + body + stamp.encode()
    signature = base64.b64encode(mac(signed)).decode()
    return {"x-hubspot-request-timestamp": stamp, "x-hubspot-signature-v3": signature}


def of_chatwoot(body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    signature = f"sha256={mac(stamp.encode() + b'.' + body).hex()}"
    return {"x-chatwoot-timestamp": stamp, "x-chatwoot-signature": signature}


def of_zendesk(body: bytes) -> dict[str, str]:
    stamp = datetime.now(UTC).isoformat()
    signature = base64.b64encode(mac(stamp.encode() + body)).decode()
    name = "x-zendesk-webhook-signature"
    return {name: signature, f"{name}-timestamp": stamp}


SIGNED: dict[str, Callable[[bytes], dict[str, str]]] = {
    "salesforce": lambda body: {"authorization": f"Bearer {SECRET}"},
    "hubspot": of_hubspot,
    "zammad": lambda body: {"x-hub-signature": f"sha1={mac(body, hashlib.sha1).hex()}"},
    "chatwoot": of_chatwoot,
    "zendesk": of_zendesk,
}


def source(dialect: str, **values: Any) -> Source:
    secrets = [{"secret": SECRET, "until": None}]
    made, _ = Source.objects.get_or_create(
        name=dialect, dialect=dialect, defaults={"secrets": secrets, **values}
    )
    return made


def taken(dialect: str, name: str, **headers: str) -> InboundEvent:
    body = (FIXTURES / dialect / f"{name}.json").read_bytes()
    signed = SIGNED[dialect](body) | headers
    return reception.event(source(dialect), IncomingWebhook(body, signed, "POST", URL))


def applied(dialect: str, name: str) -> dict[str, Record]:
    event = taken(dialect, name)
    assert event.state == "received", event.reason
    reception.insert([event])
    apply.apply_pending()
    assert InboundEvent.objects.latest("id").state == "applied"
    return Record.objects.in_bulk()


def test_every_dialect_has_a_test_and_fixtures() -> None:
    assert set(dialects.names()) == {*SIGNED, "attune", "generic"}
    assert {path.name for path in FIXTURES.iterdir()} == {*SIGNED, "generic"}


@pytest.mark.parametrize("dialect", SIGNED)
def test_a_forged_altered_or_unsigned_request_is_refused(dialect: str) -> None:
    path = next((FIXTURES / dialect).glob("*.json"))
    body = path.read_bytes()
    signed = SIGNED[dialect](body)
    wrong: list[tuple[bytes, dict[str, str]]] = [(body, {})]
    wrong += [
        (body, signed | {name: value}) for name in signed for value in ("", "x", "é", "1e999")
    ]
    if dialect != "salesforce":  # A bearer token signs no bytes.
        wrong.append((body + b" ", signed))
    for raw, headers in wrong:
        with pytest.raises(reception.SignatureRefused):
            reception.event(source(dialect), IncomingWebhook(raw, headers, "POST", URL))


@pytest.mark.parametrize("dialect", ["hubspot", "chatwoot", "zendesk"])
def test_a_request_of_an_hour_ago_is_refused(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = next((FIXTURES / dialect).glob("*.json")).read_bytes()
    signed = SIGNED[dialect](body)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    with pytest.raises(reception.SignatureRefused, match="five minutes"):
        reception.event(source(dialect), IncomingWebhook(body, signed, "POST", URL))


@pytest.mark.parametrize(
    ("dialect", "name"), [(path.parent.name, path.stem) for path in FIXTURES.glob("*/*.json")]
)
def test_sent_again_it_is_the_same_event(dialect: str, name: str) -> None:
    if dialect != "generic":
        assert taken(dialect, name).event_id == taken(dialect, name).event_id


def test_salesforce() -> None:
    found = applied("salesforce", "outbound-message")["case:500xx1"]
    assert (found.customer_id, found.title) == ("003xx7", "Tent arrived torn")
    assert found.fields["Status"] == "New"
    assert applied("salesforce", "platform-event")["order:81"].customer_id == "003xx7"
    assert applied("salesforce", "deleted")["case:500xx1"].deleted
    assert applied("salesforce", "platform-event-deleted")["order:81"].deleted
    applied("salesforce", "contact-merged")
    assert Customer.objects.get(id="003xx7").merged_into_id == "003xx8"


def test_hubspot() -> None:
    found = applied("hubspot", "subscriptions")
    assert found["hubspot:contact:51:lifecycle_stage"].customer_id == "51"
    deal = found["hubspot:deal:9:amount"]
    assert deal.fields == {"amount": "249"}
    assert deal.customer_id == "hubspot:deal:9", "whose it is is not said: nobody's"


def test_hubspot_merges_deletes_and_erases() -> None:
    applied("hubspot", "subscriptions")
    found = applied("hubspot", "merge")
    assert found["hubspot:contact:51:lifecycle_stage"].customer_id == "52"
    assert applied("hubspot", "deletions")["hubspot:deal:9:amount"].deleted
    assert Customer.objects.get(id="51").erased_at


def test_hubspot_signs_method_address_body_and_time_in_milliseconds() -> None:
    body = (FIXTURES / "hubspot" / "merge.json").read_bytes()
    signed = of_hubspot(body)
    reception.event(source("hubspot"), IncomingWebhook(body, signed, "POST", URL))
    seconds = str(int(time.time()))
    mac64 = base64.b64encode(mac(b"POST" + URL.encode() + body + seconds.encode())).decode()
    names = ("x-hubspot-request-timestamp", "x-hubspot-signature-v3")
    for headers, method, url in (
        (signed, "PUT", URL),
        (signed, "POST", URL + "?x=1"),
        (dict(zip(names, (seconds, mac64), strict=True)), "POST", URL),
    ):
        with pytest.raises(reception.SignatureRefused):
            reception.event(source("hubspot"), IncomingWebhook(body, headers, method, url))


def test_zammad_and_its_internal_notes() -> None:
    found = applied("zammad", "ticket")["ticket:31004"]
    assert (found.customer_id, found.fields["state"]) == ("12", "open")
    assert "Monday" in found.text
    assert "difficult" not in applied("zammad", "internal-note")["ticket:31004"].text
    assert applied("zammad", "merged")["ticket:31004"].fields["state"] == "merged"


def test_chatwoot() -> None:
    found = applied("chatwoot", "contact")["chatwoot:contact:33"]
    assert (found.customer_id, found.title) == ("cust_1", "Alice Ash")
    assert Customer.objects.get(id="cust_1").name == "Alice Ash"
    applied("chatwoot", "message")
    assert Record.objects.count() == 1, "messages are not records"


def test_zendesk() -> None:
    assert applied("zendesk", "ticket")["ticket:77"].customer_id == "8001"
    assert applied("zendesk", "ticket-deleted")["ticket:77"].deleted
    assert applied("zendesk", "user-deleted") == {}


def test_no_dialect_makes_a_persons_record_shared() -> None:
    for path in FIXTURES.glob("*/*.json"):
        if path.parent.name != "generic":
            applied(path.parent.name, path.stem)
    assert not Record.objects.filter(customer=None, deleted=False).exists()


# --- the generic one


def test_generic_takes_records_by_paths() -> None:
    of = source("generic", mapping=MAPPING)
    of.secrets = signing.rotated([])
    body = (FIXTURES / "generic" / "items.json").read_bytes()
    headers = signing.sign("e1", datetime.now(UTC), body, signing.current(of.secrets))
    event = reception.event(of, IncomingWebhook(body, headers, "POST", URL, MAPPING))
    reception.insert([event])
    apply.apply_pending()
    found = Record.objects.get(id="A-2")
    assert (found.customer_id, found.kind, found.fields) == ("cust_2", "parcel", {"status": "lost"})


def test_generic_knows_a_deletion_by_word_or_time() -> None:
    mapping = MAPPING | {"deleted": "$.removed_at"}
    body = json.loads((FIXTURES / "generic" / "deleted.json").read_text())
    for value, gone in {"false": False, "": False, "0": False, "yes": True, "2026": True}.items():
        body["items"][0]["removed_at"] = value
        [change] = generic.changes(body, IncomingWebhook(b"", {}, mapping=mapping))
        assert change.data["deleted"] is gone, value


@pytest.mark.parametrize("name", ["number", "name", "changed"])
def test_generic_names_the_path_that_found_nothing(name: str) -> None:
    body = json.loads((FIXTURES / "generic" / "items.json").read_text())
    del body["items"][1][name]
    with pytest.raises(PayloadError, match=rf"items.\[1\]: \$.{name}: found nothing for the"):
        generic.changes(body, IncomingWebhook(b"", {}, mapping=MAPPING))


def test_a_payload_is_tried_out_without_a_trace() -> None:
    body = (FIXTURES / "generic" / "items.json").read_bytes()
    assert [one.data["id"] for one in reception.preview("generic", MAPPING, body)] == ["A-1", "A-2"]
    zammad = (FIXTURES / "zammad" / "ticket.json").read_bytes()
    assert reception.preview("zammad", {}, zammad)[0].data["id"] == "ticket:31004"
    for wrong in (b"", b"{", b"[]", b'{"items": []}'):
        with pytest.raises(PayloadError):
            reception.preview("generic", MAPPING, wrong)
    assert not Record.objects.exists()
    assert not InboundEvent.objects.exists()


def test_generic_refuses_a_record_that_is_nobodys() -> None:
    delivery = IncomingWebhook(b"", {}, mapping=MAPPING)
    with pytest.raises(PayloadError, match="whose record is this"):
        generic.changes({"items": [{"number": "1"}]}, delivery)


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        ([], "a JSON object"),
        ({"id": "$.a"}, "no path for: kind"),
        (MAPPING | {"colour": "$.c"}, "unknown entries: colour"),
        ({**MAPPING, "customer": ""}, 'Map "customer"'),
        (MAPPING | {"fields": {"x": "$.[["}}, '"x" is not a JSONPath'),
        (MAPPING | {"title": 5}, "must be a JSONPath"),
    ],
)
def test_a_mapping_that_cannot_work_says_why(mapping: Any, why: str) -> None:
    with pytest.raises(ValueError) as error:
        generic.check(mapping)
    assert why in str(error.value)
    assert json.dumps(MAPPING)
