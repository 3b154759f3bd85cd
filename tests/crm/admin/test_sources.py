"""The pages of sources: a payload tried out before anything is saved, secrets, health."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from crm import signing
from crm.models import InboundEvent, Record, Source
from tests.chatbot.admin.console import text_of
from tests.crm.dialects.test_dialects import FIXTURES, MAPPING

pytestmark = pytest.mark.django_db
ADD, PREVIEW = "/admin/crm/source/add/", "/admin/crm/source/preview/"
ITEMS = (FIXTURES / "generic" / "items.json").read_text()


def source(**values: Any) -> Source:
    return Source.objects.create(name="shop", secrets=signing.rotated([]), **values)


def tried(client: Client, payload: str = ITEMS, mapping: Any = MAPPING, **more: str) -> Any:
    text = mapping if isinstance(mapping, str) else json.dumps(mapping)
    form = {"dialect": "generic", "mapping": text, "payload": payload} | more
    answer = client.post(PREVIEW, form)
    assert answer.status_code == 200
    return answer.json()


def test_a_payload_is_shown_as_the_records_that_it_would_become(root: Client) -> None:
    answer = tried(root)
    assert answer["count"] == 2
    first = answer["changes"][0]
    assert (first["type"], first["data"]["customer"]) == ("record.upserted", "cust_1")
    assert first["data"]["fields"] == {"status": "sent"}
    assert not Source.objects.exists()
    assert not Record.objects.exists()
    assert not InboundEvent.objects.exists()


@pytest.mark.parametrize(
    ("payload", "mapping", "why"),
    [
        (ITEMS, "{", "The mapping is not JSON"),
        (ITEMS, MAPPING | {"title": "$.[["}, '"title" is not a JSONPath'),
        (ITEMS, MAPPING | {"title": "$.label"}, "items.[0]: $.label: found nothing for the title"),
        (ITEMS, MAPPING | {"customer": "$.who"}, "$.who: is empty: whose record is this?"),
        (ITEMS, MAPPING | {"records": "$.rows[*]"}, "$.rows[*]: has 0 entries"),
        (ITEMS, MAPPING | {"updated_at": "$.state"}, '"updated_at" must be an ISO 8601 time'),
        ("{", MAPPING, "body: is not JSON"),
    ],
)
def test_what_does_not_fit_is_said_with_its_path(
    root: Client, payload: str, mapping: Any, why: str
) -> None:
    assert why in tried(root, payload, mapping)["error"]


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*/*.json")), ids=lambda path: path.stem)
def test_every_dialect_can_be_tried_out(root: Client, path: Path) -> None:
    if path.parent.name != "generic":
        assert "error" not in tried(root, path.read_text(), dialect=path.parent.name)
    assert tried(root, "x" * 30, dialect="nonsense") == {"error": "Choose a dialect."}


def test_only_who_may_change_sources_tries_payloads_out(alice: Client, charlie: Client) -> None:
    page = f"/admin/crm/source/{source().id}/change/"
    for nobody in (alice, charlie):
        assert nobody.post(PREVIEW, {}).status_code == 403
    assert "Try the mapping" not in text_of(alice, page)
    assert charlie.get(page).status_code == 403


def test_the_form_has_the_preview(root: Client) -> None:
    for page in (ADD, f"/admin/crm/source/{source().id}/change/"):
        html = text_of(root, page)
        assert f'data-url="{PREVIEW}"' in html
        assert "crm/preview.js" in html


def test_a_secret_is_shown_once_and_changed_with_an_overlap(root: Client) -> None:
    page = root.post(ADD, {"name": "erp", "dialect": "attune", "active": "on"}, follow=True)
    made = Source.objects.get()
    assert made.secrets[0]["secret"] in page.content.decode()
    url = f"/admin/crm/source/{made.id}/change/"
    assert made.secrets[0]["secret"] not in text_of(root, url)
    given = {"dialect": "attune", "active": "on", "given": "theirs", "mapping": "{}"}
    root.post(url, given)
    after = Source.objects.get()
    assert signing.current(after.secrets) == ["theirs", made.secrets[0]["secret"]]


def test_the_list_tells_how_it_goes(root: Client, django_assert_max_num_queries: Any) -> None:
    shop = source()
    states = ["applied", "applied", "failed", "refused"]
    for number, state in enumerate(states):
        InboundEvent.objects.create(
            source=shop, event_id=str(number), type="x", body="{}", state=state
        )
    with django_assert_max_num_queries(13):
        assert "50.0% of 4" in text_of(root, "/admin/crm/source/")
    assert "refused" in text_of(root, "/admin/crm/inboundevent/?type=nothing&state__exact=refused")


def test_a_source_goes_with_its_events(root: Client) -> None:
    shop = source()
    InboundEvent.objects.create(source=shop, event_id="1", type="x", body="{}")
    url = f"/admin/crm/source/{shop.id}/delete/"
    assert "shop, and all its events" in text_of(root, url)
    root.post(url, {"post": "yes"})
    assert not Source.objects.exists()
