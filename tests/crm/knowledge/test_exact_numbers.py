"""Numbers that a double cannot hold are told as the CRM wrote them, whichever way they come."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from crm.inbound import apply, reception
from crm.models import Passage, Record, Source
from crm.plumbing import storable
from tests.chatbot.programs import Program
from tests.crm.inbound.test_inbound import fresh, order, post, source  # noqa: F401

pytestmark = pytest.mark.django_db
EXACT = [
    "12345678901234567.89",
    "0.12345678901234567890",
    "1234567.89000000000001",
    "-98765432109876543.21",
    "123456789012345678901234567890.5",
]
ENTRANCES = ["webhook", "API", "command"]


def comes(by: str, row: str, tmp_path: Path, source: Source) -> None:  # noqa: F811
    if by == "webhook":
        post(source, f'{{"type": "record.upserted", "data": {row}}}'.encode())
        apply.apply_pending()
    elif by == "API":
        program = Program("records:write")
        assert program.ask("POST", "records/", f"[{row}]".encode()).status_code == 200
    else:
        (tmp_path / "rows.jsonl").write_text(row)
        call_command("import_records", tmp_path / "rows.jsonl", no_index=True)


@pytest.mark.parametrize("by", ENTRANCES)
@pytest.mark.parametrize("number", EXACT)
def test_every_digit_is_told(by: str, number: str, tmp_path: Path, source: Source) -> None:  # noqa: F811
    fields = {"currency": "EUR", "total": "X", "items": [{"product": "Tent", "price": "X"}]}
    row = json.dumps(order(fields=fields)).replace('"X"', number)
    comes(by, row, tmp_path, source)
    text = Passage.objects.get().text
    assert f"Total: {number} EUR" in text
    assert f"{number} EUR" in text.splitlines()[-1]


@pytest.mark.parametrize("by", ENTRANCES)
@pytest.mark.parametrize(
    ("number", "told"),
    [("10499.99", "10499.99"), ("10499.990000000002", "10499.99"), ("14.50", "14.50"),
     ("1.5e3", "1500.00"), ("-0.0", "0.00"), ("7", "7")],
)  # fmt: skip
def test_others_stay_numbers(
    by: str,
    number: str,
    told: str,
    tmp_path: Path,
    source: Source,  # noqa: F811
) -> None:
    row = json.dumps(order(fields={"total": "X"})).replace('"X"', number)
    comes(by, row, tmp_path, source)
    assert isinstance(Record.objects.get().fields["total"], int | float)
    assert f"Total: {told}" in Passage.objects.get().text


def test_the_preview_of_an_event_shows_them_too() -> None:
    row = json.dumps(order(fields={"total": "X"})).replace('"X"', EXACT[0])
    body = f'{{"type": "record.upserted", "data": {row}}}'.encode()
    [change] = reception.preview("attune", {}, body)
    assert change.data["fields"]["total"] == EXACT[0]


@pytest.mark.parametrize(
    "number", ["1e-400", "1.5e-999999999", "1e-99999999999999999999", "0." + "1" * 50_000]
)
def test_extreme_ones_cost_no_more_than_their_letters(number: str) -> None:
    body = f'{{"type": "record.upserted", "data": {{"fields": {{"total": {number}}}}}}}'
    found: Any = storable.loads(body)
    assert found["data"]["fields"]["total"] == number
