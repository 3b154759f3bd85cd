"""Detects which of the inbox's CRM actions a customer asks for."""

from collections.abc import Sequence

from chatbot.conversation.crm_requests import Offer
from chatbot.engines import wishes


def requested_action(text: str, offers: Sequence[Offer]) -> int | None:
    """Return the action that the text wishes for, if any."""
    if not offers:
        return None
    place = wishes.matcher().wished(text, [offer.words for offer in offers])
    return None if place is None else offers[place].action
