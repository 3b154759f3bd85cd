"""Masking: whose number it is, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.redaction import mask
from crm import demo
from crm.records import parse


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("my card is 4111 1111 1111 1111, ok?", "my card is [card], ok?"),
        ("4111-1111-1111-1111", "[card]"),
        ("378282246310005", "[card]"),
        ("4111 1111 1111 1112", "4111 1111 1111 1112"),
        ("pay to DE89 3704 0044 0532 0130 00 please", "pay to [iban] please"),
        ("gb29nwbk60161331926819", "[iban]"),
        ("call +49 151 23456789", "call [phone]"),
        ("call (030) 1234567 or 030 / 123 45 67", "call [phone] or [phone]"),
        ("0044 20 7946 0958", "[phone]"),
        ("write to maya.l+shop@example.co.uk.", "write to [email]"),
    ],
)
def test_what_is_somebodys_number_is_masked(text: str, masked: str) -> None:
    assert mask(text).rstrip(".") == masked.rstrip(".")


@pytest.mark.parametrize(
    "text",
    [
        "order 10482 of 2026-11-20 for € 249.00",
        "tracking FHP26104821",
        "article 4006381333931",
        "on 03.11.2026 at 14:05",
        "100 200 300 pieces",
        "invoice 2026-000123-77",
        "version 1.2.3.4",
    ],
)
def test_what_is_nobodys_stays(text: str) -> None:
    assert mask(text) == text


def test_the_demo_shops_records_keep_their_facts() -> None:
    """Orders, prices, dates and tracking codes: nothing of them looks like personal data."""
    kinds = {"order", "product", "shipment", "invoice"}
    rows = [record for record in map(parse, demo.records()) if record.kind in kinds]
    assert rows
    for record in rows:
        text = f"{record.title} {record.fields}"
        touched = mask(text)
        assert "[card]" not in touched, text
        assert "[iban]" not in touched, text
        assert "[phone]" not in touched, text


def test_what_the_crm_knows_of_the_writer_is_masked() -> None:
    assert mask("Maya Lindqvist here, MAYA!", ["Maya Lindqvist", "Maya"]) == "[name] here, [name]!"


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    mask(text)
