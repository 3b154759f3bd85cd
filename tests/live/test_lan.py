"""Events to a host of the private network: it is reached where it is listed, and else not at all.

Two hosts on a network of their own, in namespaces of this machine; names come from /etc/hosts.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import Site, await_that
from tests.live.stack.network import Network

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes network namespaces"),
]
ATTUNE, CRM, NAME, PORT = "attune", "crm", "crm.corp", 8080
SENT = """
import asyncio, json
from crm.outbound import courier, outbox
from crm.models import Attempt, Endpoint
made = outbox.send_test(Endpoint.objects.get())
async def carry():
    async with courier.client() as sender:
        carrier = courier.Courier(sender)
        await carrier.take()
        await asyncio.gather(*carrier.tasks)
        await carrier.writing
asyncio.run(carry())
attempt = made.attempts.get()
print(json.dumps([made.event_id, attempt.status, attempt.error]))
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("network"), {ATTUNE: [], CRM: [NAME]})
    try:
        made.open()
        words = [sys.executable, "-m", "tests.live.stack.receiver", PORT, received_in(made)]
        made.start(CRM, words)
        probe = f"import socket; socket.create_connection(('{NAME}', {PORT}))"
        await_that(lambda: made.run(CRM, [sys.executable, "-c", probe])[0] == 0)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def endpoint(network: Network) -> dict[str, str]:
    """Settings of an Attune that has an endpoint there."""
    env = Site.environment(network.folder / ATTUNE)
    manage(network, env, "migrate", "--verbosity", "0")
    listed = env | {"WEBHOOK_ALLOWED": f"{NAME}:{PORT}"}
    manage(network, listed, "webhooks", "add-endpoint", f"http://{NAME}:{PORT}/hook")
    return env


def received_in(network: Network) -> Path:
    return network.folder / "received"


def manage(network: Network, env: dict[str, str], *words: str) -> str:
    status, output = network.run(ATTUNE, [sys.executable, "manage.py", *words], env)
    assert status == 0, output
    return output


def sent(network: Network, env: dict[str, str], allowed: str) -> list[Any]:
    """The test event's id, and the status or the error of its delivery."""
    output = manage(network, env | {"WEBHOOK_ALLOWED": allowed}, "shell", "-c", SENT)
    found: list[Any] = json.loads(output.strip().splitlines()[-1])
    return found


def exchanged(network: Network) -> int:
    """Packets between the two."""
    seen = network.seen()
    return seen.get((ATTUNE, CRM), 0) + seen.get((CRM, ATTUNE), 0)


def test_what_is_not_listed_is_not_contacted(network: Network, endpoint: dict[str, str]) -> None:
    before = exchanged(network)
    for allowed in ("", f"{NAME}:8081", f"https://{NAME}:{PORT}", "10.78.0.0/16"):
        _, status, error = sent(network, endpoint, allowed)
        assert (status, "is not allowed" in error) == (None, True), allowed
    assert exchanged(network) == before


@pytest.mark.parametrize("allowed", [f"{NAME}:{PORT}", f"http://{NAME}:{PORT}", "10.77.0.0/24"])
def test_what_is_listed_is_reached_in_its_own_name(
    network: Network, endpoint: dict[str, str], allowed: str
) -> None:
    event, status, error = sent(network, endpoint, allowed)
    assert (status, error) == (204, "")
    rows = [json.loads(line) for line in received_in(network).read_text().splitlines()]
    assert [f"{NAME}:{PORT}", event, network.address(ATTUNE)] in rows
