"""Clients that write down what they were promised.

Each keeps the id of every message it sent, the number of every acknowledgement, and every message
it was shown; it reconnects as the widget does, resumes after its last number, and sends again what
was not acknowledged.
"""

import asyncio
import json
import random
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx2
import websockets

FIRST_WAIT, LONGEST_WAIT = 0.5, 5.0
Frame = dict[str, Any]


class Times(NamedTuple):
    """Seconds from sending a message: to the first words of the answer, to its end, and to the
    acknowledgement if there is one."""

    first: float
    end: float
    ack: float | None = None


@dataclass
class Sent:
    id: str
    text: str
    at: float
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    seq: int = 0
    # Seconds from sending to the acknowledgement, and to the first sentence of the answer.
    ack: float | None = None
    first_sentence: float | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Client:
    url: str
    inbox: str = "demo"
    # A customer of the demo shop, which vouches for them; nobody by default.
    customer: str = ""
    # Seconds; a client whose network is cut notices by it.
    ping: float = 20
    conversation: str = ""
    sent: dict[str, Sent] = field(default_factory=dict)
    # By seq.
    seen: dict[int, Frame] = field(default_factory=dict)
    refused: list[Frame] = field(default_factory=list)
    connects: int = 0
    token: str = ""
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    socket: Any = None

    @property
    def after(self) -> int:
        """The last number up to which nothing is missing."""
        last = 0
        while last + 1 in self.seen:
            last += 1
        return last

    async def run(self) -> None:
        """Until cancelled."""
        wait = FIRST_WAIT
        while True:
            with suppress(OSError, websockets.WebSocketException, httpx2.HTTPError, ValueError):
                await self.session()
                async with websockets.connect(
                    self.socket_url,
                    origin=self.url,  # type: ignore[arg-type]
                    ping_interval=self.ping,
                    ping_timeout=self.ping,
                    compression=None,
                    max_queue=None,
                    open_timeout=20,
                ) as self.socket:
                    self.connects += 1
                    await self.say(type="hello", token=self.token, after=self.after)
                    async for text in self.socket:
                        self.hear(json.loads(text))
                        wait = FIRST_WAIT
            self.ready.clear()
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(LONGEST_WAIT, wait * 2)

    async def session(self) -> None:
        body = {"token": self.token} if self.token else {}
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
            if self.customer:
                vouched = await client.get(f"{self.url}/demo/identity/?customer={self.customer}")
                body = vouched.raise_for_status().json()
            address = f"{self.url}/api/inboxes/{self.inbox}/session/"
            answer = (await client.post(address, json=body)).raise_for_status().json()
        self.token = answer["token"]
        self.socket_url = f"{self.url.replace('http', 'ws', 1)}/ws/chat/{self.inbox}/"

    async def say(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    def hear(self, frame: Frame) -> None:
        handler: Callable[[Frame], None] | None = getattr(self, f"on_{frame['type']}", None)
        if handler:
            handler(frame)

    def on_welcome(self, frame: Frame) -> None:
        assert self.conversation in ("", frame["conversation"]), "another conversation"
        self.conversation = frame["conversation"]
        self.ready.set()
        for message in self.sent.values():
            if not message.acknowledged.is_set():
                self.again = asyncio.create_task(self.send(message))

    def on_ack(self, frame: Frame) -> None:
        message = self.sent[frame["id"]]
        assert message.seq in (0, frame["seq"]), "the same message under two numbers"
        message.seq = frame["seq"]
        message.ack = message.ack or time.monotonic() - message.at
        message.acknowledged.set()

    def on_message(self, frame: Frame) -> None:
        known = self.seen.setdefault(frame["seq"], frame)
        assert known["text"] == frame["text"], "two messages under one number"
        if frame["author"] != "customer" and self.sent:
            list(self.sent.values())[-1].answered.set()

    def on_reply(self, frame: Frame) -> None:
        if frame["state"] == "sentence" and self.sent:
            last = list(self.sent.values())[-1]
            last.first_sentence = last.first_sentence or time.monotonic() - last.at

    def on_error(self, frame: Frame) -> None:
        self.refused.append(frame)
        message = self.sent.get(frame["id"] or "")
        if message and not message.acknowledged.is_set():
            self.again = asyncio.create_task(self.send(message, frame["retry_after"] or 1.0))

    async def ask(self, text: str) -> Sent:
        """Returns when it has been acknowledged, however often it had to be sent."""
        message = Sent(uuid.uuid4().hex, text, time.monotonic())
        self.sent[message.id] = message
        if self.ready.is_set():
            await self.send(message)
        await message.acknowledged.wait()
        return message

    async def send(self, message: Sent, wait: float = 0) -> None:
        await asyncio.sleep(wait)
        with suppress(OSError, websockets.WebSocketException):
            await self.say(type="message", id=message.id, text=message.text)


async def started(clients: list[Client], at_once: int = 50) -> list[asyncio.Task[None]]:
    """Connected, some at a time."""
    tasks = []
    for start in range(0, len(clients), at_once):
        some = clients[start : start + at_once]
        tasks += [asyncio.create_task(client.run()) for client in some]
        await asyncio.gather(*(client.ready.wait() for client in some))
    return tasks
