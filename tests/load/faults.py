"""What goes wrong on purpose: processes die, hang, are replaced; the network is cut."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.live.conftest import ROOT, Site, await_that


@dataclass
class Parts:
    """A running site with its services and the stub of its model server."""

    site: Site
    stub: "subprocess.Popen[bytes]"

    def __post_init__(self) -> None:
        """Where the services are, as the web processes know it."""
        text = Path(f"/proc/{self.web()[0]}/environ").read_bytes().decode()
        known = dict(part.split("=", 1) for part in text.split("\0") if "=" in part)
        self.services = Path(known["ATTUNE_SERVICES"])
        self.database, self.redis_url = known["DATABASE_URL"], known["REDIS_URL"]

    def web(self) -> list[int]:
        """Return the processes that serve, without the one that forks them."""
        found = self.site.processes()
        all_ = {id for id, command in found.items() if "uvicorn" in command or "prefork" in command}
        return [id for id in found if id in all_ and not all_ & children_of(id)]

    def worker(self) -> list[int]:
        found = self.site.processes()
        return [id for id, command in found.items() if "celery" in command and " worker" in command]

    def service(self, name: str) -> list[int]:
        return [json.loads((self.services / "services.json").read_text())[name]]

    def postgresql(self) -> list[int]:
        return self.service("PostgreSQL")

    def redis(self) -> list[int]:
        return self.service("Redis")

    def model(self) -> list[int]:
        return [self.stub.pid]

    @property
    def slm_url(self) -> str:
        return self.site.env["SLM_URL"]

    def restart_web(self) -> None:
        """Fresh, as after a start."""
        before = self.web()
        # `serve` gives up if a process ends within its first five seconds.
        time.sleep(6)
        for process in before:
            os.kill(process, signal.SIGTERM)
        await_that(lambda: self.web() and not set(before) & set(self.web()))
        await_that(lambda: self.site.status("/readyz") == 200)

    async def restart_model(self) -> None:
        self.stub.kill()
        self.stub.wait()
        await asyncio.sleep(10)
        self.stub = subprocess.Popen(self.stub.args, cwd=ROOT)


def children_of(process: int) -> set[int]:
    return set(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def resident(process: int) -> int:
    """Bytes of memory."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096


def kill(ids: list[int]) -> None:
    for process in ids[:1]:
        os.kill(process, signal.SIGKILL)


def kill_all(ids: list[int]) -> None:
    for process in ids:
        with suppress(ProcessLookupError):  # a child that went with its parent
            os.kill(process, signal.SIGKILL)


def deploy(ids: list[int]) -> None:
    """In good order, as a new version would ask it to go."""
    for process in ids[:1]:
        os.kill(process, signal.SIGTERM)


async def hang(ids: list[int], seconds: float) -> None:
    """Stopped with its children (PostgreSQL's are a group of their own each)."""
    stopped = [child for process in ids[:1] for child in family(process)]
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    await asyncio.sleep(seconds)
    for process in stopped:
        with suppress(ProcessLookupError):  # a backend whose client has given up
            os.kill(process, signal.SIGCONT)


def family(process: int) -> list[int]:
    return [process, *(member for child in children_of(process) for member in family(child))]


async def fill(url: str, seconds: float) -> None:
    """Redis may not grow: it refuses to be written to."""
    with redis.Redis.from_url(url) as client:
        before = client.config_get("maxmemory")["maxmemory"]
        client.config_set("maxmemory", 1_000_000)
        await asyncio.sleep(seconds)
        client.config_set("maxmemory", before)


class Network:
    """A proxy between clients and the site that can be cut: nothing passes, nothing is closed."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.open = asyncio.Event()
        self.open.set()

    async def listen(self) -> int:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=2048)
        return int(self.server.sockets[0].getsockname()[1])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.close()
            return
        both = [self.pump(reader, back), self.pump(there, writer)]
        tasks = [asyncio.create_task(one) for one in both]
        # When the run ends; asyncio's own callback would print a traceback.
        with suppress(asyncio.CancelledError):
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for one in (writer, back):
            one.close()

    async def pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self.open.wait()
                target.write(data)
                await target.drain()
        except ConnectionError:
            pass  # one side has gone, and the other is told

    async def cut(self, seconds: float) -> None:
        self.open.clear()
        await asyncio.sleep(seconds)
        self.open.set()
