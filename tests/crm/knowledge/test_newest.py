"""The newest record of a kind is the one whose own date is the latest."""

import pytest
from django.utils import timezone

from crm.knowledge import record_text
from crm.knowledge.newest import newest
from crm.models import Customer, Record, RecordKind

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def alice() -> Customer:
    return Customer.objects.create(id="cust_1", name="Alice Ash")


def keep(customer: Customer, id: str, latest: str, **fields: object) -> None:
    Record.objects.create(
        id=id, kind=id.split(":")[0], customer=customer, title=id, fields=fields, latest=latest,
        updated_at=timezone.now(),
    )  # fmt: skip


def test_a_warranty_that_ends_later_does_not_make_an_order_newer(alice: Customer) -> None:
    keep(alice, "order:1", "2031-09-01", ordered="2026-09-01", warranty_until="2031-09-01")
    keep(alice, "order:2", "2026-11-19", ordered="2026-11-19")
    assert newest(alice.id) == {"order:1"}
    RecordKind.objects.create(name="order", own_date="ordered")
    assert newest(alice.id) == {"order:2"}


def test_records_without_their_own_date_come_last(alice: Customer) -> None:
    RecordKind.objects.create(name="order", own_date="ordered")
    keep(alice, "order:1", "2026-09-01", ordered="2026-09-01")
    keep(alice, "order:2", "2026-11-19", delivered="2026-11-19")
    assert newest(alice.id) == {"order:1"}


def test_a_day_within_words_is_compared_as_a_day(alice: Customer) -> None:
    RecordKind.objects.create(name="order", own_date="ordered")
    keep(alice, "order:1", "2026-09-01", ordered="Tue 2026-09-01, 8 am")
    keep(alice, "order:2", "2026-11-19", ordered="2026-11-19")
    keep(alice, "order:3", "2026-11-05", ordered="on 2026-11-05")
    assert newest(alice.id) == {"order:2"}


def test_seconds_since_1970_count_as_a_day_of_the_record() -> None:
    fields = {"ordered_at": 1763596800, "note": "asked on 2025-01-05"}
    assert str(record_text.latest_day(fields)) == "2025-11-20"
    assert str(record_text.latest_day({"lines": [{"sent": "2026-03-01"}]})) == "2026-03-01"
    assert record_text.latest_day({"number": 1763596800}) is None


def test_each_kind_has_its_newest_and_bobs_are_not_among_them(alice: Customer) -> None:
    bob = Customer.objects.create(id="cust_2", name="Bob Birch")
    keep(alice, "order:1", "2026-09-01", ordered="2026-09-01")
    keep(alice, "visit:1", "2026-08-01", day="2026-08-01")
    keep(bob, "order:9", "2026-11-19", ordered="2026-11-19")
    assert newest(alice.id) == {"order:1", "visit:1"}
    assert newest(None) == set()
