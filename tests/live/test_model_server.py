"""The server that `manage.py serve` starts, with a real model, asked without Attune."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from inference.models import catalogue
from inference.programs import free_port
from tests.live.conftest import ROOT

pytestmark = pytest.mark.live

PROGRAM = [sys.executable, "-m", "inference.generation.local_server"]
BEGINNING = [{"role": "system", "content": "Answer in one short sentence. " * 20}]


@pytest.fixture(scope="module")
def url(models: None) -> Iterator[str]:
    """Yield the address of a server that has filled its two slots."""
    port = free_port()
    options = ["--model", str(catalogue.located("chat-small")), "--port", str(port)]
    options += ["--parallel", "2", "--beginning", json.dumps(BEGINNING)]
    server = subprocess.Popen([*PROGRAM, *options], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert any(
            b"beginning of the prompts has been read" in line for line in server.stdout or ()
        )
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def cached(url: str, text: str) -> int:
    """Return how many tokens of this prompt the server had read before."""
    messages = [*BEGINNING, {"role": "user", "content": text}]
    answer = post(f"{url}/v1/chat/completions", {"messages": messages, "max_tokens": 1})
    return int(answer["usage"]["prompt_tokens_details"]["cached_tokens"])


def test_two_customers_who_write_first_and_together_find_the_beginning_read(url: str) -> None:
    with ThreadPoolExecutor() as customers:
        found = customers.map(partial(cached, url), ["Is alice's tent here?", "Where is bob's?"])
    assert min(found) > 100


def test_no_request_makes_it_write_a_file_once_the_slots_are_filled(url: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="500"):
        post(f"{url}/slots/0?action=save", {"filename": "slot"})
