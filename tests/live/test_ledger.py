"""Forty clients talk while the parts die; nothing that was promised is lost, nothing doubled.

The short form of `make soak`, on real PostgreSQL, Redis and processes.
"""

import asyncio
from pathlib import Path

import pytest

from tests.load.faults import Network
from tests.load.soak import everything, in_words, play, site
from tests.load.swarm import Client

pytestmark = pytest.mark.live

CLIENTS, APART = 40, 5
FAULTS = ("kill -9 web", "kill -9 Redis", "kill -9 PostgreSQL", "SIGTERM to a web process")


def test_nothing_is_lost_and_nothing_comes_twice(models: None, tmp_path: Path) -> None:
    async def run() -> None:
        with site(tmp_path) as parts:
            network = Network(parts.site.port)
            url = f"http://127.0.0.1:{await network.listen()}"
            clients = [Client(url) for _ in range(CLIENTS)]
            planned = [one for one in everything(parts, network, clients) if one[0] in FAULTS]
            found = await play(parts, clients, planned, APART)
            print(in_words(found, APART))
            assert found.audit.broken == []
            assert found.audit.acknowledged > CLIENTS

    asyncio.run(run())
