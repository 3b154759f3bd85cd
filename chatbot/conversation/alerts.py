"""When a conversation calls an agent: the mood after each message, by the rules of its inbox."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from chatbot.conversation import events
from chatbot.conversation.mail import mail_alert
from chatbot.models import Conversation, Inbox, Message
from chatbot.models.conversations import quoting
from crm.plumbing import background
from inference.sentiment import UNKNOWN, Sentiment, mood

WINDOW = 12
# What lists draw of a conversation.
SCORES = 20
PREVIEWED = timedelta(days=7)
PREVIEWED_MESSAGES = 20_000
Customer = Message.Author.CUSTOMER


def calling() -> Q:
    """Conversations whose alert calls somebody: nobody has it, nobody has seen it, no snooze."""
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=Now())
    nobodys = Q(state__in=[Conversation.State.BOT, Conversation.State.WAITING])
    return Q(alert_weight__gt=0, alert_seen=False) & nobodys & awake


def rules_of(inbox: Inbox) -> mood.Rules:
    return mood.Rules(
        in_a_row=inbox.alert_in_a_row,
        repeated=inbox.alert_repeated,
        fall=inbox.alert_fall,
        bad_mood=inbox.alert_mood,
    )


def in_words(rules: mood.Rules) -> list[str]:
    """When an agent is called, each rule a sentence."""
    row = rules.in_a_row
    negative = "a negative message" if row == 1 else f"{row} negative messages in a row"
    time, fall, level = mood.ordinal(rules.repeated), rules.fall, rules.bad_mood
    said = [
        (row, f"The customer writes {negative}."),
        (rules.repeated, f"The customer says that it is the {time} time, or more."),
        (fall, f"The score falls by {fall:g} or more, from a message that was not negative."),
        (level, f"The mood is {level:g} or lower, after two negative messages at least."),
    ]
    return [words.replace("-", "−") for rule, words in said if rule]


def feel(conversation: Conversation, text: str, sentiment: Sentiment) -> None:
    """What lists of conversations show, computed once here, not at each look. The conversation is
    locked, its inbox fetched with it, and the caller saves it."""
    messages = heard(conversation)
    if sentiment.label != UNKNOWN:
        messages.append(mood.Heard(text, sentiment.score, sentiment.confidence))
        conversation.scores = [*conversation.scores, round(sentiment.score, 3)][-SCORES:]
    messages = messages[-WINDOW:]
    scores = [message.score for message in messages]
    conversation.mood = mood.mood(scores)
    conversation.mood_slope = mood.slope(scores)
    alert = mood.alert(messages, rules_of(conversation.visitor.inbox))
    risen = rises(conversation, alert)
    conversation.alert, conversation.alert_quote = (
        (alert.reason, alert.quote) if alert else ("", "")
    )
    conversation.alert_weight = alert.weight if alert else 0.0
    if risen:
        conversation.alert_seen = False
        conversation.alerts += 1
        call(conversation)


def call(conversation: Conversation) -> None:
    """Those who are not looking at the list."""
    events.sentiment_alert(conversation)
    if conversation.visitor.inbox.alert_emails and not snoozed(conversation):
        background.later(mail_alert, str(conversation.id), conversation.alert)


def rises(conversation: Conversation, alert: mood.Alert | None) -> bool:
    """New, or worse than what an agent has seen."""
    if alert is None or not conversation.alert:
        return alert is not None
    return conversation.alert_seen and alert.weight > conversation.alert_weight


def snoozed(conversation: Conversation) -> bool:
    return bool(conversation.snoozed_until and conversation.snoozed_until > timezone.now())


def heard(conversation: Conversation) -> list[mood.Heard]:
    """The customer's last messages that could be scored, oldest first."""
    if not conversation.last_seq:
        return []
    found = conversation.messages.filter(author=Customer, score__isnull=False)
    newest = found.exclude(label=UNKNOWN).order_by("-seq")[:WINDOW]
    return [of_row(m.text, m.score, m.confidence) for m in reversed(newest)]


def of_row(text: str, score: float | None, confidence: float | None) -> mood.Heard:
    return mood.Heard(text, score or 0.0, confidence or 0.0)


# --- what other rules would have done


@dataclass(frozen=True)
class Firing:
    conversation: Any
    at: datetime
    reason: str


@dataclass(frozen=True)
class Preview:
    firings: list[Firing]
    conversations: int
    # False: only the newest messages of the time were looked at.
    whole: bool


def preview(inbox: Inbox, rules: mood.Rules) -> Preview:
    """When these rules would have called an agent in the last week; nothing is stored."""
    found = Message.objects.filter(
        conversation__visitor__inbox=inbox,
        author=Customer,
        score__isnull=False,
        at__gte=timezone.now() - PREVIEWED,
    ).exclude(label=UNKNOWN)
    columns = ("conversation_id", "seq", "at", "text", "score", "confidence")
    newest = found.order_by("-at").values_list(*columns)[:PREVIEWED_MESSAGES]
    rows = sorted(newest, key=lambda row: (str(row[0]), row[1]))
    talks = [list(group) for _, group in groupby(rows, key=lambda row: row[0])]
    firings = [firing for talk in talks for firing in fired(talk, rules)]
    firings.sort(key=lambda one: one.at, reverse=True)
    return Preview(firings, len(talks), len(rows) < PREVIEWED_MESSAGES)


def fired(rows: Iterable[tuple[Any, ...]], rules: mood.Rules) -> Iterator[Firing]:
    """One for each time that an alert rises in this conversation."""
    messages: list[mood.Heard] = []
    standing = False
    for conversation, _seq, at, text, score, confidence in rows:
        messages = [*messages, of_row(text, score, confidence)][-WINDOW:]
        alert = mood.alert(messages, rules)
        if alert and not standing:
            yield Firing(conversation, at, quoting(alert.reason, alert.quote))
        standing = bool(alert)
