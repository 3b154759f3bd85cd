"""`make soak-webhooks`: events flow both ways while parts die; then ledgers are compared.

In: a CRM sends signed events until each is answered with 202. Out: a CRM receives the news of
committed messages at three endpoints: one in order, one in any order, and one that is down until
the end and is then sent everything again. Meanwhile web processes, worker, Redis and PostgreSQL are
killed in turn. Exit status 1 where an event was lost, or had its effect twice.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from inference.evaluation.markdown import table
from tests.live.conftest import ROOT, free_port
from tests.load import webhook_ledger
from tests.load.bench_webhooks import last_line
from tests.load.faults import Parts, kill_all
from tests.load.receiver import Key, Ledger, Receiver
from tests.load.sender import Sender, events
from tests.load.soak import site

EVENTS, RATE, APART = 10_000, 40.0, 20.0
# Seconds after the last event until everything has been applied and delivered, and from an event's
# 202 until it is applied, whatever dies meanwhile.
QUIET, LATE = 300.0, 60.0
# Name of an endpoint, beginning with the inbox that it hears of -> further options.
ENDPOINTS = {"soak": [], "soak-ordered": ["--ordered"], "outage": []}
# One message in so many is in the inbox whose endpoint is down.
OUTAGE = 10


@dataclass
class Run:
    parts: Parts
    sender: Sender
    receiver: Receiver
    committed: set[Key] = field(default_factory=set)
    # What was killed, and when, in seconds since the start.
    killed: list[tuple[str, float]] = field(default_factory=list)
    replayed: int = 0
    seconds: float = 0.0


def victims(parts: Parts) -> dict[str, Callable[[], list[int]]]:
    return {
        "web": parts.web,
        "worker": parts.worker,
        "Redis": parts.redis,
        "PostgreSQL": parts.postgresql,
    }


async def prepared(parts: Parts, port: int, rate: float) -> Run:
    parts.site.env |= {"DATABASE_URL": parts.database, "REDIS_URL": parts.redis_url}
    source = last_line(manage(parts, "add-source", "soak"))
    receiver = Receiver()
    for name, options in ENDPOINTS.items():
        words = ["--event", "message.created", "--inbox", name.partition("-")[0], *options]
        url = f"http://127.0.0.1:{port}/{name}"
        made = last_line(manage(parts, "add-endpoint", url, *words))
        receiver.ledgers[name] = Ledger(made["secret"], id=made["id"], down=name == "outage")
    webhook_ledger.watch(parts.database)
    sender = Sender(parts.site.port, "soak", source["secret"], rate)
    return Run(parts, sender, receiver)


def manage(parts: Parts, *words: str) -> str:
    return parts.site.manage("webhooks", *words, "--json")


async def play(parts: Parts, port: int, count: int, rate: float, apart: float) -> Run:
    run = await prepared(parts, port, rate)
    server = await asyncio.start_server(run.receiver.serve, "127.0.0.1", port)
    began = time.monotonic()
    flows = asyncio.gather(run.sender.send_all(events(count)), write(run, count, rate))
    await killing(run, flows, began, apart)
    await flows
    run.receiver.ledgers["outage"].down = False
    run.replayed = await asyncio.to_thread(replay, run)
    await quiet(run)
    run.seconds = time.monotonic() - began
    server.close()
    return run


async def killing(run: Run, flows: "asyncio.Future[Any]", began: float, apart: float) -> None:
    """Each at least once, and on while events flow."""
    named = victims(run.parts)
    for name in cycle(named):
        await asyncio.sleep(apart)
        if flows.done() and len(run.killed) >= len(named):
            return
        print(f"{time.monotonic() - began:5.0f} s  kill -9 {name}", file=sys.stderr, flush=True)
        run.killed.append((name, time.monotonic() - began))
        kill_all(named[name]())


async def write(run: Run, count: int, rate: float) -> None:
    """Messages of a process of its own; what it says of them has been committed."""
    inboxes = ["soak"] * (OUTAGE - 1) + ["outage"]
    words = ["-m", "tests.load.writer", str(count), str(rate), *inboxes]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        cwd=ROOT,
        env=run.parts.site.env,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    async for line in process.stdout:
        conversation, seq = line.decode().split()
        run.committed.add((conversation, int(seq)))
    assert await process.wait() == 0, "the writer broke off"


def replay(run: Run) -> int:
    """Everything of the endpoint that was down, as its operator would ask for it."""
    words = ["redeliver", "--endpoint", str(run.receiver.ledgers["outage"].id), "--since", "3h"]
    return int(last_line(manage(run.parts, *words))["count"])


async def quiet(run: Run) -> None:
    ends = time.monotonic() + QUIET
    while time.monotonic() < ends:
        with suppress(psycopg.Error):
            if not await asyncio.to_thread(webhook_ledger.still_open, run.parts.database):
                return
        await asyncio.sleep(1)


def verdict(run: Run) -> list[str]:
    """What was broken, in sentences."""
    database = run.parts.database
    found_in = webhook_ledger.inbound(run.sender.sent, database).broken
    found_out = webhook_ledger.outbound(run.receiver.ledgers, run.committed, database).broken
    left = webhook_ledger.still_open(database)
    late = [f"{left} events were still open after {QUIET:.0f} s"] if left else []
    wait = webhook_ledger.longest_wait(database)
    late += [f"in: an event was applied {wait:.0f} s after its 202"] if wait > LATE else []
    return [*(f"in: {one}" for one in found_in), *(f"out: {one}" for one in found_out), *late]


def in_words(run: Run, broken: list[str]) -> str:
    killed = ", ".join(f"{name} at {at:.0f} s" for name, at in run.killed)
    lines = "\n".join(f"    {one}" for one in broken[:20]) or "    nothing"
    return (
        f"{len(run.sender.sent):,} events in and {len(run.committed):,} messages out in "
        f"{run.seconds:.0f} s. kill -9: {killed}.\n\n{inbound(run)}\n\n{outbound(run)}\n\n"
        f"{run.replayed:,} events were sent again after the outage.\n"
        f"Lost, doubled, out of order, under another id:\n{lines}"
    )


def inbound(run: Run) -> str:
    sent = run.sender.sent
    answers = [answer for one in sent for answer in one.answers]
    head = ["in", "requests", "accepted", "duplicates", "unanswered", "202 to applied, longest"]
    requests = sum(one.requests for one in sent)
    counts = [requests, answers.count("accepted"), answers.count("duplicate")]
    counts.append(requests - len(answers))
    wait = webhook_ledger.longest_wait(run.parts.database)
    return table(head, [["events", *(f"{one:,}" for one in counts), f"{wait:.1f} s"]])


def outbound(run: Run) -> str:
    head = ["out", "requests", "messages", "effects", "repeated"]
    rows = [
        [name, *(f"{count:,}" for count in counts(ledger))]
        for name, ledger in run.receiver.ledgers.items()
    ]
    return table(head, rows)


def counts(ledger: Ledger) -> list[int]:
    taken = len(ledger.taken)
    return [ledger.requests, len(ledger.ids), taken, ledger.requests - len(ledger.ids)]


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="each way")
    parser.add_argument("--rate", type=float, default=RATE, help="events a second, each way")
    parser.add_argument("--apart", type=float, default=APART, help="seconds between two kills")
    options = parser.parse_args()
    random.seed(1)
    port = free_port()
    with TemporaryDirectory() as folder, site(Path(folder), **settings(port)) as parts:
        run = await play(parts, port, options.events, options.rate, options.apart)
        broken = verdict(run)
        print(in_words(run, broken))
    return 1 if broken else 0


def settings(port: int) -> dict[str, str]:
    return {"WEBHOOK_ALLOWED": f"127.0.0.1:{port}"}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
    sys.exit(asyncio.run(main()))
