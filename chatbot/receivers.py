"""Signal receivers: changes of customers in the CRM, its answers, and deleted rows."""

from collections.abc import Mapping
from typing import Any

from auditlog.context import disable_auditlog
from django.db.models.signals import post_delete
from django.dispatch import receiver

from chatbot.attachments import store
from chatbot.conversation import crm_requests
from chatbot.gaps.updating import update_gaps
from chatbot.models import (
    ActionRequest,
    Attachment,
    Case,
    Conversation,
    Gap,
    GapQuestion,
    Inbox,
    Server,
    TestResult,
    Visitor,
)
from crm.action_answers import Answer
from crm.customers import mentions
from crm.models import Article
from crm.outbound import outbox
from crm.plumbing import background
from crm.signals import (
    action_answered,
    article_saved,
    customer_erased,
    customer_merged,
    inboxes_listed,
    own_servers,
)


@receiver(customer_merged)
def merge_visitors(*, old: str, into: str, **_: Any) -> None:
    """Move conversations to the visitor of the remaining customer: an inbox has one visitor for
    each customer."""
    for visitor in Visitor.objects.filter(customer=old):
        remaining = Visitor.objects.get_or_create(inbox_id=visitor.inbox_id, customer_id=into)[0]
        visitor.conversations.update(visitor=remaining)
        visitor.delete()
    for model in (Case, TestResult):
        model.objects.filter(customer=old).update(customer=into)


@receiver(customer_erased)
def erase_conversations(*, customers: list[str], **_: Any) -> None:
    theirs = Conversation.objects.filter(visitor__customer__in=customers)
    outbox.erase(map(str, theirs.values_list("id", flat=True)))
    # The CRM's answers to their requests only contain the request's id.
    requests = ActionRequest.objects.filter(conversation__in=theirs)
    mentions.forget([str(key) for key in requests.values_list("id", flat=True)])
    # One erasure should not add a hundred deleted rows to the audit log.
    with disable_auditlog():
        # Those that belong to no conversation: they were written, or asked by hand.
        for model in (Case, TestResult):
            model.objects.filter(customer__in=customers).delete()
        Visitor.objects.filter(customer__in=customers).delete()


@receiver(own_servers)
def servers_of_tiers(**_: Any) -> list[str]:
    return list(Server.objects.values_list("url", flat=True))


@receiver(inboxes_listed)
def names_of_inboxes(**_: Any) -> list[tuple[str, str]]:
    return list(Inbox.objects.order_by("name").values_list("key", "name"))


@receiver(post_delete, sender=Attachment)
def remove_file(*, instance: Attachment, **_: Any) -> None:
    """Delete the file when its row is deleted, alone or with its conversation."""
    store.remove_file(str(instance.file))


@receiver(post_delete, sender=GapQuestion)
def forget_label(*, instance: GapQuestion, **_: Any) -> None:
    """Empty the label of the question's gap: it may be the words that were just deleted."""
    Gap.objects.filter(id__in=[instance.gap_id]).update(label="")
    background.soon(update_gaps)


@receiver(article_saved)
def note_article(*, article: Article, query: Mapping[str, str], **_: Any) -> None:
    """Remember for which gap an article was written: the form's address says "?gap=7"."""
    if (gap := query.get("gap", "")).isdecimal():
        Gap.objects.filter(id=int(gap)).update(article=article)


@receiver(action_answered)
def answer_request(*, key: str, answer: Answer, **_: Any) -> bool:
    return crm_requests.answer(key, answer)
