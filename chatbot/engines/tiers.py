"""Reads the tiers of the language model from the database, and watches their servers.

Each web process checks every server itself, since not all processes may reach the same servers.
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
from crm.plumbing.threads import in_thread
from crm.plumbing.tick import Job
from inference.energy import counters
from inference.generation.client import Generator
from inference.generation.meter import Meter, read_this_machine, reader_of
from inference.generation.pace import Deadlines
from inference.generation.tier import Server, Tier

logger = logging.getLogger("attune.tiers")
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
# Seconds until a change in the admin takes effect, and seconds between two checks of the servers.
# Every 20th check is thorough: it sends a prompt.
READ_EVERY, LOOK_EVERY, THOROUGH_EVERY = 5.0, 15.0, 20


@dataclass
class Known:
    tiers: tuple[Tier, ...] = ()
    until: float = 0.0


_known = Known()


def tiers() -> tuple[Tier, ...]:
    """List the tiers, smallest first."""
    if time.monotonic() >= _known.until:
        _known.tiers = read()
        _known.until = time.monotonic() + READ_EVERY
    return _known.tiers


def known() -> tuple[Tier, ...]:
    """List the tiers if they were read a moment ago, else none. Never asks the database."""
    return _known.tiers if time.monotonic() < _known.until else ()


def read() -> tuple[Tier, ...]:
    rows = models.Tier.objects.filter(enabled=True, servers__isnull=False).distinct()
    return tuple(
        Tier(
            tier.name,
            [server(row.url, tier.model) for row in tier.servers.all()],
            tier.from_difficulty,
        )
        for tier in rows.prefetch_related("servers")
    ) or (Tier("default", [server(settings.SLM_URL, settings.SLM_NAME)]),)


@cache
def server(url: str, model: str) -> Server:
    """Return the one Server of this address and model, which keeps its load and health between two
    reads of the tiers."""
    deadlines = Deadlines(
        connect=settings.SLM_CONNECT_TIMEOUT,
        first_token=settings.SLM_FIRST_TOKEN_TIMEOUT,
        next_token=settings.SLM_TOKEN_TIMEOUT,
        total=settings.SLM_TOTAL_TIMEOUT,
    )
    generator = Generator(url, model, settings.SLM_API_KEY, deadlines)
    return Server(generator, meter=own_meter() if here(url) else meter_of(url))


def here(url: str) -> bool:
    """Say whether only this process uses the server, and so can tell each generation's joules."""
    return urlsplit(url).hostname in LOOPBACK and settings.WEB_PROCESSES == 1


@cache
def own_meter() -> Meter:
    """Return the one meter for all servers of this machine, which share its devices."""
    meter = Meter(read_this_machine, counts=counters.joules() is not None)
    metrics.watch_energy(meter)
    return meter


def meter_of(url: str) -> Meter:
    """Return the meter of another machine, where an energy server may run beside the model's."""
    return Meter(reader_of(f"{url.removesuffix('/v1')}/energy"))


@receiver(setting_changed)
def forget(*, setting: str, **_: object) -> None:
    if setting.startswith("SLM_"):
        server.cache_clear()
        _known.until = 0.0


def job() -> Job:
    looks = count(1)
    return Job(
        LOOK_EVERY,
        lambda: look_after(thoroughly=next(looks) % THOROUGH_EVERY == 0),
        "the language model's servers were not checked",
    )


async def look_after(thoroughly: bool) -> None:
    pairs = ((tier.name, one) for tier in await in_thread(tiers) for one in tier.servers)
    await asyncio.gather(*(examine(tier, server, thoroughly) for tier, server in pairs))


async def examine(tier: str, server: Server, thoroughly: bool) -> None:
    url, before = server.generator.url, server.illness
    await server.examine(thoroughly)
    # Also while the model is idle: of a counter that wraps around twice, one round would be lost.
    await server.meter.settle()
    if server.illness != before:
        logger.warning("%s: %s", url, server.illness or "well again")
    metrics.SERVERS_WELL.labels(tier, url).set(not server.illness)
    await in_thread(note, server)


def note(server: Server) -> None:
    """Store the server's health for the admin's list."""
    rows = models.Server.objects.filter(url=server.generator.url)
    rows.update(illness=server.illness[:300], looked_at=timezone.now())
