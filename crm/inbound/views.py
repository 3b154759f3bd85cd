"""Where CRMs send their webhooks.

In service `at_the_door` answers them before Django's middleware, whose hooks each take a thread: of
5.5 ms for an event they are 4. Django's own view does the same where another server runs it.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import Error as DatabaseAway
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from crm.adapters import Delivery
from crm.inbound import reception
from crm.inbound.apply import State
from crm.inbound.reception import SignatureRefused, arrivals
from crm.models import InboundEvent, Source
from crm.plumbing.problems import PROBLEM, problem
from crm.plumbing.threads import in_thread

logger = logging.getLogger("attune.inbound")
# Seconds that a process goes on with what it knows of a source.
KNOWN_FOR = 2.0
SLUG = re.compile(r"[-\w]+", re.ASCII)
# Bytes of an event whose texts may take so long to read that other sockets would wait for it.
LONG = 50_000
_sources: dict[str, tuple[float, Source | None]] = {}
Asgi = Callable[[Any, Any, Any], Any]


@dataclass(frozen=True)
class Answer:
    status: int
    document: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return "application/json" if self.status < 400 else PROBLEM

    @property
    def body(self) -> bytes:
        return json.dumps(self.document).encode()


@csrf_exempt
async def receive(request: HttpRequest, source: str) -> HttpResponse:
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        body: bytes | None = request.body
    except RequestDataTooBig:
        body = None
    asked = request.META.get("QUERY_STRING", "")
    found = await answer(source, request.method or "", headers, body, asked)
    return HttpResponse(
        found.body, status=found.status, content_type=found.kind, headers=found.headers
    )


def at_the_door(application: Asgi) -> Asgi:
    """The application, with webhooks answered before it."""
    before = reverse("webhook", args=["x"]).removesuffix("x/")

    async def door(scope: Any, receive: Any, send: Any) -> None:
        name = scope["path"].removeprefix(before).removesuffix("/")
        if not scope["path"].startswith(before) or "/" in name:
            await application(scope, receive, send)
            return
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        asked = scope.get("query_string", b"").decode("latin-1")
        found = await answer(name, scope["method"], headers, await whole(receive), asked)
        named = {"content-type": found.kind, "content-length": str(len(found.body))}
        named |= {"x-content-type-options": "nosniff"} | found.headers
        rows = [(key.lower().encode(), value.encode("latin-1")) for key, value in named.items()]
        await send({"type": "http.response.start", "status": found.status, "headers": rows})
        await send({"type": "http.response.body", "body": found.body})

    return door


async def whole(receive: Any) -> bytes | None:
    """The body; None where it is too large, and then the rest is not kept."""
    pieces, size, more = [], 0, True
    while more:
        message = await receive()
        piece, more = message.get("body", b""), message.get("more_body", False)
        size += len(piece)
        if size <= settings.WEBHOOK_MAX_BYTES:
            pieces.append(piece)
    return b"".join(pieces) if size <= settings.WEBHOOK_MAX_BYTES else None


async def answer(
    name: str, method: str, headers: Mapping[str, str], body: bytes | None, asked: str = ""
) -> Answer:
    """202 once the event is kept; it is applied afterwards. body None: it is too large. asked: what
    stands behind the address's question mark, as it was sent, since HubSpot signs it too."""
    try:
        return await judged(name, method, headers, body, asked)
    except DatabaseAway as error:
        logger.warning("an event for %s could not be kept: %s", name, error)
        again = {"Retry-After": "5"}
        return refusal(503, "The event could not be stored: send it again.", headers=again)


async def judged(
    name: str, method: str, headers: Mapping[str, str], body: bytes | None, asked: str
) -> Answer:
    if method != "POST":
        return refusal(405, "Send the event with POST.", headers={"Allow": "POST"})
    if not SLUG.fullmatch(name):
        found = None  # Such as one with a NUL, which PostgreSQL refuses to look for.
    else:
        found = await in_thread(lookup, name) if stale(name) else _sources[name][1]
    if found is None or not found.active:
        return refusal(404, f"There is no source {name!r}, or it is paused.")
    if body is None:
        most = settings.WEBHOOK_MAX_BYTES
        return refusal(413, f"An event may have {most:,} bytes: send a smaller batch.")
    try:
        url = f"{settings.PUBLIC_URL}{reverse('webhook', args=[name])}{asked and f'?{asked}'}"
        sent = Delivery(body, headers, method, url, found.mapping)
        if len(body) > LONG:
            event = await in_thread(reception.event, found, sent)
        else:
            event = reception.event(found, sent)
    except SignatureRefused as error:
        return refusal(401, str(error))
    return kept(event, await arrivals.keep(event))


def kept(event: InboundEvent, is_new: bool) -> Answer:
    if event.state == State.REFUSED and is_new:
        return refusal(422, event.reason, field=event.reason.partition(":")[0], id=event.event_id)
    status = "accepted" if is_new else "duplicate"
    return Answer(202, {"id": event.event_id, "status": status})


def stale(name: str) -> bool:
    return name not in _sources or _sources[name][0] < time.monotonic()


def lookup(name: str) -> Source | None:
    found = Source.objects.filter(name=name).first()
    if found or name in _sources:  # Names that nobody has fill no memory.
        _sources[name] = (time.monotonic() + KNOWN_FOR, found)
    return found


def refusal(
    status: int, detail: str, headers: dict[str, str] | None = None, **extra: Any
) -> Answer:
    return Answer(status, problem(status, detail, **extra), headers or {})
