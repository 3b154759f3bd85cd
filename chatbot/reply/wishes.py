"""Detects which of the inbox's CRM actions a customer asks for."""

from collections.abc import Iterator, Sequence

from chatbot.conversation.crm_requests import Offer
from chatbot.engines import classifier, wishes
from inference.sentiment.own_words import own_words

# The matcher reads up to 48 tokens: about so many characters. It reads a shorter turn whole.
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
    """Yield the customer's own words and, if they are long, their last line too: several messages
    in a row are one turn, and the last of them may be the wish."""
    own = own_words(text)
    yield own
    before, _, last = own.rpartition("\n")
    if before and len(own) > READ_WHOLE:
        yield last
