"""The admin's pages of webhooks in a real browser: a payload tried out before anything is saved."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.live.test_console import log_in

pytestmark = pytest.mark.live
MAPPING = {
    "records": "$.items[*]",
    "id": "$.number",
    "kind": "parcel",
    "customer": "$.owner",
    "title": "$.name",
    "updated_at": "$.changed",
    "fields": {"status": "$.state"},
}
EVIL = "<img src=x onerror=alert(1)>"
ITEM = {"number": "A-1", "owner": "cust_1", "name": EVIL, "state": "lost", "changed": "2026-11-20"}


def test_a_pasted_payload_is_shown_as_records_and_nothing_is_saved(page: Page, site: str) -> None:
    log_in(page, site, "admin")
    page.goto(f"{site}/admin/crm/source/")
    known = page.locator("#result_list tbody tr").count()
    page.goto(f"{site}/admin/crm/source/add/")
    page.get_by_label("Dialect").select_option("generic")
    page.get_by_label("Mapping", exact=True).fill(json.dumps(MAPPING))
    page.get_by_label("Paste a payload").fill(json.dumps({"items": [ITEM]}))
    card = page.locator("#preview-rows li")
    expect(card.get_by_role("heading")).to_have_text(EVIL)
    expect(card).to_contain_text("lost")
    expect(page.locator("#preview-rows img")).to_have_count(0)
    page.get_by_label("Mapping", exact=True).fill(json.dumps(MAPPING | {"title": "$.label"}))
    expect(page.get_by_role("status")).to_contain_text("$.label: found nothing for the title")
    page.goto(f"{site}/admin/crm/source/")
    expect(page.locator("#result_list tbody tr")).to_have_count(known)
