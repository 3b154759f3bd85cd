"""Delivers events to their endpoints: claims due deliveries, sends them signed, and records every
attempt.

It runs on the event loop of each web process. A claim has a lease: when a process dies, another one
takes over its deliveries. Each endpoint has a few places of its own, so a slow endpoint does not
hold up the others.
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
from crm.outbound.notices import mail_switched_off
from crm.plumbing import background, destinations
from crm.plumbing.destinations import Destination
from crm.plumbing.threads import in_thread
from crm.plumbing.tick import Job

logger = logging.getLogger("attune.courier")
State = Delivery.State
# Seconds to wait after each failed try. If the try after the last wait fails too, the delivery has
# failed. The values are the example in the Standard Webhooks specification.
RETRY_AFTER = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.1
TIMEOUT = 15.0
LEASE = timedelta(seconds=TIMEOUT + 15)
# An endpoint that has failed for so long is switched off, and its operators are told.
PATIENCE = timedelta(days=5)
LOOKS_EVERY = 1.0
# Concurrent deliveries of one process: to one endpoint, and to all of them.
PLACES, ALL_PLACES = 8, 256
KEPT_OF_ANSWER, LONGEST_RETRY_AFTER = 2_000, 86_400
GONE = 410
# A name whose DNS server does not answer holds a thread for half a minute, so there are many.
resolver = ThreadPoolExecutor(64, "resolver")


@dataclass
class Running:
    """The running courier of this process, if there is one."""

    loop: asyncio.AbstractEventLoop | None = None
    woken: asyncio.Event | None = None


_running = Running()


def nudge() -> None:
    """Wake the courier once this transaction is committed. Without one in this process, another
    process finds the delivery within LOOKS_EVERY seconds."""
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
                # The database may be away for a moment; the next look comes soon.
                logger.warning("could not look for due deliveries: %s", error)
                more = False
            if not more:
                await _running.woken.wait()
                _running.woken.clear()


def job() -> Job:
    async def wake() -> None:
        _wake()

    return Job(LOOKS_EVERY, wake, "the courier was not woken", soon)


def soon() -> QuerySet[Delivery]:
    """Select the deliveries that may be due; the courier looks more closely."""
    return Delivery.objects.filter(waiting(timezone.now()), endpoint__active=True)


def client() -> httpx2.AsyncClient:
    """Return a client without proxies or redirects: requests go only to the address that was
    checked. Trusts the system's certificates or those in SSL_CERT_FILE, since private clouds often
    sign their own."""
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
        # Deliveries under way, by endpoint.
        self.taken: Counter[int] = Counter()
        self.tasks: set[asyncio.Task[None]] = set()
        self.results: list[tuple[Delivery, Attempt, float]] = []
        self.writing: asyncio.Task[None] | None = None

    async def take(self) -> bool:
        """Start the due deliveries for which there is a place. Returns False if there were none."""
        room = ALL_PLACES - self.taken.total()
        full = [endpoint for endpoint, count in self.taken.items() if count >= PLACES]
        deliveries = await in_thread(claim, full, room) if room else []
        for delivery in deliveries:
            self.taken[delivery.endpoint_id] += 1
            task = asyncio.create_task(self.carry(delivery))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return bool(deliveries)

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
        _wake()  # A place is free again.

    async def write(self) -> None:
        """Write the results that have come in meanwhile, in one batch. Results are kept while the
        database is away, so nothing is sent again unless it is away for longer than the lease."""
        while self.results:
            batch, self.results = self.results, []
            try:
                await in_thread(take_answers, batch)
                await in_thread(keep, batch)
            except (OperationalError, InterfaceError) as error:
                logger.warning("attempts could not be written yet: %s", error)
                self.results = batch + self.results
                await asyncio.sleep(LOOKS_EVERY)


# --- claims


def claim(full: Iterable[int], room: int) -> list[Delivery]:
    """Claim due deliveries for this process: a few of each endpoint that has places left."""
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
        claimed = list(rows.filter(waiting(now), id__in=ids).select_related("endpoint"))
        Delivery.objects.filter(id__in=[delivery.id for delivery in claimed]).update(
            state=State.RUNNING, lease_until=now + LEASE
        )
    for delivery in claimed:
        delivery.lease_until = now + LEASE  # `settle` recognises the claim by it.
    return claimed


def waiting(now: datetime) -> Q:
    abandoned = Q(state=State.RUNNING, lease_until__lt=now)
    return Q(state=State.PENDING, next_at__lte=now) | abandoned


def due(now: datetime) -> QuerySet[Delivery]:
    """Select due deliveries; for an endpoint in order, only the oldest open one of each
    conversation."""
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
    """Send a delivery. Returns the unsaved attempt, and the seconds to wait that the endpoint asked
    for."""
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
        # Whatever the error is, it concerns this delivery alone and counts as a try.
        attempt.error = (str(error) or repr(error))[:300]
    attempt.seconds = round(time.monotonic() - began, 4)
    return attempt, after


def request(
    sender: httpx2.AsyncClient, delivery: Delivery, to: Destination, headers: dict[str, str]
) -> httpx2.Request:
    """Build a request to the address that was checked, with the host's name in TLS."""
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
    # No compression, or a small response could unpack into a large one.
    plain = {"Host": to.authority, "Accept-Encoding": "identity", "User-Agent": "Attune"}
    # Connections are pooled by address: on a reused one, another name's certificate would go
    # unchecked.
    alone = {"Connection": "close"} if to.scheme == "https" else {}
    return signed | plain | alone | {"Content-Type": f"application/{kind}"}


