"""Signal receivers: changes of customers in the CRM, its answers, and deleted rows."""

from typing import Any

from auditlog.context import disable_auditlog
from django.db.models.signals import post_delete
from django.dispatch import receiver

from chatbot.attachments import store
from chatbot.conversation import crm_requests
from chatbot.models import ActionRequest, Attachment, Conversation, Server, Visitor
from crm.action_answers import Answer
from crm.customers import mentions
from crm.outbound import outbox
from crm.signals import action_answered, customer_erased, customer_merged, own_servers


@receiver(customer_merged)
def merge_visitors(*, old: str, into: str, **_: Any) -> None:
    """Move conversations to the visitor of the remaining customer: an inbox has one visitor for
    each customer."""
    for visitor in Visitor.objects.filter(customer=old):
        remaining = Visitor.objects.get_or_create(inbox_id=visitor.inbox_id, customer_id=into)[0]
        visitor.conversations.update(visitor=remaining)
        visitor.delete()


@receiver(customer_erased)
def erase_conversations(*, customers: list[str], **_: Any) -> None:
    theirs = Conversation.objects.filter(visitor__customer__in=customers)
    outbox.erase(map(str, theirs.values_list("id", flat=True)))
    # The CRM's answers to their requests only contain the request's id.
    requests = ActionRequest.objects.filter(conversation__in=theirs)
    mentions.forget([str(key) for key in requests.values_list("id", flat=True)])
    # One erasure should not add a hundred deleted rows to the audit log.
    with disable_auditlog():
        Visitor.objects.filter(customer__in=customers).delete()


@receiver(own_servers)
def servers_of_tiers(**_: Any) -> list[str]:
    return list(Server.objects.values_list("url", flat=True))


@receiver(post_delete, sender=Attachment)
def remove_file(*, instance: Attachment, **_: Any) -> None:
    """Delete the file when its row is deleted, alone or with its conversation."""
    store.remove_file(str(instance.file))


@receiver(action_answered)
def answer_request(*, key: str, answer: Answer, **_: Any) -> bool:
    return crm_requests.answer(key, answer)
