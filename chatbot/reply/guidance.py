"""What an inbox asks of the bot: its tone, what it never talks about, when it always hands over."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from chatbot.conversation import wording
from chatbot.models import Inbox, Message
from chatbot.reply.turn import Instead, Turn
from inference.sentiment.own_words import own_words

# The last week's messages on which guidance is tried out, the newest ones of them.
TRIED = timedelta(days=7)
TRIED_MESSAGES = 20_000


def guided(turn: Turn, inbox: Inbox, texts: Iterable[str]) -> Turn:
    """Return the turn with the guidance of its inbox. texts: the messages that make it up."""
    spoken = [*map(spoken_words, texts)]
    never = map(instead, inbox.never_about)
    return replace(
        turn,
        words=wording.chosen(inbox.tone, inbox.sentences),
        hand_off_on=next((words for words in inbox.hand_off_on if have(spoken, words)), ""),
        instead=next((one for one in never if have(spoken, one.words)), None),
    )


def guided_by(turn: Turn) -> Turn:
    """Return the turn with the guidance of the inbox that it names, if there is one."""
    inbox = Inbox.objects.filter(key=turn.inbox).first() if turn.inbox else None
    return guided(turn, inbox, [turn.text]) if inbox else turn


def instead(line: str) -> Instead:
    """Take a line such as "legal advice: We cannot advise you on the law." apart."""
    words, _, sentence = line.partition(":")
    return Instead(words.strip(), sentence.strip())


def spoken_words(text: str) -> str:
    """Return the words that the writer did not quote, in a form that `have` looks through."""
    return " ".join(own_words(text).casefold().split())


def have(spoken: Iterable[str], words: str) -> bool:
    """Tell whether a message has these words, in any case, and not as parts of longer words."""
    holds = finder(words)
    return any(map(holds, spoken))


def finder(words: str) -> Callable[[str], Any]:
    return re.compile(rf"(?<!\w){re.escape(' '.join(words.casefold().split()))}(?!\w)").search


# --- tried out on last week's messages


@dataclass(frozen=True)
class Met:
    """Words of the guidance, what would follow, and the messages that have them, newest first."""

    words: str
    follows: str
    messages: list[Message]


@dataclass(frozen=True)
class Trial:
    met: list[Met]
    messages: int
    # False if only the newest messages of the week were looked at.
    whole: bool


def tried(inbox: Inbox, guidance: Inbox) -> Trial:
    """Find which of last week's messages the edited guidance would have met; nothing is stored."""
    of_week = Message.objects.filter(
        conversation__visitor__inbox=inbox,
        author=Message.Author.CUSTOMER,
        at__gte=timezone.now() - TRIED,
    )
    messages = list(of_week.order_by("-at")[:TRIED_MESSAGES])
    spoken = [spoken_words(message.text) for message in messages]
    met = []
    for words, follows in asked(guidance):
        holds = finder(words)
        found = [one for one, text in zip(messages, spoken, strict=True) if holds(text)]
        met.append(Met(words, follows, found))
    return Trial(met, len(messages), len(messages) < TRIED_MESSAGES)


def asked(guidance: Inbox) -> list[tuple[str, str]]:
    """List the words of the guidance, and what follows them; a person goes before a sentence."""
    people = [(words, "Goes to a person.") for words in guidance.hand_off_on]
    return [*people, *((one.words, one.sentence) for one in map(instead, guidance.never_about))]
