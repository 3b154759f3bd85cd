"""Real vLLM on the CPU, in the environment that deploy/vllm/install-cpu.sh makes."""

import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.conftest import VLLM, await_that, free_port
from tests.load.faults import family

KEY = "a-key-of-this-test"


@dataclass
class Server:
    """serve.sh in a process group of its own."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    def status(self, path: str, key: str = KEY) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        request = urllib.request.Request(f"{self.root}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def metric(self, name: str) -> float:
        """The sum over its labels."""
        with urllib.request.urlopen(f"{self.root}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name}{{"))

    def engine(self) -> int:
        """The process that computes; the others take requests."""
        named = {id: name(id) for id in family(self.process.pid)}
        return next(id for id, called in named.items() if "EngineCore" in called)

    def end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def name(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()


@pytest.fixture(scope="session")
def servers(
    vllm_env: Path, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Server]]:
    """One that is started again only where a test has killed it.

    Eager: to compile the model for its speed takes two minutes, and no test asks for it.
    """
    options = ["--enforce-eager", "--max-num-seqs", "2"]
    with ExitStack() as started:
        known: list[Server] = []

        def living() -> Server:
            if not known or known[-1].status("/health") != 200:
                started.close()
                folder = tmp_path_factory.mktemp("vllm")
                one = serving(vllm_env, model_folder, folder, options, MAX_QUEUED="4")
                known.append(started.enter_context(one))
            return known[-1]

        yield living


@pytest.fixture
def server(servers: Callable[[], Server]) -> Server:
    return servers()


@contextmanager
def serving(
    env: Path, model: Path, folder: Path, options: list[str], **settings: str
) -> Iterator[Server]:
    """deploy/vllm/serve.sh until it is ready, and its end."""
    port, log = free_port(), folder / "vllm.log"
    own = {"VLLM_ENV": str(env), "VLLM_PORT": str(port), "VLLM_API_KEY": KEY}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [VLLM / "serve.sh", model, *options],
            env=os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1"} | own | settings,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    started = Server(process, port, log)
    try:
        await_that(lambda: started.status("/health") == 200 or process.poll() is not None)
        assert process.poll() is None, log.read_text()[-3000:]
        yield started
    finally:
        started.end()
