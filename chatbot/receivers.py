"""What conversations do when the CRM says something of a customer, and what its part asks for."""

from typing import Any

from django.dispatch import receiver

from chatbot.models import Conversation, Replica, Visitor
from chatbot.retention import forget_events
from crm.signals import customer_erased, customer_merged, own_servers


@receiver(customer_merged)
def merge_visitors(*, old: str, into: str, **_: Any) -> None:
    """An inbox knows a customer as one visitor: its conversations go to the one that stays."""
    for visitor in Visitor.objects.filter(customer=old):
        stays = Visitor.objects.get_or_create(inbox_id=visitor.inbox_id, customer_id=into)[0]
        visitor.conversations.update(visitor=stays)
        visitor.delete()


@receiver(customer_erased)
def erase_conversations(*, customer: str, **_: Any) -> None:
    theirs = Conversation.objects.filter(visitor__customer=customer)
    forget_events(list(theirs.values_list("id", flat=True)))
    Visitor.objects.filter(customer=customer).delete()


@receiver(own_servers)
def servers_of_tiers(**_: Any) -> list[str]:
    return list(Replica.objects.values_list("url", flat=True))
