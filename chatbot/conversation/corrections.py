"""Agents' corrections as training texts: of inboxes that may learn, personal data taken out."""

from collections.abc import Iterator

from chatbot.models import Correction
from chatbot.privacy.known import known_of
from chatbot.privacy.redaction import redact


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
