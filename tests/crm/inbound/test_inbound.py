"""Webhooks in: the shop's CRM is the source; mallory is not."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as PropertyTestCase

from chatbot.models import Conversation, Inbox, Visitor
from crm import signing
from crm.inbound import apply, reception, views
from crm.knowledge import jobs
from crm.models import Customer, InboundEvent, Key, Passage, Record, Source

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/webhooks/crm/shop/"
LATER = "2026-11-02T00:00:00Z"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # It would close the connection that holds the test's transaction.
    monkeypatch.setattr("channels.db.close_old_connections", lambda: None)
    views._sources.clear()
    yield
    views._sources.clear()


@pytest.fixture
def source() -> Source:
    return Source.objects.create(name="shop", secrets=signing.rotated([]))


def order(number: int = 1, **values: Any) -> dict[str, Any]:
    return {
        "id": f"order:{number}",
        "kind": "order",
        "customer": "alice",
        "title": f"Order {number}",
        "fields": {"order number": f"1000{number}"},
        "updated_at": "2026-11-01T00:00:00Z",
    } | values


def upserted(*rows: Any) -> dict[str, Any]:
    return {"type": "record.upserted", "data": rows[0] if len(rows) == 1 else list(rows)}


def post(
    source: Source,
    body: Any,
    id: str = "evt_1",
    at: datetime | None = None,
    secret: str | None = None,
    url: str = URL,
) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    key = secret or source.secrets[0]["secret"]
    text = raw.decode(errors="replace").encode()
    headers = signing.sign(id, at or datetime.now(UTC), text, [key])
    return Client().post(url, raw, content_type="application/json", headers=headers)


def test_a_record_is_kept_answered_and_applied(source: Source) -> None:
    answer = post(source, upserted(order()))
    assert (answer.status_code, answer.json()) == (202, {"id": "evt_1", "status": "accepted"})
    assert InboundEvent.objects.get().state == "received"
    assert not Record.objects.exists(), "nobody waits for it"
    assert apply.apply_pending() == 1
    assert Record.objects.get().customer_id == "alice"
    assert InboundEvent.objects.get().state == "applied"


def test_the_same_event_twice_has_one_effect(source: Source) -> None:
    post(source, upserted(order()))
    apply.apply_pending()
    again = post(source, upserted(order(title="Other", updated_at=LATER)))
    assert (again.status_code, again.json()["status"]) == (202, "duplicate")
    assert apply.apply_pending() == 0
    assert Record.objects.get().title == "Order 1"


def test_an_older_update_that_comes_late_changes_nothing(source: Source) -> None:
    post(source, upserted(order(title="New", updated_at=LATER)), id="b")
    post(source, upserted(order(title="Old")), id="a")
    apply.apply_pending()
    assert Record.objects.get().title == "New"


def test_a_batch_of_five_hundred_goes_and_one_more_is_refused(source: Source) -> None:
    rows = [order(number) for number in range(501)]
    assert post(source, upserted(*rows[:500]), id="good").status_code == 202
    refused = post(source, upserted(*rows), id="more")
    assert (refused.status_code, refused["content-type"]) == (422, "application/problem+json")
    assert "send 1 to 500 at once" in refused.json()["detail"]
    apply.apply_pending()
    assert Record.objects.count() == 500


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (upserted(order(title="")), 'data: "title" is missing'),
        (upserted(order(), order(2, updated_at="soon")), 'data[1]: "updated_at"'),
        ({"type": "record.exploded", "data": {}}, "type: must be one of"),
        ({"type": 5, "data": {}}, "type: must be a string"),
        ([], "body: must be an object"),
        ({"type": "record.deleted", "data": {}}, 'data: "id" is missing'),
        ({"type": "customer.merged", "data": {"from": "a"}}, 'data: "into" is missing'),
        (upserted([]), "data: has 0 entries"),
        (upserted("x"), "data: must be an object"),
        (b"{", "body: is not JSON"),
        (b'{"type": "x", "data": "\\u0000"}', "body: holds a NUL"),
        (b'{"type": "record.upserted", "data": "\\ud800"}', "body: is not JSON"),
        (b'{"type": "record.upserted", "data": NaN}', "body: is not JSON"),
        (b'{"type": "record.upserted", "data": 1e999}', "body: is not JSON"),
        (b"[" * 100_000, "body: is not JSON"),
    ],
)
def test_what_does_not_fit_is_refused_by_field_and_kept(
    source: Source, body: Any, field: str
) -> None:
    answer = post(source, body)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(field)
    kept = InboundEvent.objects.get()
    assert (kept.state, kept.reason) == ("refused", answer.json()["detail"])


def test_a_refused_event_may_be_mended_and_sent_again(source: Source) -> None:
    post(source, upserted(order(title="")))
    assert post(source, upserted(order())).json()["status"] == "accepted"
    assert apply.apply_pending() == 1


def test_mallory_is_turned_away_whatever_is_wrong(source: Source) -> None:
    body, now = upserted(order()), datetime.now(UTC)
    wrong = {
        "does not match": {"secret": signing.new_secret()},
        "five minutes": {"at": now - timedelta(minutes=6)},
        "more than five": {"at": now + timedelta(minutes=6)},
    }
    for text, how in wrong.items():
        answer = post(source, body, **how)  # type: ignore[arg-type]
        assert answer.status_code == 401
        assert text in answer.json()["detail"]
    unsigned = Client().post(URL, body, content_type="application/json")
    assert "One of the headers webhook-id" in unsigned.json()["detail"]
    assert not InboundEvent.objects.exists()


def test_broken_headers_are_a_refusal_and_no_error(source: Source) -> None:
    good = signing.sign("e", datetime.now(UTC), b"{}", [source.secrets[0]["secret"]])
    for name in good:
        for value in ("x", "v1", "v1,", "v1,é", ",", "v1,!!! v2,x", "nan", "1e400", "-1"):
            if name == signing.ID:
                continue
            headers = {**good, name: value}
            answer = Client().post(URL, b"{}", content_type="application/json", headers=headers)
            assert answer.status_code == 401, (name, value)


def test_while_a_secret_is_changed_both_count(source: Source) -> None:
    old = source.secrets[0]["secret"]
    source.secrets = signing.rotated(source.secrets)
    source.save()
    assert post(source, upserted(order()), id="1", secret=old).status_code == 202
    assert post(source, upserted(order()), id="2").status_code == 202
    source.secrets[1]["until"] = "2026-01-01T00:00:00+00:00"
    source.save()
    views._sources.clear()
    assert post(source, upserted(order()), id="3", secret=old).status_code == 401


def test_unknown_and_paused_sources_and_other_methods(source: Source) -> None:
    assert post(source, {}, url="/webhooks/crm/nobody/").status_code == 404
    assert Client().get(URL).status_code == 405
    Source.objects.update(active=False)
    views._sources.clear()
    assert post(source, upserted(order())).status_code == 404


def test_an_event_that_is_too_large_is_told_the_limit(source: Source, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = settings.WEBHOOK_MAX_BYTES = 1000
    answer = post(source, upserted(order(text="x" * 2000)))
    assert (answer.status_code, "1,000 bytes" in answer.json()["detail"]) == (413, True)


def test_a_poison_event_stops_neither_the_queue_nor_its_neighbours(source: Source) -> None:
    for number in range(20):
        post(source, upserted(order(number)), id=str(number))
    real = apply.TYPES["record.upserted"]

    def poisoned(rows: list[dict[str, Any]], at: datetime) -> list[Sequence[str]]:
        if any(row["id"] == "order:7" for row in rows):
            raise KeyError("poison")
        return real(rows, at)

    with (
        mock.patch.dict(apply.TYPES, {"record.upserted": poisoned}),
        mock.patch("crm.inbound.apply.carry_out", side_effect=apply.carry_out) as transactions,
    ):
        apply.apply_pending()
    assert Record.objects.count() == 19
    assert transactions.call_count < 12, "its neighbours are not applied one by one"
    failed = InboundEvent.objects.get(state="failed")
    assert (failed.event_id, failed.reason) == ("7", "KeyError: 'poison'")
    assert apply.again(InboundEvent.objects.all()) == 1
    apply.apply_pending()
    assert Record.objects.count() == 20


def test_an_event_whose_effect_is_not_committed_still_waits(source: Source) -> None:
    post(source, upserted(order()))
    with (
        mock.patch("crm.inbound.apply.carry_out", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        apply.apply_pending()
    assert not Record.objects.exists()
    assert apply.apply_pending() == 1


def test_an_event_that_takes_its_worker_down_is_set_aside(source: Source) -> None:
    for number in range(3):
        post(source, upserted(order(number)), id=str(number))
    real = apply.carry_out

    def deadly(events: list[InboundEvent]) -> None:
        if any(event.event_id == "1" for event in events):
            raise KeyboardInterrupt  # The process ends; nothing of it is committed.
        real(events)

    with mock.patch("crm.inbound.apply.carry_out", deadly):
        for _ in apply.TOGETHER:
            with pytest.raises(KeyboardInterrupt):
                apply.apply_pending()
        post(source, upserted(order(4)), id="4")
        apply.apply_pending()
    assert set(Record.objects.values_list("id", flat=True)) == {"order:0", "order:2", "order:4"}
    failed = InboundEvent.objects.get(state="failed")
    assert (failed.event_id, failed.reason) == ("1", apply.BROKEN_OFF)
    apply.again(InboundEvent.objects.all())
    apply.apply_pending()
    assert Record.objects.filter(id="order:1").exists()


def test_who_was_broken_off_has_its_turn_although_new_ones_keep_coming(source: Source) -> None:
    for number in range(3):
        post(source, upserted(order(number)), id=str(number))
    InboundEvent.objects.filter(event_id="0").update(tries=1)
    InboundEvent.objects.filter(event_id="1").update(tries=2)
    assert apply.apply_some() == 3
    assert Record.objects.count() == 3


def test_what_the_database_broke_off_is_not_the_events_fault(source: Source) -> None:
    post(source, upserted(order()))
    with (
        mock.patch("crm.inbound.apply.carry_out", side_effect=OperationalError("deadlock")),
        pytest.raises(OperationalError),
    ):
        apply.apply_pending()
    assert InboundEvent.objects.get().state == "received"
    assert apply.apply_pending() == 1


def test_a_refused_event_of_another_source_stays(source: Source) -> None:
    other = Source.objects.create(name="other", secrets=signing.rotated([]))
    post(other, upserted(order(title="")), url="/webhooks/crm/other/")
    post(source, upserted(order()))
    assert set(InboundEvent.objects.values_list("state", flat=True)) == {"refused", "received"}


def test_while_the_database_is_away_the_crm_is_asked_to_send_again(source: Source) -> None:
    with mock.patch("crm.inbound.reception.insert", side_effect=OperationalError("gone")):
        answer = post(source, upserted(order()))
    assert (answer.status_code, answer["retry-after"]) == (503, "5")
    assert answer["content-type"] == "application/problem+json"
    assert post(source, upserted(order())).json()["status"] == "accepted"


def test_a_burst_is_embedded_a_few_at_a_time(source: Source) -> None:
    """So that the next event need not wait until all of it is done."""
    with (
        mock.patch("crm.knowledge.indexing.embed", side_effect=[jobs.EMBEDDED, 3]) as embedded,
        mock.patch("crm.plumbing.background.soon", side_effect=lambda task: task()),
    ):
        jobs.embed()
    assert embedded.mock_calls == [mock.call(most=jobs.EMBEDDED)] * 2


def test_a_deleted_record_is_gone_and_stays_so(source: Source) -> None:
    post(source, upserted(order()), id="1")
    gone = {"type": "record.deleted", "data": {"id": "order:1", "updated_at": LATER}}
    post(source, gone, id="2")
    post(source, {"type": "record.deleted", "data": {"id": "order:9"}, "timestamp": LATER}, id="3")
    post(source, upserted(order(9)), id="4")
    apply.apply_pending()
    assert not Record.objects.filter(deleted=False).exists(), "the late one was deleted before"
    assert not Passage.objects.exists()


def test_a_merged_customers_records_and_conversations_go_on_as_the_others(source: Source) -> None:
    post(source, upserted(order()), id="1")
    apply.apply_pending()
    shop = Inbox.objects.create(key="shop", name="Shop")
    visitor = Visitor.objects.create(inbox=shop, customer_id="alice")
    Conversation.objects.create(visitor=visitor)
    bob = Visitor.objects.create(inbox=shop, customer=Customer.objects.create(id="bob"))
    post(source, {"type": "customer.merged", "data": {"from": "alice", "into": "bob"}}, id="2")
    post(source, upserted(order(2)), id="3")
    apply.apply_pending()
    assert set(Record.objects.values_list("customer_id", flat=True)) == {"bob"}
    assert set(Passage.objects.values_list("customer_id", flat=True)) == {"bob"}
    assert set(Key.objects.values_list("customer_id", flat=True)) == {"bob"}
    assert Conversation.objects.get().visitor == bob


def test_of_an_erased_customer_nothing_is_left_and_nothing_comes_back(source: Source) -> None:
    post(source, upserted(order()), id="1")
    apply.apply_pending()
    shop = Inbox.objects.create(key="shop", name="Shop")
    visitor = Visitor.objects.create(inbox=shop, customer_id="alice")
    Conversation.objects.create(visitor=visitor)
    post(source, {"type": "customer.erased", "data": {"id": "alice"}}, id="2")
    post(source, upserted(order(updated_at=LATER)), id="3")
    apply.apply_pending()
    for model in (Record, Passage, Key, Conversation, Visitor):
        assert not model._default_manager.exists(), model
    assert Customer.objects.get().name == ""


def test_add_source_prints_what_the_crm_needs(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("webhooks", "add-source", "erp", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert printed["url"].endswith("/webhooks/crm/erp/")
    source = Source.objects.get(name="erp")
    assert printed["secret"] == source.secrets[0]["secret"]
    answer = post(source, upserted(order()), url="/webhooks/crm/erp/")
    assert answer.status_code == 202
    call_command("webhooks", "rotate-source", "erp", "--json")
    assert json.loads(capsys.readouterr().out)["secret"] != printed["secret"]


events = st.lists(
    st.builds(
        lambda number, day, title: order(
            number, title=title, updated_at=f"2026-11-{day:02}T00:00:00Z"
        ),
        st.integers(1, 3),
        st.integers(1, 9),
        st.sampled_from(["A", "B"]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda row: (row["id"], row["updated_at"]),
)


class AnyOrderTests(PropertyTestCase):
    @given(events, st.data())
    def test_any_order_and_repetition_gives_the_same_records(
        self, rows: list[dict[str, Any]], data: st.DataObject
    ) -> None:
        source = Source.objects.create(name="any", secrets=[])
        repeated = data.draw(st.lists(st.sampled_from(rows), max_size=4))
        for row in data.draw(st.permutations(rows)) + repeated:
            event = InboundEvent(source=source, event_id=f"{row['id']} {row['updated_at']}")
            event.type, event.changes = (
                "record.upserted",
                [{"type": "record.upserted", "data": row}],
            )
            reception.insert([event])
            apply.apply_pending()
        newest = {row["id"]: row for row in sorted(rows, key=lambda row: row["updated_at"])}
        found = dict(Record.objects.values_list("id", "title"))
        self.assertEqual(found, {key: row["title"] for key, row in newest.items()})
