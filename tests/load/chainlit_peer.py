"""Chainlit from PyPI in an environment of its own, and a client that speaks its socket."""

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import websockets

from tests.live.conftest import free_port
from tests.load import peer
from tests.load.peer import ANSWERS_WITHIN
from tests.load.swarm import Times

VERSION = "2.12.0"
APP = Path(__file__).with_name("chainlit_app.py")


def environment() -> Path:
    """Made once, in the cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "attune" / f"venv-chainlit-{VERSION}"
    if not (folder / "ready").exists():
        print(f"Chainlit {VERSION} is installed in {folder} …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin/pip", "install", "-q", f"chainlit=={VERSION}", "openai==3.54.0"]
        subprocess.run(pip, check=True)
        (folder / "ready").touch()
    return folder


@contextmanager
def running(folder: Path, slm_url: str) -> Iterator[tuple[int, str]]:
    """Run it; yield its process id and address."""
    port = free_port()
    command = [str(environment() / "bin/chainlit"), "run", str(APP), "--headless"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    env = os.environ | {"SLM_URL": slm_url, "CHAINLIT_APP_ROOT": str(folder)}
    with peer.running(command, port, folder / "chainlit.log", env) as process:
        yield process, f"ws://127.0.0.1:{port}"


class ChainlitClient:
    """Socket.IO by hand: "40" joins, "42" is an event, "2" wants a "3"."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.first = asyncio.Event()
        self.done = asyncio.Event()

    async def connect(self) -> None:
        self.socket = await websockets.connect(
            f"{self.url}/ws/socket.io/?EIO=4&transport=websocket", compression=None, open_timeout=30
        )
        await self.socket.recv()
        auth = {"clientType": "webapp", "sessionId": str(uuid.uuid4()), "userEnv": "{}"}
        await self.socket.send(f"40{json.dumps(auth)}")
        await self.socket.recv()
        await self.emit("connection_successful")
        self.listening = asyncio.create_task(self.listen())
        # The start of the chat ends with a "task_end" of its own.
        async with asyncio.timeout(ANSWERS_WITHIN):
            await self.done.wait()

    async def emit(self, *event: Any) -> None:
        await self.socket.send(f"42{json.dumps(event)}")

    async def listen(self) -> None:
        async for text in self.socket:
            if text == "2":
                await self.socket.send("3")
            elif isinstance(text, str) and text.startswith("42"):
                name, *_ = json.loads(text[2:])
                if name in {"stream_start", "stream_token"}:
                    self.first.set()
                elif name == "task_end":
                    self.done.set()

    async def ask(self, text: str) -> Times:
        self.first.clear()
        self.done.clear()
        began = time.monotonic()
        message = {
            "id": str(uuid.uuid4()),
            "name": "user",
            "type": "user_message",
            "output": text,
            "createdAt": datetime.now(UTC).isoformat(),
        }
        async with asyncio.timeout(ANSWERS_WITHIN):
            await self.emit("client_message", {"message": message, "fileReferences": []})
            await self.first.wait()
            first = time.monotonic() - began
            await self.done.wait()
        return Times(first, time.monotonic() - began)

    async def close(self) -> None:
        self.listening.cancel()
        await self.socket.close()
