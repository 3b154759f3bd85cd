"""What the fields of records mean, corrected in the admin."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.models import Customer, Record, RecordKind

pytestmark = pytest.mark.django_db


@pytest.fixture
def kind() -> RecordKind:
    alice = Customer.objects.create(id="cust_1", name="Alice Ash")
    fields = {"opened": "2026-11-01", "state": "parked", "sum": "GBP 12.00"}
    Record.objects.create(
        id="job:1", kind="job", customer=alice, title="Job 1", fields=fields,
        updated_at=timezone.now(),
    )  # fmt: skip
    return RecordKind.objects.create(name="job", status="opened")


def test_root_chooses_among_the_fields_that_the_records_have(
    root: Client, kind: RecordKind
) -> None:
    page = reverse("admin:crm_recordkind_change", args=["job"])
    html = root.get(page).content.decode()
    assert all(f'value="{name}"' in html for name in ("opened", "state", "sum"))
    data = {"status": "state", "final_statuses": "parked\n", "open_statuses": ""}
    assert root.post(page, data | {"confirmed": "on"}).status_code == 302
    kind.refresh_from_db()
    assert (kind.status, kind.final_statuses, kind.confirmed) == ("state", ["parked"], True)
    refused = root.post(page, data | {"status": "no such field"})
    assert refused.status_code == 200
    assert "is not one of the available choices" in refused.content.decode()


def test_nobody_adds_a_kind_by_hand(root: Client) -> None:
    assert root.get(reverse("admin:crm_recordkind_changelist")).status_code == 200
    assert root.get("/admin/crm/recordkind/add/").status_code == 403


def test_charlie_who_sees_records_does_not_see_kinds(charlie: Client, kind: RecordKind) -> None:
    page = reverse("admin:crm_recordkind_change", args=["job"])
    assert charlie.get(page).status_code == 403
