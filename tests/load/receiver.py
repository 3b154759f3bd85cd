"""A CRM that receives events and keeps a ledger of them. It fails now and then, as real ones do:
it refuses an event, or takes it and hangs up before it has answered."""

import asyncio
import random
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

# Of the events that come for the first time: refused, and taken without an answer.
REFUSED, UNANSWERED = 0.10, 0.03
Key = tuple[str, int]


@dataclass
class Ledger:
    """Of one endpoint. A message is known by its conversation and number."""

    secret: str
    id: int = 0
    # Down: it answers nothing but 503.
    down: bool = False
    requests: int = 0
    unsigned: int = 0
    # By webhook-id, which is how it tells a repetition: what it took.
    taken: dict[str, Key] = field(default_factory=dict)
    # Taken, and its sender was told so.
    answered: set[str] = field(default_factory=set)
    # The ids under which each message came, taken or not, in the order of its first.
    ids: dict[Key, set[str]] = field(default_factory=lambda: defaultdict(set))
    # Messages that came although the one before them had not been answered.
    early: list[Key] = field(default_factory=list)

    def receive(self, headers: dict[str, str], body: str) -> int:
        """The status to answer; 0: none."""
        self.requests += 1
        try:
            event = Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            self.unsigned += 1
            return 401
        key, id = key_of(event), headers["webhook-id"]
        is_new = key not in self.ids
        if is_new and not self.in_turn(key):
            self.early.append(key)
        self.ids[key].add(id)
        status = 503 if self.down else self.mood(is_new)
        if status != 503:
            self.taken.setdefault(id, key)
        if status == 200:
            self.answered.add(id)
        return status

    def in_turn(self, key: Key) -> bool:
        """Whether the message before it has been answered; the first one has none."""
        before = self.ids.get((key[0], key[1] - 1))
        return key[1] == 1 or bool(before and before & self.answered)

    @staticmethod
    def mood(is_new: bool) -> int:
        chance = random.random() if is_new else 1.0
        return 503 if chance < REFUSED else 0 if chance < REFUSED + UNANSWERED else 200


def key_of(event: Any) -> Key:
    data = event["data"]
    return data["conversation"]["id"], data["message"]["seq"]


@dataclass
class Receiver:
    """Endpoints by their path, without its slash."""

    ledgers: dict[str, Ledger] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled when the run ends; asyncio's own callback would print a traceback.
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while status := await self.one(reader):
                head = f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n"
                writer.write(head.encode())
                await writer.drain()
        writer.close()

    async def one(self, reader: asyncio.StreamReader) -> int:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in lines)}
        body = (await reader.readexactly(int(headers["content-length"]))).decode()
        return self.ledgers[first.split(" ")[1].strip("/")].receive(headers, body)
