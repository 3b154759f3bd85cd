"""Detects which of the inbox's CRM actions a customer asks for."""

from collections.abc import Iterator, Sequence

from chatbot.conversation.crm_requests import Offer
from chatbot.engines import classifier, wishes

# Characters of a turn of which the matcher reads the whole: some 48 tokens.
READ_WHOLE = 200


def requested_action(text: str, offers: Sequence[Offer]) -> int | None:
    """Return the action that the text wishes for, if any."""
    if not offers:
        return None
    actions, hears = [offer.words for offer in offers], classifier.sentiment_classifier()
    for part in parts(text):
        place = wishes.matcher().wished(part, actions, hears.strength(part, "wish"))
        if place is not None:
            return offers[place].action
    return None


def parts(text: str) -> Iterator[str]:
    """Yield the text, and of a long one its last line as well: several messages in a row are one
    turn, and the last of them may be the wish."""
    yield text
    before, _, last = text.rpartition("\n")
    if before and len(text) > READ_WHOLE:
        yield last
