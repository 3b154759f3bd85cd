"""Events out: written with the change that they tell of, and handed to the courier.

The way back is the same id: whoever receives it twice, after a lost answer or a replay, can tell.
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
# Seconds that a process goes on with the endpoints that it knows.
KNOWN_FOR = 2.0
# Of one transaction that deletes.
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
    # full, masked -> data: made only where an endpoint wants it.
    data: Callable[[bool, bool], dict[str, Any]]
    # Of a request: its endpoints, and no others, whatever they want; and its own id.
    only: Sequence[Endpoint] | None = None
    id: str = field(default_factory=lambda: f"evt_{uuid.uuid4().hex}")


def emit(event: Event) -> None:
    """Within the transaction of the change."""
    wanted = event.only
    if wanted is None:
        wanted = [one for one in endpoints() if wants(one, event)]
    if not wanted:
        return
    now = timezone.now()
    Delivery.objects.bulk_create(delivery(one, event, now) for one in wanted)
    courier.nudge()


def endpoints() -> list[Endpoint]:
    """Paused ones too: their events wait."""
    if time.monotonic() >= _known.until:
        _known.endpoints = list(Endpoint.objects.all())
        _known.until = time.monotonic() + KNOWN_FOR
    return _known.endpoints


def forget() -> None:
    """Endpoints have changed in this process."""
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
    """Send these once more, from the beginning of the schedule and under the same ids."""
    now = timezone.now()
    count = deliveries.filter(state=State.PENDING).update(next_at=now)
    # Whoever asks for it knows that the endpoint is well again.
    Endpoint.objects.filter(deliveries__in=deliveries).update(rests_until=None)
    ended = deliveries.filter(state__in=[State.DONE, State.FAILED])
    # What a customer asked for and nobody took has been a person's since.
    ended = ended.exclude(type=REQUESTED, state=State.FAILED)
    count += ended.update(state=State.PENDING, tries=0, next_at=now, done_at=None)
    courier.nudge()
    return count


def within(
    endpoint: Endpoint | None, since: datetime, until: datetime | None, state: str = ""
) -> QuerySet[Delivery]:
    """Events of a time, of one endpoint or all, perhaps only those given up."""
    given = {"endpoint": endpoint, "created_at__lt": until, "state": state}
    found = Delivery.objects.filter(created_at__gte=since)
    return found.filter(**{name: value for name, value in given.items() if value})


def remove(endpoint: Endpoint) -> None:
    """With its deliveries and their attempts, some at a time: there may be millions."""
    Endpoint.objects.filter(pk=endpoint.pk).update(active=False)
    while ids := list(endpoint.deliveries.values_list("id", flat=True)[:CHUNK]):
        Attempt.objects.filter(delivery__in=ids).delete()
        Delivery.objects.filter(id__in=ids).delete()
    endpoint.delete()
    forget()


def withdraw(event_id: str) -> None:
    """What has not been delivered by now is not sent any more."""
    open_ones = Delivery.objects.filter(event_id=event_id, state=State.PENDING)
    open_ones.update(state=State.FAILED, done_at=timezone.now())


def erase(conversations: Iterable[str]) -> None:
    """What was told, or is to be told, of these conversations: it has people's words in it."""
    # By endpoint: the index of the order within a conversation begins with it.
    endpoints = list(Endpoint.objects.values_list("id", flat=True))
    Delivery.objects.filter(endpoint__in=endpoints, conversation__in=list(conversations)).delete()
