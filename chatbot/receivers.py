"""What follows when the CRM says something of a customer, when its part asks, and when rows go."""

from typing import Any

from auditlog.context import disable_auditlog
from django.db.models.signals import post_delete
from django.dispatch import receiver

from chatbot.attachments import store
from chatbot.conversation import crm_requests
from chatbot.models import ActionRequest, Attachment, Conversation, Replica, Visitor
from crm.action_answers import Answer
from crm.customers import mentions
from crm.outbound import outbox
from crm.signals import action_answered, customer_erased, customer_merged, own_servers


@receiver(customer_merged)
def merge_visitors(*, old: str, into: str, **_: Any) -> None:
    """An inbox knows a customer as one visitor: its conversations go to the one that stays."""
    for visitor in Visitor.objects.filter(customer=old):
        stays = Visitor.objects.get_or_create(inbox_id=visitor.inbox_id, customer_id=into)[0]
        visitor.conversations.update(visitor=stays)
        visitor.delete()


@receiver(customer_erased)
def erase_conversations(*, customers: list[str], **_: Any) -> None:
    theirs = Conversation.objects.filter(visitor__customer__in=customers)
    outbox.erase(map(str, theirs.values_list("id", flat=True)))
    # The CRM's answers to what they asked for name the request only.
    asked = ActionRequest.objects.filter(conversation__in=theirs)
    mentions.forget([str(key) for key in asked.values_list("id", flat=True)])
    # One wish to forget is not a hundred entries of what was deleted.
    with disable_auditlog():
        Visitor.objects.filter(customer__in=customers).delete()


@receiver(own_servers)
def servers_of_tiers(**_: Any) -> list[str]:
    return list(Replica.objects.values_list("url", flat=True))


@receiver(post_delete, sender=Attachment)
def remove_file(*, instance: Attachment, **_: Any) -> None:
    """However its row went: by itself, or with its conversation."""
    store.remove_file(str(instance.file))


@receiver(action_answered)
def answer_request(*, key: str, answer: Answer, **_: Any) -> bool:
    return crm_requests.answer(key, answer)
