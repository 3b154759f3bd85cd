"""`make bench-console`: the agents' pages over a million messages, on PostgreSQL and Redis.

First each page and list alone, one request after the other. Then fifty agents watch while five
hundred customers talk: from the customer's acknowledgement, which follows the commit, to the row on
each agent's page; beside it, in the same run, what a page that asks again every two seconds would
see.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from inference.evaluation.markdown import table
from tests.live.conftest import ROOT
from tests.load import console_pages
from tests.load.bench_chat import ms
from tests.load.bench_generation import question
from tests.load.faults import Parts
from tests.load.soak import site
from tests.load.swarm import Client, started

AGENTS, CUSTOMERS = 50, 500
# Seconds between two messages of one customer.
THINKS = (40.0, 80.0)
POLLS_EVERY = 2.0


@dataclass
class Agent:
    """A page of the live inbox."""

    url: str
    cookies: str
    # When each text was seen first, in this page's list.
    seen: dict[str, float] = field(default_factory=dict)

    async def watch(self, ready: asyncio.Event) -> None:
        async with console_pages.socket(self.url, self.cookies) as socket:
            await socket.send(json.dumps({"type": "list"}))
            async for text in socket:
                self.hear(json.loads(text), ready)

    def hear(self, frame: dict[str, Any], ready: asyncio.Event) -> None:
        if frame["type"] == "rows":
            ready.set()
        if frame["type"] == "row" and (last := frame["row"]["last"]):
            self.seen.setdefault(last["text"], time.monotonic())


async def watching(url: str) -> tuple[list[Agent], list[asyncio.Task[None]]]:
    cookies = await console_pages.logged_in(url, "agent")
    agents = [Agent(url, cookies) for _ in range(AGENTS)]
    events = [asyncio.Event() for _ in agents]
    tasks = [
        asyncio.create_task(agent.watch(event)) for agent, event in zip(agents, events, strict=True)
    ]
    await asyncio.gather(*(event.wait() for event in events))
    return agents, tasks


async def talk(client: Client, ends: float, committed: dict[str, float]) -> None:
    await asyncio.sleep(random.uniform(0, THINKS[1]))
    while time.monotonic() < ends:
        text = question()
        await client.ask(text)
        committed[text] = time.monotonic()
        await asyncio.sleep(random.uniform(*THINKS))


async def measure(url: str, seconds: float) -> str:
    customers = [Client(url) for _ in range(CUSTOMERS)]
    connected = await started(customers)
    agents, pages = await watching(url)
    committed: dict[str, float] = {}
    ends = time.monotonic() + seconds
    await asyncio.gather(*(talk(client, ends, committed) for client in customers))
    await asyncio.sleep(5)
    for task in [*connected, *pages]:
        task.cancel()
    waits, missed = waited(agents, committed)
    polled = [random.uniform(0, POLLS_EVERY) for _ in waits]
    head = ["", "median, ms", "95 %", "99 %"]
    rows = [
        [name, *(ms(values, share) for share in (0.5, 0.95, 0.99))]
        for name, values in (("Attune", waits), ("asking every 2 s, at best", polled))
    ]
    return (
        f"{len(committed):,} messages of {CUSTOMERS} customers on {AGENTS} agents' pages; "
        f"{missed} not shown because the bot's answer had followed\n\n{table(head, rows)}"
    )


def waited(agents: list[Agent], committed: dict[str, float]) -> tuple[list[float], int]:
    """Seconds; 0 where the page had it before the customer's acknowledgement came."""
    found = [
        max(0.0, agent.seen[text] - at)
        for agent in agents
        for text, at in committed.items()
        if text in agent.seen
    ]
    return found, len(committed) * len(agents) - len(found)


def filled(parts: Parts, messages: int) -> str:
    """In processes of their own, which know the services as the web processes do."""
    services = {"DATABASE_URL": parts.database, "REDIS_URL": parts.redis_url}
    env = parts.site.env | services
    fill = [sys.executable, "-m", "tests.load.million", str(messages)]
    done = subprocess.run(fill, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True)
    began = time.monotonic()
    count = [sys.executable, "manage.py", "reports", "--rebuild"]
    subprocess.run(count, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, check=True)
    return f"{done.stdout.strip()}; their figures in {time.monotonic() - began:.0f} s"


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=90, help="that customers talk")
    parser.add_argument("--messages", type=int, default=1_000_000, help="0: an empty database")
    options = parser.parse_args()
    with TemporaryDirectory() as folder, site(Path(folder), WEB_PROCESSES="2") as parts:
        if options.messages:
            print(filled(parts, options.messages), flush=True)
            print(f"\n{await console_pages.measure(parts.site.url)}\n", flush=True)
        print(await measure(parts.site.url, options.seconds))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
