"""Exports agents' corrections as training texts without personal data, if the inbox allows it."""

from collections.abc import Iterator

from chatbot.models import Correction
from chatbot.privacy.known import known_of
from chatbot.privacy.redaction import redact


def export() -> Iterator[dict[str, str]]:
    """Yield `{"text", "label", "said"}`, oldest first; `said` is the classifier's label."""
    consented = Correction.objects.filter(message__conversation__visitor__inbox__learning=True)
    related = consented.select_related("message__conversation__visitor__customer")
    for correction in related.order_by("at", "id").iterator():
        message = correction.message
        yield {
            "text": redact(message.text, known_of(message.conversation.visitor.customer)),
            "label": correction.label,
            "said": message.label,
        }
