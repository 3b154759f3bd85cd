"""Rows become records as a plan says, and nobody is told what belongs to somebody else."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from crm.importing import columns, mapping
from crm.knowledge import amounts, records
from crm.models import ImportPlan
from crm.plumbing.storable import RecordError

COLUMNS = {"id": "No", "customer": "Customer", "status": "Status", "own_date": "Ordered"}
ROW = {
    "No": "17",
    "Customer": "alice",
    "Status": "",
    "Ordered": "05/04/2026",
    "Total (EUR)": "12.50",
    "Weight": "",
    "Note": "haggles",
}


def plan(**values: Any) -> ImportPlan:
    made = {"namespace": "till", "kind": "order", "columns": COLUMNS, "left_out": ["Note"]}
    return ImportPlan(**made | {"day_first": True} | values)


def row(of: ImportPlan, **changes: Any) -> dict[str, Any]:
    return mapping.record_row(of, ROW | changes, timezone.now())


def test_a_row_becomes_a_record_of_its_customer() -> None:
    record = records.parse(row(plan()))
    assert (record.id, record.customer_id, record.title) == ("till/17", "alice", "Order 17")
    assert record.fields == {
        "Status": None,  # Told as "none on record": the column means something.
        "Ordered": "2026-04-05",
        "Total (EUR)": "12.50 EUR",
    }


def test_numbers_of_sheets_keep_their_digits_and_take_the_heads_currency() -> None:
    told = row(plan(), **{"No": 17, "Total (EUR)": 10499.99, "Weight": 2.5})
    assert told["id"] == "till/17"
    assert told["fields"]["Total (EUR)"] == "10499.99 EUR"
    assert told["fields"]["Weight"] == 2.5


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_a_row_without_its_customer_is_never_shown_to_everybody(blank: Any) -> None:
    for of in (plan(), plan(shared=True)):
        with pytest.raises(RecordError, match="'Customer' is empty: whose record"):
            row(of, Customer=blank)


def test_only_a_shared_plan_may_do_without_customers() -> None:
    columns = {"id": "No"}
    with pytest.raises(RecordError, match="whose record"):
        row(plan(columns=columns))
    assert row(plan(columns=columns, shared=True))["customer"] is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"No": " "}, "'No' is empty: each row needs an id"),
        ({"Changed": "yesterday"}, "'Changed' has no date that Attune can read: 'yesterday'"),
    ],
)
def test_a_row_that_cannot_be_stored_says_why(changes: dict[str, str], why: str) -> None:
    with pytest.raises(RecordError, match=why):
        row(plan(columns=COLUMNS | {"updated_at": "Changed"}), **changes)


def test_ids_stay_in_the_plans_namespace() -> None:
    own = {"id": "articles/1", "kind": "order", "customer": "alice", "title": "x"}
    own["updated_at"] = "2026-01-01"
    of = ImportPlan(namespace="till")
    assert mapping.record_row(of, own, timezone.now())["id"] == "till/articles/1"
    assert mapping.record_row(ImportPlan(own_ids=True), own, timezone.now())["id"] == "articles/1"
    for partly in ({"partial": True}, {"deleted": True}):
        with pytest.raises(RecordError, match="whole records"):
            mapping.record_row(of, own | partly, timezone.now())


def test_a_plan_fits_the_same_columns_in_any_order_and_no_further_ones() -> None:
    of = plan(heads=["No", "Customer"])
    assert mapping.fits(of, ["Customer", "No"])
    assert not mapping.fits(of, ["Customer", "No", "Reason for dismissal"])
    assert not mapping.fits(of, ["No"])


def amounts_of(*values: str) -> tuple[list[str], list[Any]]:
    """Return the columns with decimal commas, and how the values are stored."""
    rows: list[Any] = [(number, {"Total (EUR)": value}) for number, value in enumerate(values)]
    commas = columns.with_decimal_commas(columns.looked_through(["Total (EUR)"], rows))
    told = [
        mapping.record_row(plan(), ROW | {"Total (EUR)": value}, timezone.now(), commas)
        for value in values
    ]
    return commas, [one["fields"]["Total (EUR)"] for one in told]


def test_a_column_tells_how_its_amounts_are_written() -> None:
    commas, told = amounts_of("29,90", "1.234", "1.234,56", "-2.500", "12.345.678", "1,459", "950")
    assert commas == ["Total (EUR)"]
    assert told[:4] == ["29,90 EUR", "1234 EUR", "1.234,56 EUR", "-2500 EUR"]
    assert told[4:] == ["12.345.678 EUR", "1.459", "950 EUR"]
    added = [found[0] for one in told if (found := amounts.parsed(one))]
    assert sum(added) == Decimal("29.90") + 1234 + Decimal("1234.56") - 2500 + 12345678 + 950


@pytest.mark.parametrize(
    "values", [("1.234", "2.500"), ("29.90", "1,234", "950"), ("29.90", "29,90", "1.234")]
)
def test_an_amount_that_its_column_leaves_open_stays_as_it_is(values: tuple[str, ...]) -> None:
    commas, told = amounts_of(*values)
    assert commas == []
    assert [one.removesuffix(" EUR") for one in told] == list(values)