async def beginning(answer: httpx2.Response) -> str:
    """Read the first bytes of the response and no more."""
    body = b""
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) >= KEPT_OF_ANSWER:
            break
    return body[:KEPT_OF_ANSWER].decode(errors="replace").replace("\x00", "\ufffd")


def retry_after(answer: httpx2.Response) -> float:
    """Return the seconds of a Retry-After header, which may hold a date; 0 if there is no valid one
    or the request succeeded."""
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


def take_answers(results: list[tuple[Delivery, Attempt, float]]) -> None:
    """Take the CRM's answers to requests. This comes before the requests count as delivered: if the
    process dies in between, they are sent again under the same ids."""
    for delivery, attempt, _ in results:
        try:
            if delivered(attempt):
                action_answers.take(delivery, attempt)
        except (OperationalError, InterfaceError):
            raise  # The database is away: the answers are taken once it is back.
        except Exception:
            # The other results must still be kept; the customer learns that no answer came.
            logger.exception("the answer to %s could not be taken", delivery.event_id)


@transaction.atomic
def keep(results: list[tuple[Delivery, Attempt, float]]) -> None:
    """Write the attempts, and update their deliveries and endpoints."""
    # Leave out deliveries that have since been deleted with their endpoint.
    rows = Delivery.objects.select_for_update(of=("self",)).order_by("id")
    given = [delivery.id for delivery, _, _ in results]
    ids = set(rows.filter(id__in=given).values_list("id", flat=True))
    results = [result for result in results if result[0].id in ids]
    Attempt.objects.bulk_create(attempt for _, attempt, _ in results)
    for delivery, attempt, after in results:
        settle(delivery, attempt, after)
    well = {delivery.endpoint_id for delivery, attempt, _ in results if delivered(attempt)}
    Endpoint.objects.filter(id__in=well, failing_since__isnull=False).update(failing_since=None)
    bad = {delivery.endpoint_id for delivery, _, _ in results} - well
    Endpoint.objects.filter(id__in=bad, failing_since=None).update(failing_since=timezone.now())
    given_up = Endpoint.objects.filter(
        id__in=bad, active=True, failing_since__lt=timezone.now() - PATIENCE
    )
    for endpoint in given_up:
        switch_off(endpoint, f"Every attempt has failed for {PATIENCE.days} days.")


def delivered(attempt: Attempt) -> bool:
    """Tell whether the response is 2xx; a redirect is a failure."""
    return attempt.status is not None and 200 <= attempt.status < 300


def settle(delivery: Delivery, attempt: Attempt, after: float) -> None:
    tries, now = delivery.tries + 1, timezone.now()
    values: dict[str, Any] = {"tries": tries, "lease_until": None}
    rows = Delivery.objects.filter(id=delivery.id)
    if not delivered(attempt):
        # If the lease has ended and another process has claimed it, that one's result counts.
        rows = rows.filter(state=State.RUNNING, lease_until=delivery.lease_until)
    if delivered(attempt):
        values |= {"state": State.DONE, "done_at": now}
    elif tries > len(RETRY_AFTER):
        values |= {"state": State.FAILED, "done_at": now}
    else:
        wait = max(RETRY_AFTER[tries - 1] * random.uniform(1, 1 + JITTER), after)
        values |= {"state": State.PENDING, "next_at": now + timedelta(seconds=wait)}
    rows.update(**values)
    if after:
        rest = now + timedelta(seconds=after)
        Endpoint.objects.filter(id=delivery.endpoint_id).update(rests_until=rest)
    if attempt.status == GONE:
        switch_off(delivery.endpoint, "It answered 410: it wants no more events.")


def switch_off(endpoint: Endpoint, why: str) -> None:
    """Switch an endpoint off and tell the operators, once. Its events wait; nothing is lost."""
    if Endpoint.objects.filter(id=endpoint.id, active=True).update(active=False, trouble=why):
        logger.error("endpoint %s is switched off: %s", endpoint.id, why)
        background.later(mail_switched_off, endpoint.id)
