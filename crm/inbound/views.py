"""The address to which CRMs send their webhooks.

In production `webhooks_first` answers them before Django's middleware, whose hooks each take a
thread: they account for 4 of the 5.5 ms of an event. Under another server, Django's own view
answers.
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

from crm.dialects import IncomingWebhook
from crm.inbound import reception
from crm.inbound.apply import State
from crm.inbound.reception import SignatureRefused, arrivals
from crm.models import InboundEvent, Source
from crm.plumbing import troubles
from crm.plumbing.problems import PROBLEM, problem
from crm.plumbing.threads import in_thread

logger = logging.getLogger("attune.inbound")
# Seconds for which a process caches a source.
KNOWN_FOR = 2.0
SLUG = re.compile(r"[-\w]+", re.ASCII)
# Bytes: a longer event is parsed in a thread, or other sockets would have to wait.
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
    query = request.META.get("QUERY_STRING", "")
    response = await answer(source, request.method or "", headers, body, query)
    return HttpResponse(
        response.body, status=response.status, content_type=response.kind, headers=response.headers
    )


def webhooks_first(application: Asgi) -> Asgi:
    """Wrap the application so that webhooks are answered before they reach it."""
    prefix = reverse("webhook", args=["x"]).removesuffix("x/")

    async def answer_webhooks(scope: Any, receive: Any, send: Any) -> None:
        name = scope["path"].removeprefix(prefix).removesuffix("/")
        if not scope["path"].startswith(prefix) or "/" in name:
            await application(scope, receive, send)
            return
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        query = scope.get("query_string", b"").decode("latin-1")
        response = await answer(name, scope["method"], headers, await read_body(receive), query)
        named = {"content-type": response.kind, "content-length": str(len(response.body))}
        named |= {"x-content-type-options": "nosniff"} | response.headers
        rows = [(key.lower().encode(), value.encode("latin-1")) for key, value in named.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": rows})
        await send({"type": "http.response.body", "body": response.body})

    return answer_webhooks


async def read_body(receive: Any) -> bytes | None:
    """Read the body to its end; None if it is too large, and its rest is then dropped."""
    pieces, size, more = [], 0, True
    while more:
        message = await receive()
        piece, more = message.get("body", b""), message.get("more_body", False)
        size += len(piece)
        if size <= settings.WEBHOOK_MAX_BYTES:
            pieces.append(piece)
    return b"".join(pieces) if size <= settings.WEBHOOK_MAX_BYTES else None


async def answer(
    name: str, method: str, headers: Mapping[str, str], body: bytes | None, query: str = ""
) -> Answer:
    """Store the event and answer 202; it is applied afterwards.

    body: None if it is too large. query: the query string as it was sent; HubSpot signs it too.
    """
    try:
        return await check_and_keep(name, method, headers, body, query)
    except DatabaseAway as error:
        logger.warning("an event for %s could not be kept: %s", name, error)
        again = {"Retry-After": str(troubles.AGAIN)}
        return refusal(503, "The event could not be stored: send it again.", headers=again)


async def check_and_keep(
    name: str, method: str, headers: Mapping[str, str], body: bytes | None, query: str
) -> Answer:
    if method != "POST":
        return refusal(405, "Send the event with POST.", headers={"Allow": "POST"})
    if not SLUG.fullmatch(name):
        source = None  # For example with a NUL, which PostgreSQL refuses in a query.
    else:
        source = await in_thread(lookup, name) if stale(name) else _sources[name][1]
    if source is None or not source.active:
        return refusal(404, f"There is no source {name!r}, or it is paused.")
    if body is None:
        most = settings.WEBHOOK_MAX_BYTES
        return refusal(413, f"An event may have at most {most:,} bytes: send a smaller batch.")
    try:
        url = f"{settings.PUBLIC_URL}{reverse('webhook', args=[name])}{query and f'?{query}'}"
        delivery = IncomingWebhook(body, headers, method, url, source.mapping)
        if len(body) > LONG:
            event = await in_thread(reception.event, source, delivery)
        else:
            event = reception.event(source, delivery)
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
    source = Source.objects.filter(name=name).first()
    if source or name in _sources:  # Invented names must not fill the memory.
        _sources[name] = (time.monotonic() + KNOWN_FOR, source)
    return source


def refusal(
    status: int, detail: str, headers: dict[str, str] | None = None, **extra: Any
) -> Answer:
    return Answer(status, problem(status, detail, **extra), headers or {})
