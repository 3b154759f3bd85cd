"""`make bench-chat`: Attune beside Chainlit and a plain Django-Channels chat, each in one process.

All stream from the same stub of a model server, whose speed is known, and no question is asked
twice. Attune and the Channels chat store what is said, on the same PostgreSQL and Redis; Attune
also scores the message, searches, and checks the answer, and so shows whole sentences. Some
customers ask without a pause; others think for some seconds between two messages.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from inference.evaluation.markdown import table
from tests.load import chainlit_peer, channels_peer, cost
from tests.load.faults import resident
from tests.load.new_questions import shared
from tests.load.soak import site
from tests.load.stub_slm import SENTENCE, Speed
from tests.load.swarm import Client, Times, started

# Seconds between an answer and the next question.
THINKS = (5.0, 15.0)
SHARES = (0.5, 0.95, 0.99)


class Talker(Protocol):
    async def connect(self) -> None: ...
    async def ask(self, text: str) -> Times: ...
    async def close(self) -> None: ...


class AttuneClient:
    def __init__(self, url: str) -> None:
        self.client = Client(url)

    async def connect(self) -> None:
        (self.running,) = await started([self.client])

    async def ask(self, text: str) -> Times:
        message = await self.client.ask(text)
        await message.answered.wait()
        end = time.monotonic() - message.at
        return Times(message.first_sentence or end, end, message.ack)

    async def close(self) -> None:
        self.running.cancel()
        await self.client.socket.close()


@dataclass
class System:
    name: str
    make: Callable[[str], Talker]
    url: str
    process: int
    # Seconds that the model takes until there is something to show: a sentence, or a token.
    model: float


@dataclass
class Run:
    """The figures of one system with a number of customers."""

    times: list[Times]
    turns_per_second: float
    # CPU of its process, in seconds a turn.
    cpu: float
    # Memory for each customer.
    kib: float
    model: float

    @property
    def acks(self) -> list[float]:
        return [one.ack for one in self.times if one.ack is not None]

    @property
    def added(self) -> list[float]:
        """Return the seconds from when the model had the first words ready until the customer had
        them."""
        return [one.first - self.model for one in self.times]


async def connected(clients: Sequence[Talker], at_once: int = 25) -> None:
    for start in range(0, len(clients), at_once):
        await asyncio.gather(*(client.connect() for client in clients[start : start + at_once]))


async def talk(
    clients: Sequence[Talker], questions: Iterator[str], seconds: float, thinks: bool
) -> list[Times]:
    ends, times = time.monotonic() + seconds, list[Times]()

    async def one(client: Talker) -> None:
        if thinks:
            await asyncio.sleep(random.uniform(0, THINKS[1]))
        while time.monotonic() < ends:
            times.append(await client.ask(next(questions)))
            if thinks:
                await asyncio.sleep(random.uniform(*THINKS))

    await asyncio.gather(*(one(client) for client in clients))
    return times


async def run(system: System, count: int, seconds: float, thinks: bool) -> Run:
    await asyncio.sleep(1)
    memory = resident(system.process)
    clients = [system.make(system.url) for _ in range(count)]
    await connected(clients)
    await asyncio.sleep(1)
    kib = (resident(system.process) - memory) / count / 1024
    cpu, began = cost.of_family(system.process), time.monotonic()
    # The same questions to each system.
    times = await talk(clients, shared(count), seconds, thinks)
    took, cpu = time.monotonic() - began, cost.of_family(system.process) - cpu
    for client in clients:
        await client.close()
    if not times:
        raise SystemExit(f"Nobody asked anything within {seconds:g} seconds. Give --seconds more.")
    return Run(times, len(times) / took, cpu / len(times), kib, system.model)


async def warm_up(system: System) -> None:
    """The first answers load models and fill caches."""
    client = system.make(system.url)
    await client.connect()
    await talk([client], shared(0), 3, thinks=False)
    await client.close()


async def measure(system: System, options: argparse.Namespace) -> dict[str, Run]:
    """Return the runs by a description of their customers."""
    await warm_up(system)
    eager = f"{options.eager} who never pause"
    runs = {eager: await run(system, options.eager, options.seconds, thinks=False)}
    for count in options.levels:
        runs[f"{count} who think"] = await run(system, count, options.seconds, thinks=True)
    return runs


async def promised(system: System, options: argparse.Namespace) -> str:
    """The idle and the active ones together."""
    await warm_up(system)
    idle = [system.make(system.url) for _ in range(options.idle)]
    await connected(idle)
    found = await run(system, options.active, options.seconds, thinks=True)
    for client in idle:
        await client.close()
    return (
        f"{options.idle:,} idle and {options.active} active conversations in one web process, "
        f"{len(found.times):,} turns, {found.turns_per_second:.1f} a second, all acknowledged and "
        "answered\n\n"
        + table(
            ["", "median", "95 %", "99 %"],
            [
                ["acknowledged after, ms", *in_ms(found.acks)],
                ["added to the model's first sentence, ms", *in_ms(found.added)],
            ],
        )
    )


def at(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def ms(values: Sequence[float], share: float) -> str:
    return f"{1000 * at(values, share):.0f}" if values else "-"


def in_ms(values: Sequence[float]) -> list[str]:
    """Return the median, and the 95th and 99th percentile."""
    return [ms(values, share) for share in SHARES]


def compared(found: dict[str, dict[str, Run]]) -> str:
    head = ["customers", "", "turns/s", "CPU, ms a turn", "acknowledged after, ms"]
    head += ["added to the model, ms", "KiB each"]
    levels = next(iter(found.values())).keys()
    rows = [[level, name, *cells(runs[level])] for level in levels for name, runs in found.items()]
    ours = found["Attune"]
    ratios = [
        [level, name, *ratio(ours[level], runs[level])]
        for level in levels
        for name, runs in found.items()
        if runs is not ours
    ]
    over = ["customers", "Attune to", "turns/s", "CPU a turn", "acknowledged", "first words"]
    return (
        f"{table(head, rows)}\n\n{table(over, ratios)}\n\nTimes are 50, 95 and 99 %; ratios of "
        "times compare medians. First words: the model's first token, plus the time added."
    )


def cells(one: Run) -> list[str]:
    times = [" / ".join(in_ms(values)) for values in (one.acks, one.added)]
    return [f"{one.turns_per_second:.1f}", f"{1000 * one.cpu:.1f}", *times, f"{one.kib:.0f}"]


def ratio(ours: Run, theirs: Run) -> list[str]:
    first = [Speed().first_token + at(one.added, 0.5) for one in (ours, theirs)]
    acks = [at(one.acks, 0.5) if one.acks else float("nan") for one in (ours, theirs)]
    return [
        f"{ours.turns_per_second / theirs.turns_per_second:.2f}",
        f"{ours.cpu / theirs.cpu:.2f}",
        f"{acks[0] / acks[1]:.2f}" if theirs.acks else "-",
        f"{first[0] / first[1]:.2f}",
    ]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of each measurement")
    parser.add_argument("--eager", type=int, default=50, help="customers who never pause")
    parser.add_argument("--levels", type=int, nargs="*", default=[50, 100, 200], help="who think")
    parser.add_argument("--idle", type=int, default=1_000, help="idle ones beside --active")
    parser.add_argument("--active", type=int, default=200, help="0: no run beside idle ones")
    return parser.parse_args()


async def main() -> None:
    options, found = arguments(), dict[str, dict[str, Run]]()
    settings = {"WEB_PROCESSES": "1", "GENERATIONS": "1000"}
    with TemporaryDirectory() as made, ExitStack() as stack:
        folder, sentence, token = Path(made), Speed().until(SENTENCE), Speed().until(1)
        parts = stack.enter_context(site(folder, ["--unsupported", "10"], **settings))
        machine = cost.Machine.now()
        ours = System("Attune", AttuneClient, parts.site.url, parts.web()[0], sentence)
        if options.active:
            print(await promised(ours, options), flush=True)
            parts.restart_web()
            ours.process = parts.web()[0]
        found[ours.name] = await measure(ours, options)
        with channels_peer.running(folder, parts) as (process, url):
            channels = System("Channels", channels_peer.ChannelsClient, url, process, token)
            found[channels.name] = await measure(channels, options)
        (folder / "chainlit").mkdir()
        with chainlit_peer.running(folder / "chainlit", parts.slm_url) as (process, url):
            chainlit = System("Chainlit", chainlit_peer.ChainlitClient, url, process, token)
            found[chainlit.name] = await measure(chainlit, options)
        print(f"\n{compared(found)}\n\nOther programs took {machine.others():.0%} of the machine.")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
