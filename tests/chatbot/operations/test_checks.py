"""Bad configuration is said in words, with what to type."""

import re
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.db import connection

from chatbot.config.network import is_private
from chatbot.operations.checks import CONFIGURATION, FILES

ROOT = Path(__file__).parents[3]


@pytest.fixture
def found(settings: Any) -> Any:
    """Run the checks with these settings; return the messages by id."""
    settings.DEBUG = True  # pytest-django turns it off, whatever the settings say
    settings.REDIS_URL = ""

    def check(tag: str = CONFIGURATION, **changed: Any) -> dict[str, CheckMessage]:
        for name, value in changed.items():
            setattr(settings, name, value)
        return {message.id: message for message in run_checks(tags=[tag])}

    return check


def test_the_defaults_are_right_on_one_machine(found: Any) -> None:
    assert found() == {}


def test_one_machine_defaults_are_named_in_production(found: Any) -> None:
    messages = found(DEBUG=False)
    numbers = (1, 2, 3, 4) if connection.vendor == "sqlite" else (2, 3, 4)
    assert list(messages) == [f"attune.W00{number}" for number in numbers]
    assert all(message.hint for message in messages.values())


@pytest.mark.django_db
def test_a_production_that_is_set_up_is_left_alone(found: Any) -> None:
    messages = found(DEBUG=False, DEMO=False, SECRET_KEY="alice's", REDIS_URL="redis://redis:6379")
    assert list(messages) == (["attune.W001"] if connection.vendor == "sqlite" else [])


def test_the_demo_on_the_network_is_warned_about(found: Any) -> None:
    assert list(found(HOST="0.0.0.0")) == ["attune.W005"]
    assert found(HOST="localhost") == {}
    assert found(HOST="::1") == {}
    assert found(HOST="0.0.0.0", DEMO=False) == {}


@pytest.mark.parametrize("url", ["redis", "http://redis", "redis://", "redis://h:x", "redis://h/3"])
def test_a_malformed_redis_url_is_an_error(found: Any, url: str) -> None:
    assert list(found(REDIS_URL=url)) == ["attune.E001"]


def test_the_password_in_redis_url_is_not_shown(found: Any) -> None:
    message = found(REDIS_URL="redis://:hunter2@redis:6379/5")["attune.E001"]
    assert "hunter2" not in str(message)


@pytest.mark.parametrize("url", ["vllm:8000", "ftp://vllm/v1", "", "http://", "http://vllm:x/v1"])
def test_an_slm_url_that_is_no_web_address_is_an_error(found: Any, url: str) -> None:
    assert list(found(SLM_URL=url)) == ["attune.E002"]


@pytest.mark.parametrize(
    "host",
    ["vllm", "10.2.3.4", "192.168.1.9", "100.64.0.7", "[fd00::1]", "slm.ml.svc", "slm.internal"],
)
def test_a_private_model_server_is_fine(found: Any, host: str) -> None:
    assert found(SLM_URL=f"http://{host}:8000/v1") == {}


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("64:ff9b::a00:1", True),
        ("2002:a00:1::1", True),
        ("::ffff:10.0.0.1", True),
        ("64:ff9b::808:808", False),
        ("2002:808:808::1", False),
        ("2001:0:808:808::f7f7:f7f7", False),
        ("::ffff:8.8.8.8", False),
        ("::ffff:0:8.8.8.8", False),
    ],
)
def test_a_translated_address_is_judged_by_what_it_stands_for(host: str, private: bool) -> None:
    assert is_private(host) is private


def test_a_model_server_outside_is_warned_about(found: Any) -> None:
    assert list(found(SLM_URL="https://8.8.8.8/v1")) == ["attune.W006"]


def test_what_is_forgotten_and_where_events_go_must_make_sense(found: Any) -> None:
    assert list(found(REDACT_AFTER_DAYS=90, DELETE_AFTER_DAYS=30)) == ["attune.E003"]
    assert list(found(REDACT_AFTER_DAYS=30, DELETE_AFTER_DAYS=30)) == ["attune.E003"]
    for redact, delete in ((30, 90), (30, 0), (0, 90)):
        assert found(REDACT_AFTER_DAYS=redact, DELETE_AFTER_DAYS=delete) == {}
    assert list(found(REDACT_AFTER_DAYS=-1, DELETE_AFTER_DAYS=0)) == ["attune.E003"]
    message = found(WEBHOOK_ALLOWED=["crm", "10.0.0.0/8"])["attune.E004"]
    assert "needs a port, e.g. crm:443" in message.msg


