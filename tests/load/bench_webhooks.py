"""`make bench-webhooks`: events in and out, on PostgreSQL and Redis.

In: signed events from several senders at once, each answered before its sender's next; then until
all are applied, and how soon a record that comes then is found. Out: changes one by one to fifty
endpoints of a sink on this machine; then two of them are ill, one refuses and one takes fifteen
seconds: how much later the others hear.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crm import signing
from inference.evaluation.markdown import table
from tests.live.conftest import ROOT, free_port
from tests.load.bench_chat import at, ms
from tests.load.faults import Parts
from tests.load.soak import site

SENDERS, EVENTS = 32, 8_000
ENDPOINTS, CHANGES = 50, 60
SLOW = 15.0


def record(number: int) -> dict[str, Any]:
    return {
        "id": f"order:{number}",
        "kind": "order",
        "customer": f"cust_{number % 500}",
        "title": f"Order {number}",
        "fields": {"order number": str(10**6 + number), "status": "shipped", "total": 19.9},
        "updated_at": datetime.now(UTC).isoformat(),
    }


# --- in


def last_line(printed: str) -> Any:
    """What a command printed as JSON; the settings' warnings come before."""
    return json.loads(printed.strip().splitlines()[-1])


async def inbound(parts: Parts) -> str:
    printed = parts.site.manage("webhooks", "add-source", "bench", "--json")
    source = last_line(printed)
    waits: list[float] = []
    # Made before: what it costs to sign them is the senders' own.
    made = [signed("/webhooks/crm/bench/", source["secret"], one) for one in range(EVENTS)]
    requests = iter(made)
    began = time.monotonic()
    await asyncio.gather(*(sender(parts.site.port, requests, waits) for _ in range(SENDERS)))
    accepted = time.monotonic() - began
    applied = await asyncio.to_thread(until_applied, parts, began)
    rate = [f"{EVENTS / accepted:.0f}", f"{EVENTS / applied:.0f}"]
    cells = [*rate, *(ms(waits, share) for share in (0.5, 0.95, 0.99))]
    head = ["accepted / s", "applied / s", "202 after, ms (median)", "95 %", "99 %"]
    later = searched(parts, source["secret"])
    return (
        f"In: {EVENTS:,} signed events of {SENDERS} senders\n\n{table(head, [cells])}\n\n"
        f"Right after that burst {len(later)} records one by one: each was found "
        f"{ms(later, 0.5)} ms after its 202 (the median), {ms(later, 1.0)} ms at most."
    )


def searched(parts: Parts, secret: str) -> list[float]:
    """Seconds, of a process of its own."""
    words = [sys.executable, "-m", "tests.load.searched", str(parts.site.port), secret]
    done = subprocess.run(
        words, cwd=ROOT, env=parts.site.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [float(one) for one in last_line(done.stdout)]


async def sender(port: int, requests: Iterator[bytes], waits: list[float]) -> None:
    """Sends ready requests one after the other over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        began = time.monotonic()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
        assert " 202 " in head, head
        waits.append(time.monotonic() - began)
    writer.close()


def signed(path: str, secret: str, number: int) -> bytes:
    body = json.dumps({"type": "record.upserted", "data": record(number)}).encode()
    headers = signing.sign(f"evt_{uuid.uuid4().hex}", datetime.now(UTC), body, [secret])
    headers |= {"host": "localhost", "content-length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def until_applied(parts: Parts, began: float) -> float:
    import psycopg

    with psycopg.connect(parts.database, autocommit=True) as database:
        while True:
            count = "SELECT count(*) FROM crm_inboundevent WHERE state <> 'applied'"
            row = database.execute(count).fetchone()
            if row and row[0] == 0:
                return time.monotonic() - began
            time.sleep(0.1)


# --- out


@dataclass
class Sink:
    """Endpoints by their path; how long after its change each event came."""

    slow: str = ""
    dead: str = ""
    got: dict[str, list[float]] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled when the run ends; asyncio's own callback would print a traceback.
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split(" ", 2)[1]
                length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
                event = json.loads(await reader.readexactly(length))
                late = time.time() - datetime.fromisoformat(event["timestamp"]).timestamp()
                if path == self.slow:
                    await asyncio.sleep(SLOW)
                self.got.setdefault(path, []).append(late)
                status = b"503 x" if path == self.dead else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()


async def outbound(parts: Parts, port: int) -> str:
    sink = Sink()
    server = await asyncio.start_server(sink.serve, "127.0.0.1", port)
    paths = [f"/{number}" for number in range(ENDPOINTS)]
    for path in paths:
        parts.site.manage("webhooks", "add-endpoint", f"http://127.0.0.1:{port}{path}", "--json")
    await asyncio.sleep(3)  # Until each process knows of them.
    well = await round_of(parts, sink, paths)
    sink.got, sink.dead, sink.slow = {}, paths[0], paths[1]
    ill = await round_of(parts, sink, paths[2:])
    server.close()
    rows = [
        ["all well", *cells(well)],
        ["one dead, one slow", *cells(ill)],
    ]
    head = [
        "the other endpoints",
        "deliveries / s",
        "after the change, ms (median)",
        "95 %",
        "last",
    ]
    later = at(ill[1], 1.0) - at(well[1], 1.0)
    return (
        f"Out: {CHANGES} changes to {ENDPOINTS} endpoints\n\n{table(head, rows)}\n\n"
        f"The last of the others came {later:+.2f} s against the round before."
    )


async def round_of(parts: Parts, sink: Sink, paths: list[str]) -> tuple[float, list[float]]:
    began = time.monotonic()
    await asyncio.to_thread(change, parts, CHANGES)
    wanted = CHANGES * len(paths)
    while sum(len(sink.got.get(path, [])) for path in paths) < wanted:
        await asyncio.sleep(0.05)
        assert time.monotonic() - began < 120, "deliveries are missing"
    return wanted / (time.monotonic() - began), [x for path in paths for x in sink.got[path]]


def cells(found: tuple[float, list[float]]) -> list[str]:
    rate, waits = found
    return [f"{rate:.0f}", *(ms(waits, share) for share in (0.5, 0.95, 1.0))]


def change(parts: Parts, count: int) -> None:
    """Messages of a customer, committed one by one in a process of its own."""
    program = f"""
from chatbot.conversation import changes, customers
from chatbot.models import Inbox, Visitor
inbox = Inbox.objects.get(key="demo")
conversation = customers.conversation_of(Visitor.objects.create(inbox=inbox))
from django.db import transaction
for number in range({count - 1}):
    with transaction.atomic():
        changes.append(changes.locked(conversation.id), "system", f"number {{number}}")
"""
    parts.site.manage("shell", "-c", program)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["in", "out"])
    options = parser.parse_args()
    port = free_port()
    allowed = {"WEBHOOK_ALLOWED": f"127.0.0.1:{port}", "WEB_PROCESSES": "2"}
    random.seed(1)
    with TemporaryDirectory() as folder, site(Path(folder), **allowed) as parts:
        parts.site.env |= {"DATABASE_URL": parts.database, "REDIS_URL": parts.redis_url}
        if options.only != "out":
            print(await inbound(parts), flush=True)
        if options.only != "in":
            print(f"\n{await outbound(parts, port)}")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
    sys.exit(asyncio.run(main()))
