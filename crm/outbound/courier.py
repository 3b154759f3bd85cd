"""Carries events to their endpoints: claims what is due, sends it signed, and keeps every attempt.

It runs on the event loop of each web process; a claim has a lease, so that what a process was
carrying when it died is carried by another. An endpoint has a few places of its own, and a slow
one takes no other's.
"""

import asyncio
import logging
import random
import ssl
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from crm import action_answers, signing
from crm.models import Attempt, Delivery, Endpoint
from crm.outbound import destinations
from crm.outbound.destinations import Destination
from crm.outbound.notices import mail_switched_off
from crm.plumbing import background
from crm.plumbing.threads import in_thread

logger = logging.getLogger("attune.courier")
State = Delivery.State
# Seconds after which each try follows the one before: the specification's example.
SCHEDULE = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.1
TIMEOUT = 15.0
LEASE = timedelta(seconds=TIMEOUT + 15)
# An endpoint that has failed for so long is switched off, and its operators are told.
PATIENCE = timedelta(days=5)
LOOKS_EVERY = 1.0
# At a time: of one endpoint in one process, and of all of them.
PLACES, ALL_PLACES = 8, 256
KEPT_OF_ANSWER, LONGEST_RETRY_AFTER = 2_000, 86_400
GONE = 410
# Names whose server does not answer hold a thread for half a minute each; the others have theirs.
resolver = ThreadPoolExecutor(64, "resolver")


@dataclass
class Running:
    """This process's courier, while it runs."""

    loop: asyncio.AbstractEventLoop | None = None
    woken: asyncio.Event | None = None


_running = Running()


def nudge() -> None:
    """Something is due once this transaction is committed; another process finds it within
    LOOKS_EVERY."""
    transaction.on_commit(_wake)


def _wake() -> None:
    loop, woken = _running.loop, _running.woken
    if loop and woken and not loop.is_closed():
        loop.call_soon_threadsafe(woken.set)


async def carry_for_ever() -> None:
    _running.loop, _running.woken = asyncio.get_running_loop(), asyncio.Event()
    async with client() as sender:
        courier = Courier(sender)
        while True:
            try:
                more = await courier.take()
            except Exception as error:
                # The database may be away for a moment; the next look is soon.
                logger.warning("no look at what is due: %s", error)
                more = False
            if not more:
                await pause()


async def pause() -> None:
    assert _running.woken
    try:
        async with asyncio.timeout(LOOKS_EVERY):
            await _running.woken.wait()
    except TimeoutError:
        pass
    _running.woken.clear()


def client() -> httpx2.AsyncClient:
    """No proxies from the environment, no redirects: requests go to the judged address alone.
    Certificates are the system's, or those of SSL_CERT_FILE: many a private cloud signs its own."""
    limits = httpx2.Limits(max_connections=ALL_PLACES, max_keepalive_connections=64)
    return httpx2.AsyncClient(
        verify=ssl.create_default_context(),
        trust_env=False,
        follow_redirects=False,
        timeout=TIMEOUT,
        limits=limits,
    )


class Courier:
    def __init__(self, sender: httpx2.AsyncClient) -> None:
        self.sender = sender
        # Places taken, by endpoint.
        self.taken: Counter[int] = Counter()
        self.tasks: set[asyncio.Task[None]] = set()
        self.results: list[tuple[Delivery, Attempt, float]] = []
        self.writing: asyncio.Task[None] | None = None

    async def take(self) -> bool:
        """Start on what is due and has a place. False: there was nothing."""
        room = ALL_PLACES - self.taken.total()
        full = [endpoint for endpoint, count in self.taken.items() if count >= PLACES]
        found = await in_thread(claim, full, room) if room else []
        for delivery in found:
            self.taken[delivery.endpoint_id] += 1
            task = asyncio.create_task(self.carry(delivery))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return bool(found)

    async def carry(self, delivery: Delivery) -> None:
        try:
            attempt, after = await send(self.sender, delivery)
            self.results.append((delivery, attempt, after))
        finally:
            self.taken[delivery.endpoint_id] -= 1
            if not self.taken[delivery.endpoint_id]:
                del self.taken[delivery.endpoint_id]
        if self.writing is None or self.writing.done():
            self.writing = asyncio.create_task(self.write())
        _wake()  # There is a place again.

    async def write(self) -> None:
        """What came back meanwhile is written together. What was delivered while the database was
        away is not sent again, unless it was away for longer than the lease."""
        while self.results:
            batch, self.results = self.results, []
            try:
                await in_thread(hear, batch)
                await in_thread(keep, batch)
            except (OperationalError, InterfaceError) as error:
                logger.warning("attempts could not be written yet: %s", error)
                self.results = batch + self.results
                await asyncio.sleep(LOOKS_EVERY)


