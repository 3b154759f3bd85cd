"""`make soak`: hundreds of clients talk while parts die; afterwards the ledger is compared.

Prints one row a fault, then what was lost, what came twice, and how memory went. Exit status 1
when a promise was broken.
"""

import argparse
import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from inference.evaluation.markdown import table
from tests.live.conftest import ROOT, Site, await_that, free_port
from tests.load import faults, ledger
from tests.load.faults import Network, Parts
from tests.load.swarm import Client, Sent, started

QUESTIONS = (
    "how long do I have to return something?",
    "what does shipping cost?",
    "hello",
    "is there a warranty on tents?",
    "thanks!",
    "my parcel is late and I am really annoyed",
)
# Seconds between two messages of a client, after a fault until the next, and at the end.
THINKS, APART, QUIET = (2.0, 6.0), 20.0, 300.0

Fault = tuple[str, Callable[[], Awaitable[None]]]


@dataclass
class Run:
    clients: list[Client]
    # When each began.
    faults: list[tuple[str, float]] = field(default_factory=list)
    # (seconds since the start, bytes of each web process)
    memory: list[tuple[float, list[int]]] = field(default_factory=list)
    audit: ledger.Audit = field(default_factory=ledger.Audit)


@contextmanager
def site(folder: Path, stub_options: Sequence[str] = (), **settings: str) -> Iterator[Parts]:
    """Two web processes, worker, beat, PostgreSQL, Redis, and the stub as the model server."""
    slm = free_port()
    command = [sys.executable, "-m", "tests.load.stub_slm", str(slm), *stub_options]
    stub = subprocess.Popen(command, cwd=ROOT)
    env = Site.environment(folder) | {
        "SLM_URL": f"http://127.0.0.1:{slm}/v1",
        "SESSIONS_PER_MINUTE": "100000",
        "SOCKETS_PER_ADDRESS": "100000",
        "MESSAGES_PER_MINUTE": "1000",
        "DATABASE_POOL": "12",
        # As in service: with DEBUG Django keeps every query.
        "DEBUG": "0",
        "DEMO": "1",
        **settings,
    }
    running = Site(folder, env, [str(ROOT / "deploy/local/services.py"), sys.executable])
    parts = None
    try:
        running.start().until_ready()
        parts = Parts(running, stub)
        await_that(lambda: parts.web() and parts.worker())
        yield parts
        running.end()
    finally:
        for process in running.processes():
            faults.kill([process])
        if parts:
            parts.stub.kill()
        stub.kill()


async def play(parts: Parts, clients: list[Client], planned: list[Fault], apart: float) -> Run:
    run, began = Run(clients), time.monotonic()
    watch = asyncio.create_task(sample(parts, run, began))
    connected = await started(clients)
    talking = [asyncio.create_task(talk(client)) for client in clients]
    await asyncio.sleep(apart)
    for name, happen in planned:
        print(f"{time.monotonic() - began:5.0f} s  {name}", file=sys.stderr, flush=True)
        run.faults.append((name, time.monotonic()))
        await happen()
        await asyncio.sleep(apart)
    for task in talking:
        task.cancel()
    await quiet(parts, clients)
    run.audit = ledger.audit(clients, parts.database)
    for task in [*connected, watch]:
        task.cancel()
    return run


async def talk(client: Client) -> None:
    while True:
        await asyncio.sleep(random.uniform(*THINKS))
        await client.ask(random.choice(QUESTIONS))


async def sample(parts: Parts, run: Run, began: float) -> None:
    while True:
        with suppress(OSError):
            run.memory.append(
                (time.monotonic() - began, [faults.resident(id) for id in parts.web()])
            )
        await asyncio.sleep(5)


async def quiet(parts: Parts, clients: list[Client]) -> None:
    """Until everything that was asked is answered, and everybody has heard it."""
    ends = time.monotonic() + QUIET
    while time.monotonic() < ends:
        waiting = [m for c in clients for m in c.sent.values() if not m.acknowledged.is_set()]
        if not waiting and not await asyncio.to_thread(ledger.behind, clients, parts.database):
            return
        await asyncio.sleep(1)


def sent_after(run: Run, at: float, seconds: float) -> list[Sent]:
    messages = [message for client in run.clients for message in client.sent.values()]
    return [message for message in messages if at <= message.at < at + seconds]


def in_words(run: Run, apart: float) -> str:
    rows = []
    for name, at in run.faults:
        sent = sent_after(run, at, apart)
        acks = sorted(message.ack for message in sent if message.ack is not None)
        seconds = [f"{median(acks):.2f}", f"{acks[-1]:.1f}"] if acks else ["-", "-"]
        rows.append([name, str(len(sent)), *seconds])
    head = ["fault", "messages sent then", "acknowledged, s (median)", "slowest"]
    broken = "\n".join(f"    {text}" for text in run.audit.broken[:20]) or "    nothing"
    return (
        f"{table(head, rows)}\n\n{len(run.clients)} clients, {run.audit.acknowledged:,} messages "
        f"acknowledged, {sum(client.connects for client in run.clients):,} connections.\n"
        f"Lost, doubled, out of order, unanswered, not shown:\n{broken}\n{memory(run)}"
    )


def memory(run: Run) -> str:
    """Of the largest web process."""
    sizes = [max(all_) / 1e6 for _, all_ in run.memory if all_]
    half = len(sizes) // 2
    if not half:
        return ""
    first, second = median(sizes[:half]), median(sizes[half:])
    return f"Memory of a web process: {first:.0f} MB in the first half, {second:.0f} MB in the last"


def everything(parts: Parts, network: Network, clients: list[Client]) -> list[Fault]:
    async def now(act: Callable[[list[int]], None], whom: Callable[[], list[int]]) -> None:
        act(whom())

    def die(whom: Callable[[], list[int]]) -> Callable[[], Awaitable[None]]:
        return lambda: now(faults.kill, whom)

    def hang(whom: Callable[[], list[int]]) -> Callable[[], Awaitable[None]]:
        return lambda: faults.hang(whom(), 30)

    named = {
        "web": parts.web,
        "worker": parts.worker,
        "Redis": parts.redis,
        "PostgreSQL": parts.postgresql,
        "model server": parts.model,
    }
    return [
        *((f"kill -9 {name}", die(whom)) for name, whom in named.items() if name in DIE),
        *((f"{name} hangs for 30 s", hang(whom)) for name, whom in named.items()),
        ("network cut for 10 s", lambda: network.cut(10)),
        ("network cut for 70 s", lambda: network.cut(70)),
        ("Redis full for 20 s", lambda: faults.fill(parts.redis_url, 20)),
        ("SIGTERM to a web process", lambda: now(faults.deploy, parts.web)),
        ("kill -9 model server", lambda: parts.restart_model()),
    ]


# The model server's stub has no manager that starts it again: its own fault does.
DIE = ("web", "worker", "Redis", "PostgreSQL")


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--apart", type=float, default=APART, help="seconds between faults")
    parser.add_argument("--only", help="faults whose name has this in it")
    options = parser.parse_args()
    with TemporaryDirectory() as folder, site(Path(folder)) as parts:
        network = Network(parts.site.port)
        url = f"http://127.0.0.1:{await network.listen()}"
        clients = [Client(url) for _ in range(options.clients)]
        planned = [
            fault
            for fault in everything(parts, network, clients)
            if (options.only or "") in fault[0]
        ]
        run = await play(parts, clients, planned, options.apart)
        print(in_words(run, options.apart))
    return 1 if run.audit.broken else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
