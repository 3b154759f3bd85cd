"""Runs the chat of channels_app.py in one process, and has a client for it."""

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import websockets

from tests.live.conftest import ROOT, free_port
from tests.load import peer
from tests.load.faults import Parts
from tests.load.peer import ANSWERS_WITHIN
from tests.load.swarm import Times

APP = "tests.load.channels_app"


@contextmanager
def running(folder: Path, parts: Parts) -> Iterator[tuple[int, str]]:
    """Run it on the site's services; yield its process id and address."""
    port = free_port()
    services = {"DATABASE_URL": parts.database, "REDIS_URL": parts.redis_url}
    env = os.environ | services | {"SLM_URL": parts.slm_url}
    subprocess.run([sys.executable, "-m", APP], cwd=ROOT, env=env, check=True)
    command = [sys.executable, "-m", "uvicorn", f"{APP}:application", "--port", str(port)]
    command += ["--log-level", "warning"]
    with peer.running(command, port, folder / "channels.log", env) as process:
        yield process, f"ws://127.0.0.1:{port}"


class ChannelsClient:
    def __init__(self, url: str) -> None:
        self.url = url

    async def connect(self) -> None:
        self.socket = await websockets.connect(self.url, compression=None, open_timeout=30)

    async def ask(self, text: str) -> Times:
        began = time.monotonic()
        await self.socket.send(json.dumps({"id": uuid.uuid4().hex, "text": text}))
        ack = await self.until(type="ack") - began
        first = await self.until(type="token") - began
        return Times(first, await self.until(type="message", author="bot") - began, ack)

    async def until(self, **expected: str) -> float:
        """Return when a frame with these values came."""
        async with asyncio.timeout(ANSWERS_WITHIN):
            while not expected.items() <= json.loads(await self.socket.recv()).items():
                pass
        return time.monotonic()

    async def close(self) -> None:
        await self.socket.close()