# --- claims


def claim(full: Iterable[int], room: int) -> list[Delivery]:
    """Due deliveries, a few of each endpoint that has places, for this process alone."""
    now = timezone.now()
    destinations.learn_own_services()
    with transaction.atomic():
        ranked = (
            due(now)
            .exclude(endpoint__in=list(full))
            .annotate(rank=Window(RowNumber(), partition_by="endpoint", order_by="next_at"))
        )
        ids = list(ranked.filter(rank__lte=PLACES).values_list("id", flat=True)[:room])
        rows = Delivery.objects.select_for_update(skip_locked=True, of=("self",))
        found = list(rows.filter(waiting(now), id__in=ids).select_related("endpoint"))
        Delivery.objects.filter(id__in=[one.id for one in found]).update(
            state=State.RUNNING, lease_until=now + LEASE
        )
    for one in found:
        one.lease_until = now + LEASE  # By which `settle` knows the claim again.
    return found


def waiting(now: datetime) -> Q:
    dead = Q(state=State.RUNNING, lease_until__lt=now)
    return Q(state=State.PENDING, next_at__lte=now) | dead


def due(now: datetime) -> QuerySet[Delivery]:
    """Where an endpoint wants order, only the oldest open event of each conversation."""
    earlier = Delivery.objects.filter(
        endpoint=OuterRef("endpoint"),
        conversation=OuterRef("conversation"),
        id__lt=OuterRef("id"),
        state__in=[State.PENDING, State.RUNNING],
    )
    free = Q(endpoint__ordered=False) | Q(conversation="") | ~Exists(earlier)
    rested = Q(endpoint__rests_until=None) | Q(endpoint__rests_until__lte=now)
    return Delivery.objects.filter(waiting(now), free, rested, endpoint__active=True)


# --- requests


async def send(sender: httpx2.AsyncClient, delivery: Delivery) -> tuple[Attempt, float]:
    """The attempt, not saved yet, and the seconds that the endpoint asks to be left alone."""
    attempt, after, began = Attempt(delivery=delivery), 0.0, time.monotonic()
    try:
        async with asyncio.timeout(TIMEOUT):
            loop = asyncio.get_running_loop()
            to = await loop.run_in_executor(resolver, destinations.check, delivery.endpoint.url)
            attempt.request = headers(delivery, to)
            made = request(sender, delivery, to, attempt.request)
            answer = await sender.send(made, stream=True)
            try:
                attempt.status, after = answer.status_code, retry_after(answer)
                attempt.answer = await beginning(answer)
            finally:
                await answer.aclose()
    except TimeoutError:
        attempt.error = f"No answer within {TIMEOUT:.0f} seconds."
    except Exception as error:
        # Whatever it is, it is this delivery's own, and counts as a try.
        attempt.error = (str(error) or repr(error))[:300]
    attempt.seconds = round(time.monotonic() - began, 4)
    return attempt, after


def request(
    sender: httpx2.AsyncClient, delivery: Delivery, to: Destination, headers: dict[str, str]
) -> httpx2.Request:
    """To the judged address, in the name of the host."""
    return sender.build_request(
        "POST",
        to.url,
        content=delivery.body.encode(),
        headers=headers,
        extensions={"sni_hostname": to.host},
    )


def headers(delivery: Delivery, to: Destination) -> dict[str, str]:
    known = signing.current(delivery.endpoint.secrets)
    signed = signing.sign(delivery.event_id, datetime.now(UTC), delivery.body.encode(), known)
    kind = "cloudevents+json" if delivery.endpoint.cloudevents else "json"
    # No compression: a small answer must not become a large one here.
    plain = {"Host": to.authority, "Accept-Encoding": "identity", "User-Agent": "Attune"}
    # Connections are kept by address: another name there would not show its certificate.
    alone = {"Connection": "close"} if to.scheme == "https" else {}
    return signed | plain | alone | {"Content-Type": f"application/{kind}"}


