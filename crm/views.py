"""Where CRMs send their webhooks."""

import time
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from crm import inbound
from crm.inbound import State, reception
from crm.models import InboundEvent, Source
from crm.orm import in_thread
from crm.problems import PROBLEM, problem
from crm.signing import SignatureRefused

# Seconds that a process goes on with what it knows of a source.
KNOWN_FOR = 2.0
_sources: dict[str, tuple[float, Source | None]] = {}


@csrf_exempt
async def receive(request: HttpRequest, source: str) -> JsonResponse:
    """202 once the event is kept; it is applied afterwards."""
    if request.method != "POST":
        return refusal(405, "Send the event with POST.", headers={"Allow": "POST"})
    found = await in_thread(lookup)(source) if stale(source) else _sources[source][1]
    if found is None or not found.active:
        return refusal(404, f"There is no source {source!r}, or it is paused.")
    try:
        body = request.body
        headers = {name.lower(): value for name, value in request.headers.items()}
        event = inbound.event(found, headers, body)
    except RequestDataTooBig:
        most = settings.WEBHOOK_MAX_BYTES
        return refusal(413, f"An event may have {most:,} bytes: send a smaller batch.")
    except SignatureRefused as error:
        return refusal(401, str(error))
    return answer(event, await reception.keep(event))


def answer(event: InboundEvent, is_new: bool) -> JsonResponse:
    if event.state == State.REFUSED and is_new:
        return refusal(422, event.reason, field=event.reason.partition(":")[0], id=event.event_id)
    status = "accepted" if is_new else "duplicate"
    return JsonResponse({"id": event.event_id, "status": status}, status=202)


def stale(name: str) -> bool:
    return name not in _sources or _sources[name][0] < time.monotonic()


def lookup(name: str) -> Source | None:
    found = Source.objects.filter(name=name).first()
    if found or name in _sources:  # Names that nobody has fill no memory.
        _sources[name] = (time.monotonic() + KNOWN_FOR, found)
    return found


def refusal(
    status: int, detail: str, headers: dict[str, str] | None = None, **extra: Any
) -> JsonResponse:
    document = problem(status, detail, **extra)
    return JsonResponse(document, status=status, content_type=PROBLEM, headers=headers)
