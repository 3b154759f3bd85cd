"""nginx in front of vLLM: what Attune uses comes through, and nothing else does."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from inference.generation import Deadlines, Generator
from tests.live.conftest import await_that, free_port
from tests.live.vllm.conftest import DEPLOY, KEY, Server
from tests.live.vllm.test_vllm import LONG, RUNNING
from tests.load.faults import listening

pytestmark = pytest.mark.vllm

MAIN = """
daemon off; master_process off; pid {folder}/pid; error_log stderr; worker_processes 1;
events {{ }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/allow-list.conf;
}}
"""
NEVER = ["/pause", "/tokenize", "/invocations", "/v1/completions", "/docs", "/v1/../pause"]


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[int]:
    port = free_port()
    values = {"VLLM_UPSTREAM": f"127.0.0.1:{upstream}", "VLLM_LISTEN": f"127.0.0.1:{port}"}
    text = (DEPLOY / "allow-list.conf.template").read_text()
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    (folder / "allow-list.conf").write_text(text)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    process = subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf"])
    try:
        await_that(lambda: listening(port))
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def front(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with nginx(tmp_path_factory.mktemp("nginx"), server.port) as port:
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
