"""Where else a person is written down: the CRM's webhooks as they came."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from crm.models import InboundEvent

GONE = "[erased]"
State = InboundEvent.State


def forget_customer(customer: str) -> None:
    """Bodies that speak of them. An event that is yet to be applied is needed whole; what it brings
    of an erased customer is not kept."""
    ended = InboundEvent.objects.exclude(state=State.RECEIVED).filter(body__contains=customer)
    found = [one.id for one in ended.iterator() if speaks_of(one.changes, customer)]
    empty(InboundEvent.objects.filter(id__in=found))


def old_webhooks(days: int) -> QuerySet[InboundEvent]:
    """Received so long ago, and done with. The records that they brought stay, as the CRM says."""
    since = timezone.now() - timedelta(days=days)
    ended = InboundEvent.objects.exclude(state=State.RECEIVED).exclude(body=GONE)
    return ended.filter(received_at__lt=since)


def empty(events: QuerySet[InboundEvent]) -> int:
    """That they came stays known: the same id counts once."""
    return events.update(body=GONE, changes=[])


def speaks_of(value: Any, customer: str) -> bool:
    """As a whole value: cust_1 is not cust_10."""
    if isinstance(value, dict):
        return any(speaks_of(one, customer) for one in value.values())
    if isinstance(value, list):
        return any(speaks_of(one, customer) for one in value)
    return bool(value == customer)
