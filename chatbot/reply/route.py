"""Decides who answers a turn: the bot from the records, the bot with a pleasantry, or a person."""

import re
from dataclasses import dataclass
from enum import StrEnum

from chatbot.reply.questions import asks, may_ask
from chatbot.reply.turn import Turn
from inference.sentences import split
from inference.sentiment.classifier import COURTESIES
from inference.text import blank

UNANSWERED_LIMIT = 2

# "Yes, thanks" agrees; thanks alone may as well mean "no, thanks".
AGREES = re.compile(
    r"^(?!\W*(?:(?:thanks|thank you)\W*)+$)"
    r"\W*(?:(?:yes|yeah|yep|yup|sure|please|ok|okay|of course|go ahead|do (?:it|that|so)|"
    r"ja|gerne?|bitte|oui|s['’]il vous plaît|sí|si|sì|sim|por favor|per favore|"
    r"that would be (?:good|great|nice)|i would|i['’]d like that|thanks|thank you)\W*)+$",
    re.I,
)
# The sentence of the wording that answers small talk, by the first intent that was heard.
PLEASANTRIES = {
    "bot": "about_the_bot",
    "bye": "goodbye",
    "thanks": "welcome",
    "greets": "hello",
}


class Target(StrEnum):
    BOT = "bot"
    CHAT = "chat"
    HUMAN = "human"
    FILES = "files"
    INSTEAD = "instead"


@dataclass(frozen=True)
class Route:
    target: Target
    reason: str


def decide(turn: Turn) -> Route:
    """Decide by what was heard in the customer's words, before any search."""
    text = turn.text
    if blank(text):
        return Route(Target.FILES, "Only files, which the bot cannot read.")
    if turn.hand_off_on:
        return Route(Target.HUMAN, f"This inbox always hands “{turn.hand_off_on}” to a person.")
    if turn.offered and AGREES.match(text):
        return Route(Target.HUMAN, "The customer accepted the offer of a person.")
    if "person" in turn.intents:
        return Route(Target.HUMAN, "The customer asked for a person.")
    if turn.instead:
        return Route(Target.INSTEAD, f"This inbox never talks about “{turn.instead.words}”.")
    if is_chat(turn) or not re.search(r"\w", text):
        return Route(Target.CHAT, "Small talk, answered without a record.")
    return Route(Target.BOT, "A question that the records may answer.")


def is_chat(turn: Turn) -> bool:
    """Tell whether the turn is nothing but small talk.

    "Can't it be a bit later?", within a conversation, and "Thanks for fitting us in. What time
    does he come?", as a first message, sound like small talk but ask something: of 1,829 questions
    in conversations, 2.8 % are heard as small talk (2026-11-29). If no record answers such a
    message, it is treated as small talk after all.
    """
    if "chat" not in turn.intents:
        return False
    is_one = "bot" in turn.intents or len(split(turn.text)) == 1
    return (not turn.history and is_one) or not asks(turn.text)


def is_courtesy(turn: Turn) -> bool:
    """Tell whether a turn that no record answers is answered as small talk: "ok, thanks a lot"."""
    if "urgent" in turn.intents:
        return False
    is_kind = bool(turn.intents & COURTESIES)
    return "chat" in turn.intents or (is_kind and not may_ask(turn.text))


def pleasantry(turn: Turn) -> str:
    """Return the bot's answer to small talk."""
    name = next((PLEASANTRIES[heard] for heard in PLEASANTRIES if heard in turn.intents), "here")
    return str(getattr(turn.words, name))
