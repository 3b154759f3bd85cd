"""The tiers of the language model as the admin has them: read, and looked after.

Each web process looks at every server on its own: what one of them can reach, another may not.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import cache
from itertools import count
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils import timezone

from chatbot import models
from chatbot.telemetry import metrics
from crm.plumbing.every import every
from crm.plumbing.threads import in_thread
from inference.energy import counters
from inference.generation.client import Generator
from inference.generation.meter import Meter, read_this_machine, reader_of
from inference.generation.pace import Deadlines
from inference.generation.pool import Pool, Server

logger = logging.getLogger("attune.tiers")
# Seconds: until a change in the admin counts, between two looks, and looks between two prompts.
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
READ_EVERY, LOOK_EVERY, THOROUGH_EVERY = 5.0, 15.0, 20


@dataclass
class Known:
    pools: tuple[Pool, ...] = ()
    until: float = 0.0


_known = Known()


def tiers() -> tuple[Pool, ...]:
    """The smallest first."""
    if time.monotonic() >= _known.until:
        _known.pools = read()
        _known.until = time.monotonic() + READ_EVERY
    return _known.pools


def read() -> tuple[Pool, ...]:
    found = models.Tier.objects.filter(enabled=True, replicas__isnull=False).distinct()
    return tuple(
        Pool(
            tier.name,
            [server(replica.url, tier.model) for replica in tier.replicas.all()],
            tier.from_difficulty,
        )
        for tier in found.prefetch_related("replicas")
    ) or (Pool("default", [server(settings.SLM_URL, settings.SLM_NAME)]),)


@cache
def server(url: str, model: str) -> Server:
    """One for each, however often the tiers are read: it knows how busy and how ill it is."""
    deadlines = Deadlines(
        connect=settings.SLM_CONNECT_TIMEOUT,
        first_token=settings.SLM_FIRST_TOKEN_TIMEOUT,
        next_token=settings.SLM_TOKEN_TIMEOUT,
        total=settings.SLM_TOTAL_TIMEOUT,
    )
    generator = Generator(url, model, settings.SLM_API_KEY, deadlines)
    return Server(generator, meter=own_meter() if here(url) else meter_of(url))


def here(url: str) -> bool:
    """Whether this process alone knows what the server does, and so whose joules are whose."""
    return urlsplit(url).hostname in LOOPBACK and settings.WEB_PROCESSES == 1


@cache
def own_meter() -> Meter:
    """One for all servers of this machine: they share its devices."""
    found = Meter(read_this_machine, counts=counters.joules() is not None)
    metrics.watch_energy(found)
    return found


def meter_of(url: str) -> Meter:
    """Beside the model server there may be one that reads its machine's counters."""
    return Meter(reader_of(f"{url.removesuffix('/v1')}/energy"))


@receiver(setting_changed)
def forget(*, setting: str, **_: object) -> None:
    if setting.startswith("SLM_"):
        server.cache_clear()
        _known.until = 0.0


async def look_after_for_ever() -> None:
    looks = count(1)
    await every(
        LOOK_EVERY,
        lambda: look_after(thoroughly=next(looks) % THOROUGH_EVERY == 0),
        "no look at the language model's servers",
    )


async def look_after(thoroughly: bool) -> None:
    pools = await in_thread(tiers)
    looks = (examine(pool.name, one, thoroughly) for pool in pools for one in pool.servers)
    await asyncio.gather(*looks)


async def examine(tier: str, server: Server, thoroughly: bool) -> None:
    url, before = server.generator.url, server.illness
    await server.examine(thoroughly)
    # Also while nobody asks: a counter that has gone round twice since would have lost a round.
    await server.meter.settle()
    if server.illness != before:
        logger.warning("%s: %s", url, server.illness or "well again")
    metrics.SERVERS_WELL.labels(tier, url).set(not server.illness)
    await in_thread(note, server)


def note(server: Server) -> None:
    """For the admin's list."""
    rows = models.Replica.objects.filter(url=server.generator.url)
    rows.update(illness=server.illness[:300], looked_at=timezone.now())
