"""Writes events in the transaction of the change that they report, and hands them to the courier.

An event keeps its id, so that a receiver can recognise one that it gets twice, after a lost
response or a replay.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from crm.action_answers import REQUESTED
from crm.models import Attempt, Delivery, Endpoint
from crm.outbound import courier

TYPES = (
    "conversation.created",
    "message.created",
    "sentiment.alert",
    "conversation.handed_off",
    "conversation.assigned",
    "conversation.resolved",
    "feedback.given",
    "csat.submitted",
    "lead.captured",
    "action.requested",
)
TEST = "endpoint.test"
# Seconds for which a process caches the endpoints.
KNOWN_FOR = 2.0
# Deliveries deleted in one transaction.
CHUNK = 2_000
State = Delivery.State


@dataclass
class Known:
    endpoints: list[Endpoint] = field(default_factory=list)
    until: float = 0.0


_known = Known()


@dataclass(frozen=True)
class Event:
    type: str
    inbox: str
    conversation: str
    # (full, masked) -> data: called only if an endpoint wants the event.
    data: Callable[[bool, bool], dict[str, Any]]
    # A request goes to these endpoints alone, whatever types they want, and has its own id.
    only: Sequence[Endpoint] | None = None
    id: str = field(default_factory=lambda: f"evt_{uuid.uuid4().hex}")


def emit(event: Event) -> None:
    """Write the event's deliveries. Call within the transaction of the change."""
    receivers = event.only
    if receivers is None:
        receivers = [endpoint for endpoint in endpoints() if wants(endpoint, event)]
    if not receivers:
        return
    now = timezone.now()
    Delivery.objects.bulk_create(delivery(endpoint, event, now) for endpoint in receivers)
    courier.nudge()


def endpoints() -> list[Endpoint]:
    """Return all endpoints, paused ones too: their events wait."""
    if time.monotonic() >= _known.until:
        _known.endpoints = list(Endpoint.objects.all())
        _known.until = time.monotonic() + KNOWN_FOR
    return _known.endpoints


def forget() -> None:
    """Drop the cached endpoints. Call after a change of endpoints."""
    _known.until = 0.0


def wants(endpoint: Endpoint, event: Event) -> bool:
    of_type = not endpoint.events or event.type in endpoint.events
    return of_type and (not endpoint.inboxes or event.inbox in endpoint.inboxes)


def delivery(endpoint: Endpoint, event: Event, at: datetime) -> Delivery:
    data = event.data(endpoint.full, endpoint.masked)
    return Delivery(
        endpoint=endpoint,
        event_id=event.id,
        type=event.type,
        conversation=event.conversation,
        body=envelope(endpoint, event.type, data, event.id, at),
    )


def envelope(endpoint: Endpoint, type: str, data: dict[str, Any], id: str, at: datetime) -> str:
    if endpoint.cloudevents:
        about = {"specversion": "1.0", "id": id, "source": "/attune", "time": at.isoformat()}
        body = about | {"type": type, "datacontenttype": "application/json", "data": data}
    else:
        body = {"type": type, "timestamp": at.isoformat(), "data": data}
    return json.dumps(body, ensure_ascii=False, default=str)


def send_test(endpoint: Endpoint) -> Delivery:
    data = {"text": "A test from Attune. Nothing has happened."}
    made = delivery(endpoint, Event(TEST, "", "", lambda full, masked: data), timezone.now())
    made.save()
    courier.nudge()
    return made


def again(deliveries: QuerySet[Delivery]) -> int:
    """Send the deliveries once more, under the same ids and from the beginning of the schedule.
    Returns how many."""
    now = timezone.now()
    count = deliveries.filter(state=State.PENDING).update(next_at=now)
    # The person who asks for it knows that the endpoint works again.
    Endpoint.objects.filter(deliveries__in=deliveries).update(rests_until=None)
    ended = deliveries.filter(state__in=[State.DONE, State.FAILED])
    # Not customers' requests that were given up: a person has taken them over.
    ended = ended.exclude(type=REQUESTED, state=State.FAILED)
    count += ended.update(state=State.PENDING, tries=0, next_at=now, done_at=None)
    courier.nudge()
    return count


def within(
    endpoint: Endpoint | None, since: datetime, until: datetime | None, state: str = ""
) -> QuerySet[Delivery]:
    """Select the deliveries of a period, of one endpoint or all, optionally in one state."""
    given = {"endpoint": endpoint, "created_at__lt": until, "state": state}
    deliveries = Delivery.objects.filter(created_at__gte=since)
    return deliveries.filter(**{name: value for name, value in given.items() if value})


def remove(endpoint: Endpoint) -> None:
    """Delete an endpoint with its deliveries and attempts, in batches: there may be millions."""
    Endpoint.objects.filter(pk=endpoint.pk).update(active=False)
    while ids := list(endpoint.deliveries.values_list("id", flat=True)[:CHUNK]):
        Attempt.objects.filter(delivery__in=ids).delete()
        Delivery.objects.filter(id__in=ids).delete()
    endpoint.delete()
    forget()


def withdraw(event_id: str) -> None:
    """Give up the event's pending deliveries."""
    pending = Delivery.objects.filter(event_id=event_id, state=State.PENDING)
    pending.update(state=State.FAILED, done_at=timezone.now())


def erase(conversations: Iterable[str]) -> None:
    """Delete the deliveries of these conversations, sent or not: they quote people's words."""
    # By endpoint, which comes first in the index `delivery_order`.
    endpoints = list(Endpoint.objects.values_list("id", flat=True))
    Delivery.objects.filter(endpoint__in=endpoints, conversation__in=list(conversations)).delete()
