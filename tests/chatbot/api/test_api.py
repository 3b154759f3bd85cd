"""The REST API: erp may write records, bi may read conversations, mallory has no key."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from chatbot.api import idempotency
from chatbot.models import ApiKey, IdempotentAnswer, Inbox
from chatbot.wire import limits
from crm.models import Record
from crm.outbound import outbox
from tests.chatbot.programs import PROBLEM, Program, order, talk

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture(autouse=True)
def fresh() -> None:
    cache.clear()
    limits.reset()


@pytest.fixture
def erp() -> Program:
    return Program("records:read", "records:write")


@pytest.fixture
def bi() -> Program:
    return Program("conversations:read")


# --- who asks


def test_without_a_good_key_nobody_learns_anything(erp: Program) -> None:
    answers = [Client().get("/api/records/")]
    for header in ("", "Bearer", "Bearer x", "Basic eDp5", f"Bearer {erp.key}x", "Bearer é"):
        answers.append(Client().get("/api/records/", headers={"Authorization": header}))
    ApiKey.objects.update(revoked=True)
    answers.append(erp.ask("GET", "records/"))
    ApiKey.objects.update(revoked=False, expires_at=timezone.now() - timedelta(days=1))
    answers.append(erp.ask("GET", "records/"))
    for answer in answers:
        assert (answer.status_code, answer["content-type"]) == (401, PROBLEM)
        assert answer["WWW-Authenticate"] == "Bearer"


def test_a_key_does_what_its_scopes_say(erp: Program, bi: Program) -> None:
    one = talk()
    for path in ("conversations/", f"conversations/{one.id}/messages/"):
        refused = erp.ask("GET", path)
        assert refused.status_code == 403
        assert "conversations:read" in refused.json()["detail"]
        assert bi.ask("GET", path).status_code == 200
    assert bi.ask("GET", "records/").status_code == 403
    assert Program("records:read").ask("POST", "records/", [order(1)]).status_code == 403


def test_the_key_itself_is_not_kept(erp: Program) -> None:
    assert erp.key not in str(ApiKey.objects.values())
    erp.ask("GET", "records/")
    assert ApiKey.objects.get().last_used_at


def test_too_many_requests_are_told_when_to_come_back(erp: Program, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    answers = [erp.ask("GET", "records/") for _ in range(3)]
    assert answers[-1].status_code == 429
    assert answers[-1].json()["retry_after"] > 0
    assert int(answers[-1]["Retry-After"]) > 0


def test_the_command_makes_lists_and_revokes(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("api_key", "add", "erp", "--scope", "records:read", "--json")
    key = json.loads(capsys.readouterr().out)["key"]
    headers = {"Authorization": f"Bearer {key}"}
    assert Client().get("/api/records/", headers=headers).status_code == 200
    call_command("api_key", "list")
    assert f"{key[:10]}…  erp  records:read" in capsys.readouterr().out
    call_command("api_key", "revoke", key[:10])
    assert Client().get("/api/records/", headers=headers).status_code == 401


# --- records


def test_good_rows_are_stored_and_bad_ones_named(erp: Program) -> None:
    answer = erp.ask("POST", "records/", [order(1), order(2, title=""), order(3)])
    assert answer.status_code == 200
    assert answer.json() == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "stale": 0,
        "errors": [{"row": 1, "error": '"title" is missing or empty'}],
        "notes": [],
    }
    assert Record.objects.count() == 2
    again = erp.ask("POST", "records/", [order(1, updated_at="2026-10-01T00:00:00Z")])
    assert again.json()["stale"] == 1


@pytest.mark.parametrize(
    "body",
    [{}, [], "x", None, [order(n) for n in range(501)], b"{", b'"\xff"', b"[" * 9_999, b"[1e999]"],
)
def test_what_is_no_list_of_records_is_refused(erp: Program, body: Any) -> None:
    answer = erp.ask("POST", "records/", body)
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        assert answer.json()["errors"], "each row says what is wrong"
    else:
        assert answer["content-type"] == PROBLEM


def test_pages_are_stable_while_rows_come_and_go(erp: Program) -> None:
    erp.ask("POST", "records/", [order(n) for n in range(7)])
    first = erp.ask("GET", "records/?limit=3").json()
    erp.ask("POST", "records/", [order(0, title="New", updated_at="2026-12-01T00:00:00Z")])
    erp.ask("DELETE", "records/order:1/")
    found, page = [row["id"] for row in first["items"]], first
    while page["next"]:
        page = erp.ask("GET", page["next"].split("/api/")[1]).json()
        found += [row["id"] for row in page["items"]]
    assert found == [f"order:{n}" for n in range(7)]
    assert len(erp.ask("GET", "records/?limit=9999").json()["items"]) == 6
    mine = erp.ask("GET", "records/?customer=cust_1&kind=order").json()["items"]
    assert {row["id"] for row in mine} == {"order:3", "order:5"}


def test_a_deleted_record_is_gone(erp: Program) -> None:
    erp.ask("POST", "records/", [order(1)])
    assert erp.ask("GET", "records/order:1/").json()["title"] == "Order 1"
    assert erp.ask("DELETE", "records/order:1/").status_code == 204
    assert erp.ask("GET", "records/order:1/").status_code == 404
    assert erp.ask("DELETE", "records/order:1/").status_code == 404
    assert Record.objects.get().deleted, "an older update will not bring it back"


# --- the same request twice


def test_a_request_that_is_sent_again_is_answered_again_and_done_once(erp: Program) -> None:
    once = {"Idempotency-Key": "a"}
    first = erp.ask("POST", "records/", [order(1)], **once)
    Record.objects.all().delete()
    again = erp.ask("POST", "records/", [order(1)], **once)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert not Record.objects.exists()
    assert erp.ask("POST", "records/", [order(2)], **once).status_code == 422
    other = Program("records:write")
    assert "Idempotency-Replayed" not in other.ask("POST", "records/", [order(1)], **once)


def test_while_it_is_answered_the_second_waits_and_a_refused_one_may_be_mended(
    erp: Program,
) -> None:
    assert erp.ask("POST", "records/", {}, **{"Idempotency-Key": "a"}).status_code == 400
    assert erp.ask("POST", "records/", [order(1)], **{"Idempotency-Key": "a"}).status_code == 200
    IdempotentAnswer.objects.update(status=None)
    assert erp.ask("POST", "records/", [order(1)], **{"Idempotency-Key": "a"}).status_code == 409
    IdempotentAnswer.objects.update(at=timezone.now() - timedelta(days=2))
    assert idempotency.forget() == 1


# --- conversations


def test_conversations_and_what_was_said(bi: Program, django_assert_max_num_queries: Any) -> None:
    for _ in range(5):
        one = talk()
    with django_assert_max_num_queries(4):
        rows = bi.ask("GET", "conversations/?inbox=shop&customer=alice&state=bot").json()["items"]
    assert len(rows) == 5
    assert rows[0]["id"] == str(one.id)
    assert bi.ask("GET", "conversations/?since=2999-01-01T00:00:00Z").json()["items"] == []
    assert bi.ask("GET", "conversations/?since=soon").status_code == 400
    said = bi.ask("GET", f"conversations/{one.id}/messages/?after=1").json()["items"]
    assert [row["text"] for row in said] == ["number 2"]
    assert bi.ask("GET", f"conversations/{one.id}/messages/?after=x").status_code == 400
    nobody = "00000000-0000-0000-0000-000000000001"
    assert bi.ask("GET", f"conversations/{nobody}/messages/").status_code == 404


def test_no_secret_is_ever_told(erp: Program, bi: Program) -> None:
    one = talk()
    secret = Inbox.objects.get().secret
    for program in (erp, bi):
        for path in ("records/", "customers/", "conversations/", f"conversations/{one.id}/"):
            assert secret not in program.ask("GET", path).content.decode()


def test_the_description_is_openapi_3_1_and_tells_of_events() -> None:
    schema = Client().get("/api/schema?format=json").json()
    assert schema["openapi"].startswith("3.1")
    assert set(schema["webhooks"]) <= set(outbox.TYPES)
    for name, operation in schema["webhooks"].items():
        content = operation["post"]["requestBody"]["content"]["application/json"]
        assert all(one["value"]["type"] == name for one in content["examples"].values())
    assert len(content["examples"]) >= 2, "thin, and in the CloudEvents envelope"
    assert "message.created" in schema["webhooks"]
    assert schema["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_its_page_loads_nothing_from_elsewhere() -> None:
    html = Client().get("/api/docs").content.decode()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert len(loaded) >= 3
    assert all(one.startswith("/") and not one.startswith("//") for one in loaded)
    assert '"validatorUrl": null' in Client().get("/api/docs?script=").content.decode()


# --- every refusal has one form


def test_every_refusal_is_a_problem_document(erp: Program, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    long = [order(1, text="x" * 2_000)]
    once = {"Idempotency-Key": "a"}
    answers = {
        400: [erp.ask("POST", "records/", b"{")],
        404: [erp.ask("GET", path) for path in ("nothing/", "records", "", "customers/%00/")],
        405: [erp.ask("DELETE", "records/"), erp.ask("OPTIONS", "records/")],
        406: [erp.ask("GET", "records/", Accept="text/html")],
        413: [erp.ask("POST", "records/", long), erp.ask("POST", "records/", long, **once)],
        415: [erp.ask("POST", "records/", b"x", **{"Content-Type": "text/plain"})],
    }
    for status, given in answers.items():
        for answer in given:
            assert (answer.status_code, answer["content-type"]) == (status, PROBLEM)
            document = answer.json()
            assert document["status"] == status
            assert {"type", "title", "detail"} <= set(document)
    assert "POST" in answers[405][0]["Allow"]


def test_what_breaks_on_our_side_is_one_too(erp: Program, monkeypatch: Any) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a secret of the database")

    erp.client.raise_request_exception = False
    monkeypatch.setattr("chatbot.api.records.text", broken)
    answer = erp.ask("GET", "records/")
    assert (answer.status_code, answer["content-type"]) == (500, PROBLEM)
    assert "secret" not in answer.content.decode()
