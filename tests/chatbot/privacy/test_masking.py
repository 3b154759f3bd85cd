"""Masking: whose number it is, and what is none."""

import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.privacy.known import known_of
from chatbot.privacy.redaction import mask, redact
from chatbot.telemetry import logs
from crm import demo
from crm.knowledge.records import import_records, parse
from crm.models import Customer

CARDS = [
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4111.1111.1111.1111",
    "4111\u00a01111\u20111111\u20131111",
    "4111 - 1111 - 1111 - 1111",
    "4111 1111\n1111 1111",
    "4111111111111111",
    "5500 0000 0000 0004",
    "3782 822463 10005",
    "30569309025904",
    "3530111333300000",
    "6759649826438453",
    "４１１１１１１１１１１１１１１１",
]
ACCOUNTS = [
    "DE89 3704 0044 0532 0130 00",
    "DE89-3704-0044-0532-0130-00",
    "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000",
    "de89 3704 0044 0532 0130 00",
    "gb29nwbk60161331926819",
    "GB29 NWBK 6016 1331 9268 19",
    "FR14 2004 1010 0505 0001 3M02 606",
    "NL91 ABNA 0417 1643 00",
    "CH93 0076 2011 6238 5295 7",
    "ES91 2100 0418 4502 0005 1332",
    "NO93 8601 1117 947",
    "IT60 X054 2811 1010 0000 0123 456",
    "PL61 1090 1014 0000 0712 1981 2874",
    "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
]
PHONES = [
    "+49 151 23456789",
    "+4915123456789",
    "0044 20 7946 0958",
    "+44 (0)20 7946 0958",
    "020 7946 0958",
    "07700900123",
    "015123456789",
    "(030) 1234567",
    "030 / 123 45 67",
    "06.12.34.56.78",
    "+353 86 123 4567",
    "+81-3-1234-5678",
    "(555) 123-4567",
    "555-123-4567",
    "1-800-555-0199",
]
ADDRESSES = [
    "maya.l+shop@example.co.uk",
    "MAYA@EXAMPLE.COM",
    "o'brien@example.ie",
    "maya@müller.de",
    "maya (at) example.com",
]
ALL = [(CARDS, "[card]"), (ACCOUNTS, "[iban]"), (PHONES, "[phone]"), (ADDRESSES, "[email]")]


@pytest.mark.parametrize(("number", "word"), [(one, word) for ones, word in ALL for one in ones])
def test_what_is_somebodys_number_is_masked(number: str, word: str) -> None:
    assert mask(f"it is {number}, thanks") == f"it is {word}, thanks"
    assert mask(f"{number} is mine, and {number}") == f"{word} is mine, and {word}"
    for part in re.findall(r"\w{3,}", number):
        assert part not in redact(f"it is {number}, thanks")


@pytest.mark.parametrize(
    "text",
    [
        "order 10482 of 2026-11-20 for € 249.00",
        "order 4111 1111 1111 1112",
        "order number 100200300400",
        "order 555-1234567-8901234",
        "tracking FHP26104821 and 1Z999AA10123456784",
        "article 4006381333931, or 012345678905",
        "on 03.11.2026 at 14:05, before 2026-11-20 14:03",
        "100 200 300 pieces in size 42-43-44-45",
        "invoice 2026-000123-77, invoice 0012345678",
        "version 1.2.3.4 at 192.168.10.20",
        "€ 1,249.00 or 1.234.567,89 €, 0.0123456789 of it",
        "AB12 CD34 EF56 GH78 is a voucher, GB00 NWBK 6016 1331 9268 19 none",
    ],
)
def test_what_is_nobodys_stays(text: str) -> None:
    assert mask(text) == text


CASES = Path("tests/fixtures/masking.jsonl").read_text().splitlines()


def test_of_several_trades_and_countries() -> None:
    """What is wanted is the text itself where it is about things."""
    cases = list(map(json.loads, CASES))
    assert len(cases) > 600
    masked = [(mask(case["text"]), case["want"]) for case in cases]
    assert [(told, want) for told, want in masked if told != want] == []


