"""The whole stack of deploy/compose.yaml, cold, on a network without a way out."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.conftest import await_that
from tests.live.stack.network import Network
from tests.live.stack.parts import BROWSER, CRM, HOSTS, SERVER_NAME, Stack, inherited

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes network namespaces"),
]
# Of its own accord: the customer's browser is no part of the stack.
CHROMIUM_ASKS_FOR = (
    "accounts.google.com",
    "android.clients.google.com",
    "content-autofill.googleapis.com",
    "update.googleapis.com",  # after some minutes, on a slow machine
)
# Who may talk to whom; anything else on the network is a mistake, or a leak.
APPLICATION = ("web-1", "web-2", "worker", "beat", "setup")
CABLES = {
    (BROWSER, "nginx"),
    (CRM, "nginx"),
    *((BROWSER, f"the name {name}") for name in CHROMIUM_ASKS_FOR),
    ("nginx", "web-1"),
    ("nginx", "web-2"),
    ("gate", "vllm"),
    ("gate", "energy"),
    ("energy", "vllm"),
    *((part, to) for part in APPLICATION for to in ("postgres", "redis", "gate")),
}


@pytest.fixture(scope="module")
def stack(vllm_env: Path, model_folder: Path) -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="attune-stack-", dir="/var/tmp"))
    folder.chmod(0o711)
    network = Network(folder, HOSTS)
    try:
        network.open()
        stack = Stack(network, folder, vllm_env, model_folder)
        stack.install()
        stack.start()
        yield stack
    finally:
        network.close()
        shutil.rmtree(folder)


def test_a_customer_is_answered_and_nobody_outside_is_contacted(
    stack: Stack, tmp_path: Path
) -> None:
    await_that(lambda: ready(stack))
    words = ["python", "manage.py", "webhooks", "add-source", "erp", "--json"]
    # Its warnings (the demo shop is loaded) come with it.
    source = stack.succeeds("setup", words, stack.environment("setup")).strip().splitlines()[-1]
    sent = stack.succeeds(CRM, [sys.executable, "-m", "tests.live.stack.crm", source], inherited())
    assert "202" in sent
    await_that(lambda: encoded(stack))
    picture = tmp_path / "widget.png"
    words = [sys.executable, "-m", "tests.live.stack.browser", f"https://{SERVER_NAME}", picture]
    answer = stack.succeeds(BROWSER, words, inherited())
    assert "FHP26109999" in answer, answer
    seen = stack.network.seen()
    print("\n".join(f"{one} → {other}" for one, other in sorted(seen)))
    strange = {pair for pair in seen if pair not in CABLES and pair[::-1] not in CABLES}
    assert not strange


def test_vllm_answers_through_the_gate_alone(stack: Stack) -> None:
    """Without a key: what Attune never asks for, and what it asks of the machine's counters."""
    words = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"]
    statuses = [
        stack.succeeds("web-1", [*words, "-X", method, f"http://gate:8200{path}"])
        for method, path in (("POST", "/pause"), ("POST", "/tokenize"), ("GET", "/health"))
    ]
    assert statuses == ["404", "404", "200"]
    told = stack.succeeds("web-1", ["curl", "-s", "http://gate:8200/energy"])
    assert "joules" in told or "counts its energy" in told


def test_settings_of_the_compose_file_leave_only_the_demos_log_ins_to_mend(stack: Stack) -> None:
    words = ["python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    # Without the demo shop, and where no name below this one speaks plain HTTP.
    chosen = stack.environment("setup") | {"DEMO": "0", "HSTS_SUBDOMAINS": "1"}
    status, told = stack.network.run("setup", words, chosen)
    named = {line.partition(")")[0] for line in told.splitlines() if line.startswith("?:")}
    assert (status, named) == (1, {"?: (attune.E012"}), told
    for name in ("admin", "agent"):
        assert f"changepassword {name}" in told


def encoded(stack: Stack) -> bool:
    """Every passage by meaning, too: which ones stand beside the record is no chance by then."""
    words = ["python", "manage.py", "index", "status", "--json"]
    told = stack.succeeds("setup", words, stack.environment("setup")).strip().splitlines()[-1]
    return not json.loads(told)["without_vector"]


def ready(stack: Stack) -> bool:
    """As the runbook says: /readyz, from inside."""
    words = ["curl", "-sf", "-H", f"Host: {SERVER_NAME}", "http://web-1:8000/readyz"]
    return stack.network.run("nginx", words)[0] == 0
