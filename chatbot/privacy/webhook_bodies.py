"""Where else a person is written down: the CRM's webhooks as they came."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from crm.customers.mentions import GONE
from crm.models import InboundEvent


def old_webhooks(days: int) -> QuerySet[InboundEvent]:
    """Received so long ago, and done with. The records that they brought stay, as the CRM says."""
    since = timezone.now() - timedelta(days=days)
    ended = InboundEvent.objects.exclude(state=InboundEvent.State.RECEIVED).exclude(body=GONE)
    return ended.filter(received_at__lt=since)
