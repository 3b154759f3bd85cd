"""Whatever a sender's clock says, the latest state stays and nothing vanishes in silence."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crm.inbound import apply
from crm.knowledge.records import import_records
from crm.models import InboundEvent, Record, Source
from tests.chatbot.programs import Program
from tests.crm.inbound.test_inbound import fresh, order, post, source, upserted  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def status() -> str:
    return str(Record.objects.get().fields["status"])


def ahead(**how: float) -> str:
    return (timezone.now() + timedelta(**how)).isoformat()


def said(id: str) -> str:
    return InboundEvent.objects.get(event_id=id).reason


@pytest.mark.parametrize("hours", [2, 24 * 365, 24 * 365 * 7000])
def test_a_clock_that_is_ahead_freezes_nothing(source: Source, hours: int) -> None:  # noqa: F811
    post(source, upserted(order(fields={"status": "packed"}, updated_at=ahead(hours=hours))), "1")
    assert "yet to come: set the clock right" in said("1")
    now = timezone.now().isoformat()
    post(source, upserted(order(fields={"status": "delivered"}, updated_at=now)), "2")
    apply.apply_pending()
    assert status() == "delivered"
    assert said("2") == ""


def test_a_few_minutes_are_left_as_they_are(source: Source) -> None:  # noqa: F811
    at = ahead(minutes=3)
    post(source, upserted(order(updated_at=at)), "1")
    apply.apply_pending()
    assert Record.objects.get().updated_at.isoformat() == at
    assert said("1") == ""


def test_a_deletion_by_the_api_is_the_latest_word() -> None:
    erp = Program("records:read", "records:write")
    row = order(updated_at=ahead(minutes=4))
    erp.ask("POST", "records/", [row])
    assert erp.ask("DELETE", "records/order:1/").status_code == 204
    assert Record.objects.get().deleted
    erp.ask("POST", "records/", [row])
    assert Record.objects.get().deleted


def test_the_api_and_a_file_say_that_a_time_was_set_right() -> None:
    answer = Program("records:write").ask("POST", "records/", [order(updated_at=ahead(hours=3))])
    assert "yet to come" in answer.json()["notes"][0]["note"]
    assert Record.objects.get().updated_at <= timezone.now()


def test_a_deletion_of_the_future_does_not_keep_a_record_dead(source: Source) -> None:  # noqa: F811
    post(source, upserted(order()), "1")
    gone = {"type": "record.deleted", "data": {"id": "order:1", "updated_at": ahead(days=9)}}
    post(source, gone, "2")
    apply.apply_pending()
    assert Record.objects.get().deleted
    assert "yet to come" in said("2")
    post(source, upserted(order(updated_at=ahead(seconds=1))), "3")
    apply.apply_pending()
    assert not Record.objects.get().deleted


def test_what_comes_too_late_is_said(source: Source) -> None:  # noqa: F811
    post(source, upserted(order(updated_at="2026-11-02T00:00:00Z")), "1")
    post(source, upserted(order(2), order(fields={"status": "old"})), "2")
    old = {
        "type": "record.deleted",
        "data": {"id": "order:1", "updated_at": "2026-10-01T00:00:00Z"},
    }
    post(source, old, "3")
    apply.apply_pending()
    assert not Record.objects.get(id="order:1").deleted
    for event in ("2", "3"):
        assert said(event).startswith("order:1 is stored as of 2026-11-02 00:00:00 UTC")
    assert set(InboundEvent.objects.values_list("state", flat=True)) == {"applied"}


STATES = [order(fields={"status": status}) for status in ("packed", "sent", "delivered")]


@pytest.mark.parametrize("late", STATES[:2])
def test_of_one_time_the_last_state_stays_however_often_another_is_repeated(
    source: Source,  # noqa: F811
    late: dict[str, Any],
) -> None:
    for number, row in enumerate([*STATES, late, STATES[2], late]):
        post(source, upserted(row), str(number))
        apply.apply_pending()
    assert status() == "delivered"
    assert "changes nothing" in said("3")
    assert said("4") == ""


def test_within_one_batch_too(source: Source) -> None:  # noqa: F811
    post(source, upserted(*STATES, STATES[0]), "1")
    apply.apply_pending()
    assert status() == "delivered"


def test_a_deletion_of_the_same_time_is_not_undone_by_a_repetition(source: Source) -> None:  # noqa: F811
    gone = {
        "type": "record.deleted",
        "data": {"id": "order:1", "updated_at": order()["updated_at"]},
    }
    for number, body in enumerate([upserted(STATES[0]), gone, upserted(STATES[0])]):
        post(source, body, str(number))
        apply.apply_pending()
    assert Record.objects.get().deleted


def test_states_that_were_stored_before_their_digests_were_are_known_too() -> None:
    import_records([STATES[0]])
    Record.objects.update(states=[])
    import_records([STATES[2]])
    assert import_records([STATES[0]]).stale == 1
    assert status() == "delivered"


def test_an_update_that_moves_a_record_at_the_same_time_wins_as_before() -> None:
    import_records([order(), order(customer="bob")])
    assert Record.objects.get().customer_id == "bob"
