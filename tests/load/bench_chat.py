"""`make bench-chat`: Attune on PostgreSQL and Redis, one web process, and Chainlit, in one run.

Both stream from the same stub of a model server, whose first token comes after a fixed time.
Attune does more in a turn: it stores and scores the message, looks records up, checks the answer.
Customers think for some seconds between two messages; then a part of them asks without a pause.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from inference.evaluation.markdown import table
from tests.load import chainlit_peer
from tests.load.faults import resident
from tests.load.soak import site
from tests.load.stub_slm import FIRST_TOKEN
from tests.load.swarm import Client, started

QUESTION = "how long do I have to return something?"
# Seconds between an answer and the next question.
THINKS = (5.0, 15.0)
LEVELS = (50, 100, 200, 400)
IDLE, ACTIVE = 1_000, 200
EAGER = 50


class Talker(Protocol):
    async def connect(self) -> None: ...
    async def ask(self, text: str) -> tuple[float, float]: ...
    async def close(self) -> None: ...


class AttuneClient:
    def __init__(self, url: str) -> None:
        self.client = Client(url)

    async def connect(self) -> None:
        (self.running,) = await started([self.client])

    async def ask(self, text: str) -> tuple[float, float]:
        message = await self.client.ask(text)
        await message.answered.wait()
        end = time.monotonic() - message.at
        return message.first_sentence or end, end

    @property
    def acks(self) -> list[float]:
        return [message.ack for message in self.client.sent.values() if message.ack is not None]

    async def close(self) -> None:
        self.running.cancel()
        await self.client.socket.close()


@dataclass
class Measured:
    first: list[float]
    turns_per_second: float


async def connected(clients: Sequence[Talker], at_once: int = 25) -> None:
    for start in range(0, len(clients), at_once):
        await asyncio.gather(*(client.connect() for client in clients[start : start + at_once]))


async def talk(clients: Sequence[Talker], seconds: float, thinks: bool) -> Measured:
    ends, first = time.monotonic() + seconds, []

    async def one(client: Talker) -> None:
        if thinks:
            await asyncio.sleep(random.uniform(0, THINKS[1]))
        while time.monotonic() < ends:
            first.append((await client.ask(QUESTION))[0])
            if thinks:
                await asyncio.sleep(random.uniform(*THINKS))

    began = time.monotonic()
    await asyncio.gather(*(one(client) for client in clients))
    return Measured(first, len(first) / (time.monotonic() - began))


def at(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def ms(values: Sequence[float], share: float, less: float = 0.0) -> str:
    return f"{1000 * (at(values, share) - less):.0f}" if values else "-"


async def warm_up(make: type[Talker], url: str) -> None:
    """The first answers load models and fill caches."""
    client = make(url)  # type: ignore[call-arg]
    await client.connect()
    for _ in range(3):
        await client.ask(QUESTION)
    await client.close()


@dataclass
class Figures:
    """Of one system."""

    kib: dict[int, float]
    first: dict[int, list[float]]
    eager: float


async def measure(make: type[Talker], url: str, process: int, seconds: float) -> Figures:
    found = Figures({}, {}, 0.0)
    await warm_up(make, url)
    eager = [make(url) for _ in range(EAGER)]  # type: ignore[call-arg]
    await connected(eager)
    found.eager = (await talk(eager, seconds, thinks=False)).turns_per_second
    for client in eager:
        await client.close()
    for count in LEVELS:
        await asyncio.sleep(2)
        before = resident(process)
        clients = [make(url) for _ in range(count)]  # type: ignore[call-arg]
        await connected(clients)
        await asyncio.sleep(2)
        found.kib[count] = (resident(process) - before) / count / 1024
        found.first[count] = (await talk(clients, seconds, thinks=True)).first
        for client in clients:
            await client.close()
    return found


async def promised(url: str, process: int, seconds: float) -> str:
    """The idle and the active ones together."""
    await warm_up(AttuneClient, url)
    before = resident(process)
    idle = [AttuneClient(url) for _ in range(IDLE)]
    await connected(idle)
    await asyncio.sleep(2)
    kib = (resident(process) - before) / IDLE / 1024
    active = [AttuneClient(url) for _ in range(ACTIVE)]
    await connected(active)
    first = (await talk(active, seconds, thinks=True)).first
    acks = [ack for client in active for ack in client.acks]
    lost = sum(
        not sent.acknowledged.is_set() or sent.seq not in client.client.seen
        for client in active
        for sent in client.client.sent.values()
    )
    rows = [
        ["acknowledged after, ms", ms(acks, 0.5), ms(acks, 0.95), ms(acks, 0.99)],
        ["added to the model's first token, ms"]
        + [ms(first, share, FIRST_TOKEN) for share in (0.5, 0.95, 0.99)],
    ]
    return (
        f"{IDLE:,} idle and {ACTIVE} active conversations in one web process, {len(acks):,} turns, "
        f"{lost} lost, {kib:.0f} KiB for an idle one\n\n"
        + table(["", "median", "95 %", "99 %"], rows)
    )


def compared(attune: Figures, peer: Figures) -> str:
    head = ["conversations", "Attune, ms", "Chainlit, ms", "ratio"]
    head += ["Attune, KiB each", "Chainlit, KiB each", "ratio"]
    rows = []
    for count in LEVELS:
        first = [1000 * at(one.first[count], 0.5) for one in (attune, peer)]
        kib = [max(one.kib[count], 0.1) for one in (attune, peer)]
        cells = [*first, first[0] / first[1], *kib, kib[0] / kib[1]]
        shapes = ("{:.0f}", "{:.0f}", "{:.2f}") * 2
        rows.append(
            [str(count), *(shape.format(x) for shape, x in zip(shapes, cells, strict=True))]
        )
    return (
        "Time to the first token (median) and memory\n\n"
        f"{table(head, rows)}\n\nTurns per second of {EAGER} customers who never pause: "
        f"Attune {attune.eager:.1f}, Chainlit {peer.eager:.1f} "
        f"(ratio {attune.eager / peer.eager:.2f})"
    )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of each measurement")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        settings = {"WEB_PROCESSES": "1", "GENERATIONS": "1000"}
        with site(Path(folder), **settings) as parts:
            url, (process,) = parts.site.url, parts.web()
            print(await promised(url, process, options.seconds), flush=True)
            parts.restart_web()
            (process,) = parts.web()
            ours = await measure(AttuneClient, url, process, options.seconds)
            peer_folder = Path(folder) / "chainlit"
            peer_folder.mkdir()
            with chainlit_peer.running(peer_folder, parts.slm_url) as (process, address):
                client = chainlit_peer.ChainlitClient
                theirs = await measure(client, address, process, options.seconds)
            print(f"\n{compared(ours, theirs)}")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