def test_what_is_not_masked_stays_as_it_was_written() -> None:
    """It is looked at in another form; it is not turned into it."""
    said = "ﬁne ½ Grüße, ａｓｋ\u200b bob＠example.org №５ ❤️ of u\u0308ber"
    assert mask(said, ["Grüße"]) == "ﬁne ½ [name], ａｓｋ\u200b [email] №５ ❤️ of u\u0308ber"


def test_a_name_is_known_however_it_is_composed() -> None:
    assert mask("Ich bin Mu\u0308ller, ＭÜＬＬＥＲ", ["Müller"]) == "Ich bin [name], [name]"


def test_redaction_takes_what_masking_takes_and_every_long_number() -> None:
    for one in map(json.loads, CASES):
        for part in set(re.findall(r"\d{4,}", one["text"])) - set(re.findall(r"\d+", one["want"])):
            assert part not in redact(one["text"]), one
    assert redact("order 10482, IMEI 490154203237518") == "order [number], IMEI [number]"


def test_more_numbers_than_anybody_types_are_all_taken() -> None:
    assert mask("612 34 56 7 " * 400).count("612 34 56 7") < 100


def test_the_countries_are_the_companys(settings: Any) -> None:
    said = "I am at 32 12 34 56"
    assert mask(said) == said
    settings.PHONE_REGIONS = ["DK"]
    assert mask(said) == "I am at [phone]"


@pytest.mark.slow
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


def test_a_long_message_is_masked_in_a_moment() -> None:
    """Its patterns never try the same place over and over: linear in the text."""
    for text in ("4 1 ", "DE89 ", "0 1(", "a@", "+1-", "Aa-", "a-", "a dot ", "1 Aa ", "order 1 "):
        assert sys.getsizeof(mask(text * 1_000)) > 0


@pytest.mark.django_db
def test_what_the_crm_knows_is_in_the_customers_own_record() -> None:
    fields = {
        "name": "Maya Lindqvist",
        "e-mail": "maya@example.com",
        "address": "12 Salmon Weir Terrace",
        "loyalty tier": "Ridge",
    }
    row = {"id": "customer:cust_1", "kind": "customer", "customer": "cust_1", "title": "Maya"}
    import_records([row | {"fields": fields, "updated_at": "2026-11-20T14:03:00Z"}])
    known = known_of(Customer.objects.get(id="cust_1"))
    said = "I live at 12 salmon weir\nterrace and my tier is Ridge, says cust_1"
    assert mask(said, known) == "I live at [name] and my tier is Ridge, says [name]"
    assert known_of(None) == []


# --- in logs


def test_no_log_line_holds_personal_data(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever an error quotes, in both forms, with what the CRM knows of who is speaking."""
    said = "Maya wrote from maya@example.com with 4111 1111 1111 1111"
    for as_json in (True, False):
        handler = logging.StreamHandler(sys.stderr)
        settings = logs.configured(as_json, "INFO")
        handler.setFormatter(formatter(settings["formatters"]["line"]))
        logger = logging.getLogger("attune.masking")
        logger.addHandler(handler)
        logs.about(["Maya"])
        try:
            raise ValueError(said)
        except ValueError:
            logger.exception("could not store %s", said, extra={"seconds": 0.0123456789})
        finally:
            logger.removeHandler(handler)
            logs.about([])
        line = capsys.readouterr().err
        for secret in ("maya@", "4111", "Maya"):
            assert secret not in line
        assert "could not store [name] wrote from [email] with [card]" in line
        if as_json:
            assert "[card]" in json.loads(line)["exception"]


def formatter(described: dict[str, Any]) -> logging.Formatter:
    options = dict(described)
    make = options.pop("()")
    return make(**options)


def test_what_is_bound_to_a_request_is_masked_too() -> None:
    line = {"event": "maya@example.com", "request": "GET /admin/?q=Maya+Lindqvist", "code": 200}
    found = logs.masked(None, "info", line)
    assert found == {"event": "[email]", "request": "GET /admin/", "code": 200}


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    mask(text)
