"""Events flow both ways while the parts are killed; none is lost, and none has its effect twice.

The short form of `make soak-webhooks`, on real PostgreSQL, Redis and processes.
"""

import asyncio
from pathlib import Path

import pytest

from tests.live.conftest import free_port
from tests.load.soak import site
from tests.load.soak_webhooks import in_words, play, settings, verdict

pytestmark = pytest.mark.live

EVENTS, RATE, APART = 200, 10.0, 5.0


def test_every_event_has_its_effect_exactly_once(models: None, tmp_path: Path) -> None:
    async def run() -> None:
        port = free_port()
        with site(tmp_path, **settings(port)) as parts:
            found = await play(parts, port, EVENTS, RATE, APART)
            broken = verdict(found)
            print(in_words(found, broken))
            assert broken == []
            assert len({name for name, _ in found.killed}) == 4

    asyncio.run(run())
