"""`make bench-console`: how long until agents see what a customer wrote.

Fifty agents watch while five hundred customers talk, on PostgreSQL and Redis. From the customer's
acknowledgement, which follows the commit, to the row on each agent's page; beside it, in the same
run, what a page that asks again every two seconds would see.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import websockets

from inference.evaluation.markdown import table
from tests.load.bench_chat import ms
from tests.load.bench_generation import question
from tests.load.soak import site
from tests.load.swarm import Client, started

AGENTS, CUSTOMERS = 50, 500
# Seconds between two messages of one customer.
THINKS = (40.0, 80.0)
POLLS_EVERY = 2.0
LOG_IN = "/admin/login/"


@dataclass
class Agent:
    """A page of the live inbox."""

    url: str
    cookies: str = ""
    # When each text was seen first, in this page's list.
    seen: dict[str, float] = field(default_factory=dict)

    async def log_in(self, name: str, password: str) -> None:
        async with httpx2.AsyncClient(base_url=self.url, trust_env=False, timeout=30) as client:
            await client.get(LOG_IN)
            form = {"username": name, "password": password, "next": "/admin/"}
            form["csrfmiddlewaretoken"] = client.cookies["csrftoken"]
            answer = await client.post(LOG_IN, data=form, headers={"Referer": self.url + LOG_IN})
            assert answer.status_code == 302, "the demo's agent could not log in"
            self.cookies = "; ".join(f"{key}={value}" for key, value in client.cookies.items())

    async def watch(self, ready: asyncio.Event) -> None:
        async with websockets.connect(
            f"{self.url.replace('http', 'ws', 1)}/ws/console/",
            origin=self.url,  # type: ignore[arg-type]
            additional_headers={"Cookie": self.cookies},
            compression=None,
            max_queue=None,
            max_size=None,
        ) as socket:
            await socket.send(json.dumps({"type": "list"}))
            async for text in socket:
                self.hear(json.loads(text), ready)

    def hear(self, frame: dict[str, Any], ready: asyncio.Event) -> None:
        if frame["type"] == "rows":
            ready.set()
        if frame["type"] == "row" and (last := frame["row"]["last"]):
            self.seen.setdefault(last["text"], time.monotonic())


async def watching(url: str) -> tuple[list[Agent], list[asyncio.Task[None]]]:
    first = Agent(url)
    await first.log_in("agent", "attune-demo")
    agents = [first, *(Agent(url, first.cookies) for _ in range(AGENTS - 1))]
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


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=90)
    options = parser.parse_args()
    with TemporaryDirectory() as folder, site(Path(folder), WEB_PROCESSES="2") as parts:
        print(await measure(parts.site.url, options.seconds))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
