"""Agents' corrections as training texts: of inboxes that may learn, personal data taken out."""

import re
from collections.abc import Iterator

from chatbot.models import Correction
from chatbot.redaction import redact
from crm.models import Customer


def export() -> Iterator[dict[str, str]]:
    """`{"text", "label", "said"}`, oldest first; `said` is what the classifier had heard."""
    consented = Correction.objects.filter(message__conversation__visitor__inbox__learning=True)
    related = consented.select_related("message__conversation__visitor__customer")
    for correction in related.order_by("at", "id").iterator():
        message = correction.message
        yield {
            "text": redact(message.text, known_of(message.conversation.visitor.customer)),
            "label": correction.label,
            "said": message.label,
        }


# Fields of a customer's own record that say who or where they are.
PERSONAL = re.compile(
    r"name|mail|phone|mobile|address|street|post ?code|zip|birth|iban|account number|card",
    re.IGNORECASE,
)


def known_of(customer: Customer | None) -> list[str]:
    """What the CRM calls this customer: the whole name and its parts, the id, and the values of
    their own record by which they could be told."""
    if customer is None:
        return []
    own = customer.records.filter(kind="customer", deleted=False).values_list("fields", flat=True)
    values = [str(one) for fields in own for name, one in fields.items() if PERSONAL.search(name)]
    return [customer.name, *customer.name.split(), customer.id, *values]