async def beginning(answer: httpx2.Response) -> str:
    """Its first bytes; the rest is not read."""
    found = b""
    async for piece in answer.aiter_raw():
        found += piece
        if len(found) >= KEPT_OF_ANSWER:
            break
    return found[:KEPT_OF_ANSWER].decode(errors="replace").replace("\x00", "\ufffd")


def retry_after(answer: httpx2.Response) -> float:
    """Seconds, or a date; 0 where nothing sensible is said, or all is well."""
    if answer.is_success:
        return 0.0
    text = answer.headers.get("retry-after", "")
    try:
        if text.isdigit():
            wait = float(text)
        else:
            wait = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    return min(max(0.0, wait), LONGEST_RETRY_AFTER)


# --- results


def hear(results: list[tuple[Delivery, Attempt, float]]) -> None:
    """What the CRM says to requests, before they count as delivered: a process that dies in between
    sends them again, under the same ids."""
    for delivery, attempt, _ in results:
        try:
            if delivered(attempt):
                action_answers.hear(delivery, attempt)
        except (OperationalError, InterfaceError):
            raise  # The database is away: they are taken once it is back.
        except Exception:
            # It must not spoil what else is kept; who asked is told that there was no answer.
            logger.exception("the answer to %s could not be taken", delivery.event_id)


@transaction.atomic
def keep(results: list[tuple[Delivery, Attempt, float]]) -> None:
    # Deleted with their endpoint meanwhile: nothing is left to keep.
    there = Delivery.objects.select_for_update(of=("self",)).order_by("id")
    ids = set(there.filter(id__in=[one.id for one, _, _ in results]).values_list("id", flat=True))
    results = [one for one in results if one[0].id in ids]
    Attempt.objects.bulk_create(attempt for _, attempt, _ in results)
    for delivery, attempt, after in results:
        settle(delivery, attempt, after)
    well = {one.endpoint_id for one, attempt, _ in results if delivered(attempt)}
    Endpoint.objects.filter(id__in=well, failing_since__isnull=False).update(failing_since=None)
    bad = {one.endpoint_id for one, attempt, _ in results if not delivered(attempt)} - well
    Endpoint.objects.filter(id__in=bad, failing_since=None).update(failing_since=timezone.now())
    given_up = Endpoint.objects.filter(
        id__in=bad, active=True, failing_since__lt=timezone.now() - PATIENCE
    )
    for endpoint in given_up:
        switch_off(endpoint, f"Every attempt has failed for {PATIENCE.days} days.")


def delivered(attempt: Attempt) -> bool:
    """2xx only: a redirect is a failure."""
    return attempt.status is not None and 200 <= attempt.status < 300


def settle(delivery: Delivery, attempt: Attempt, after: float) -> None:
    tries, now = delivery.tries + 1, timezone.now()
    values: dict[str, Any] = {"tries": tries, "lease_until": None}
    rows = Delivery.objects.filter(id=delivery.id)
    if not delivered(attempt):
        # Its lease has ended and another process sends it: that one's result counts.
        rows = rows.filter(state=State.RUNNING, lease_until=delivery.lease_until)
    if delivered(attempt):
        values |= {"state": State.DONE, "done_at": now}
    elif tries >= len(SCHEDULE):
        values |= {"state": State.FAILED, "done_at": now}
    else:
        wait = max(SCHEDULE[tries] * random.uniform(1, 1 + JITTER), after)
        values |= {"state": State.PENDING, "next_at": now + timedelta(seconds=wait)}
    rows.update(**values)
    if after:
        rest = now + timedelta(seconds=after)
        Endpoint.objects.filter(id=delivery.endpoint_id).update(rests_until=rest)
    if attempt.status == GONE:
        switch_off(delivery.endpoint, "It answered 410: it wants no more events.")


def switch_off(endpoint: Endpoint, why: str) -> None:
    """Its events wait; nothing is lost. Its operators are told, once."""
    if Endpoint.objects.filter(id=endpoint.id, active=True).update(active=False, trouble=why):
        logger.error("endpoint %s is switched off: %s", endpoint.id, why)
        background.later(mail_switched_off, endpoint.id)