def test_an_index_server_outside_is_warned_about_too(found: Any) -> None:
    assert list(found(INDEX_URL="http://8.8.8.8:19530")) == ["attune.W008"]
    assert found(INDEX_URL="http://milvus:19530") == {}


@pytest.mark.parametrize(("address", "ids"), [("93.184.215.14", ["attune.W006"]), ("10.0.0.9", [])])
def test_a_long_name_is_judged_by_its_address(
    found: Any, monkeypatch: pytest.MonkeyPatch, address: str, ids: list[str]
) -> None:
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    assert list(found(SLM_URL="https://slm.example.com/v1")) == ids


def test_missing_models_come_with_the_command_that_fetches_them(
    found: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATTUNE_MODELS", str(tmp_path))
    message = found(FILES)["attune.W007"]
    assert message.hint == "Type: python manage.py models fetch encoder chat"


def test_the_large_reranker_is_offered(
    found: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATTUNE_MODELS", str(tmp_path))
    message = found(FILES)["attune.I003"]
    assert message.hint == "Type: python manage.py models fetch large-reranker, and restart Attune."


def test_a_model_server_elsewhere_needs_no_chat_model_here(
    found: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATTUNE_MODELS", str(tmp_path))
    message = found(FILES, SLM_EMBEDDED=False)["attune.W007"]
    assert message.hint == "Type: python manage.py models fetch encoder"


def test_whose_word_about_addresses_is_believed_must_make_sense(found: Any) -> None:
    proxy = ("HTTP_X_FORWARDED_PROTO", "https")
    assert list(found(SECURE_PROXY_SSL_HEADER=proxy)) == ["attune.W011"]
    assert found(TRUSTED_PROXIES=["10.0.0.5", "fd00::/8"]) == {}
    for wrong in ("*", "nginx", "10.0.0.5/8", "10.0.0"):
        message = found(TRUSTED_PROXIES=["10.0.0.5", wrong])["attune.E008"]
        assert wrong in message.msg


def test_a_password_in_redis_url_that_is_not_encoded_is_said_to_be(found: Any) -> None:
    message = found(REDIS_URL="redis://:p@ss/w:rd#1%@127.0.0.1:6390")["attune.E001"]
    assert "percent-encode the password" in message.hint
    assert "w:rd" not in str(message)


ID = re.compile(r"\battune\.[EWI]\d{3}\b")


def test_each_check_has_an_id_of_its_own_and_the_runbook_explains_it() -> None:
    """What operators silence or look up by its id is one thing."""
    sources = [
        path for name in ("chatbot", "crm", "inference") for path in (ROOT / name).rglob("*.py")
    ]
    ids = Counter(id for path in sources for id in ID.findall(path.read_text()))
    assert len(ids) > 20
    assert [id for id, count in ids.items() if count > 1] == []
    explained = set(ID.findall((ROOT / "deploy/README.md").read_text()))
    assert explained == set(ids)


def test_manage_py_check_runs_them() -> None:
    """pytest-django turns DEBUG off, so the one-machine defaults of the tests are named."""
    assert {"attune.W003", "attune.W004"} <= {message.id for message in run_checks()}


SIGN_ON = {
    "OIDC_ISSUER": "https://id.corp.internal/realms/staff",
    "OIDC_RP_CLIENT_ID": "attune",
    "OIDC_RP_CLIENT_SECRET": "hunter2",
    "OIDC_GROUPS": {"support": "Agent"},
}


@pytest.mark.parametrize(
    ("changed", "ids"),
    [
        ({}, []),
        ({"OIDC_ISSUER": ""}, []),
        ({"OIDC_ISSUER": "http://127.0.0.1:8080"}, []),
        ({"OIDC_ISSUER": "http://id.corp.internal"}, ["attune.E005"]),
        ({"OIDC_ISSUER": "https://8.8.8.8"}, ["attune.W009"]),
        ({"OIDC_RP_CLIENT_SECRET": ""}, ["attune.E006"]),
        ({"OIDC_GROUPS": {}}, ["attune.E007"]),
        ({"OIDC_GROUPS": {"support": "Boss"}}, ["attune.E007"]),
    ],
)
def test_single_sign_on_is_whole_or_said_to_be_wrong(
    found: Any, changed: dict[str, Any], ids: list[str]
) -> None:
    messages = found(**SIGN_ON | changed)
    assert list(messages) == ids
    assert all(message.hint for message in messages.values())
    assert "hunter2" not in str(messages)
