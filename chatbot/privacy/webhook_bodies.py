"""The bodies of old webhooks, which also contain personal data."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from crm.customers.mentions import GONE
from crm.models import InboundEvent


def old_webhooks(days: int) -> QuerySet[InboundEvent]:
    """Select processed webhooks that were received so long ago. The records that they brought
    stay until the CRM deletes them."""
    since = timezone.now() - timedelta(days=days)
    ended = InboundEvent.objects.exclude(state=InboundEvent.State.RECEIVED).exclude(body=GONE)
    return ended.filter(received_at__lt=since)
