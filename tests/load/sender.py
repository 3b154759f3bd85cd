"""A CRM that sends events and keeps a ledger of what it was promised.

It sends each until it has been told 202, and some once more after that; its records change twice,
and now and then the older change is sent last.
"""

import asyncio
import json
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from crm import signing

SENDERS, PATIENCE = 8, 20.0
# Of all events: sent again although they were accepted; and those that nobody can apply.
REPEATED, POISON = 0.10, 0.01
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Event:
    type: str
    data: dict[str, Any]
    id: str = field(default_factory=lambda: f"evt_{uuid.uuid4().hex}")
    requests: int = 0
    # How it was answered: "accepted", "duplicate", or a refusal.
    answers: list[str] = field(default_factory=list)

    @property
    def promised(self) -> bool:
        return bool({"accepted", "duplicate"} & set(self.answers))

    def request(self, path: str, secret: str) -> bytes:
        """Signed now, as each attempt is."""
        self.requests += 1
        body = json.dumps({"type": self.type, "data": self.data}).encode()
        headers = signing.sign(self.id, datetime.now(UTC), body, [secret])
        headers |= {"host": "localhost", "content-length": str(len(body)), "connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def events(count: int) -> list[Event]:
    """Two changes of each record, some of them in the wrong order, and among them the poison."""
    poison = max(1, int(count * POISON))
    made = [change(number // 2, number % 2) for number in range(count - poison)]
    for place in random.sample(range(0, len(made) - 1, 2), len(made) // 10):
        made[place], made[place + 1] = made[place + 1], made[place]
    for _ in range(poison):
        itself = Event("customer.merged", {"from": "soak_x", "into": "soak_x"})
        made.insert(random.randrange(len(made)), itself)
    return made


def change(record: int, version: int) -> Event:
    data = {
        "id": f"soak:{record}",
        "kind": "order",
        "customer": f"cust_{record % 200}",
        "title": f"Order {record}, version {version}",
        "fields": {"order number": str(10**6 + record), "version": version},
        "updated_at": (BEGAN + timedelta(seconds=version)).isoformat(),
    }
    return Event("record.upserted", data)


@dataclass
class Sender:
    port: int
    source: str
    secret: str
    # Events a second, of all that send at once.
    rate: float
    sent: list[Event] = field(default_factory=list)

    async def send_all(self, made: list[Event]) -> None:
        self.sent, queue = made, iter(made)
        self.began, self.taken = time.monotonic(), 0
        await asyncio.gather(*(self.send_some(queue) for _ in range(SENDERS)))

    async def send_some(self, queue: Iterator[Event]) -> None:
        for event in queue:
            self.taken += 1
            await asyncio.sleep(self.began + self.taken / self.rate - time.monotonic())
            while not event.promised:
                if not await self.post(event):
                    await asyncio.sleep(random.uniform(0.1, 1.0))
            if random.random() < REPEATED:
                await self.post(event)

    async def post(self, event: Event) -> bool:
        """Whether there was an answer that is no error of the other side."""
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                status, document = await self.exchange(event)
            if status < 500:
                event.answers.append(document.get("status", f"{status}: {document.get('detail')}"))
                return True
        return False

    async def exchange(self, event: Event) -> tuple[int, dict[str, Any]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(event.request(f"/webhooks/crm/{self.source}/", self.secret))
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            body = await reader.read()
        finally:
            writer.close()
        status = int(head.split(" ")[1])
        return status, json.loads(body) if status < 500 else {}
