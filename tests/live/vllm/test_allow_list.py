"""nginx in front of vLLM: what Attune uses comes through, and nothing else does."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from inference.generation.client import Generator
from inference.generation.pace import Deadlines
from tests.live import nginx
from tests.live.conftest import VLLM, await_that, free_port
from tests.live.vllm.conftest import KEY, Server
from tests.live.vllm.test_vllm import LONG, RUNNING
from tests.load.faults import listening

pytestmark = pytest.mark.vllm

NEVER = ["/pause", "/tokenize", "/invocations", "/v1/completions", "/docs", "/v1/../pause"]


@contextmanager
def allow_list(folder: Path, upstream: int) -> Iterator[int]:
    port, energy = free_port(), free_port()
    values = {"VLLM_UPSTREAM": f"127.0.0.1:{upstream}", "VLLM_LISTEN": f"127.0.0.1:{port}"}
    values["ENERGY_UPSTREAM"] = f"127.0.0.1:{energy}"
    command = nginx.command(folder, VLLM / "allow-list.conf.template", values)
    process = subprocess.Popen(command)
    try:
        await_that(lambda: listening(port))
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def front(server: Server, tmp_path: Path) -> Iterator[Server]:
    with allow_list(tmp_path, server.port) as port:
        yield replace(server, port=port)


def test_only_what_attune_uses_is_reachable(front: Server) -> None:
    assert [front.status(path) for path in ("/health", "/v1/models", "/metrics")] == [200] * 3
    assert front.status("/v1/chat/completions") == 403, "GET where only POST is of use"
    assert [front.status(path) for path in NEVER] == [404] * len(NEVER)
    assert front.status("/v1/models", key="another") == 401


def test_tokens_stream_through_and_end_with_their_reader(front: Server) -> None:
    model = Generator(front.url, "slm", KEY, Deadlines(first_token=120, total=240))

    async def leave() -> None:
        async with aclosing(model.stream(LONG, 1000)) as stream:
            await anext(stream)
            assert await asyncio.to_thread(front.metric, RUNNING) == 1

    asyncio.run(leave())
    await_that(lambda: front.metric(RUNNING) == 0)
