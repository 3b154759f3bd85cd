"""Alerts: the mood after each message, and when it calls an agent by the rules of the inbox.

The rules themselves are in `inference/sentiment/alert_rules.py`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from chatbot.conversation import events
from chatbot.conversation.mail import mail_alert
from chatbot.models import Conversation, Inbox, Message
from chatbot.models.conversations import CORRECTED, quoting
from crm.plumbing import background
from crm.plumbing.compiled import Given, Select
from inference.sentiment import UNKNOWN, Sentiment, alert_rules, mood
from inference.sentiment.own_words import own_words

# The customer's last messages that make up the mood.
WINDOW = 12
# Scores that lists draw for each conversation.
SCORES = 20
PREVIEWED = timedelta(days=7)
PREVIEWED_MESSAGES = 20_000
Customer = Message.Author.CUSTOMER


# Nobody has such a conversation yet.
UNASSIGNED = (Conversation.State.BOT, Conversation.State.WAITING)


def open_alerts() -> Q:
    """Select conversations whose alert calls an agent: no agent has them or has seen the alert, and
    they are not snoozed."""
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=Now())
    return Q(alert_weight__gt=0, alert_seen=False, state__in=UNASSIGNED) & awake


def unseen(conversation: Conversation) -> bool:
    """Tell whether the conversation has an alert that no agent has seen, snoozed or not."""
    stands = bool(conversation.alert) and not conversation.alert_seen
    return stands and conversation.state in UNASSIGNED


def rules_of(inbox: Inbox) -> alert_rules.Rules:
    return alert_rules.Rules(
        in_a_row=inbox.alert_in_a_row,
        repeated=inbox.alert_repeated,
        threats=inbox.alert_threats,
        urgent=inbox.alert_urgent,
        fall=inbox.alert_fall,
        bad_mood=inbox.alert_mood,
    )


def described(rules: alert_rules.Rules) -> list[str]:
    """Describe when an agent is called, one sentence for each rule."""
    row = rules.in_a_row
    negative = "a negative message" if row == 1 else f"{row} negative messages in a row"
    time, fall, level = alert_rules.ordinal(rules.repeated), rules.fall, rules.bad_mood
    sentences = [
        (
            rules.urgent,
            "The customer seems to need a person's help: danger, a loss, a broken promise.",
        ),
        (row, f"The customer writes {negative}."),
        (rules.repeated, f"The customer says that this is at least the {time} time."),
        (rules.threats, "The customer threatens to leave, to complain elsewhere or to sue."),
        (fall, f"The score falls by {fall:g} or more, from {alert_rules.FELL_FROM:g} or higher."),
        (level, f"The mood is {level:g} or lower, after at least two negative messages."),
    ]
    return [sentence.replace("-", "−") for rule, sentence in sentences if rule]


def update_mood(conversation: Conversation, text: str, sentiment: Sentiment) -> None:
    """Update the mood and the alert of a locked conversation, which the caller saves.

    Lists show these columns, so that they need not compute them for each conversation.
    """
    messages = scored_messages(conversation)
    if sentiment.label != UNKNOWN:
        messages.append(mood.scored(text, sentiment))
    set_mood(conversation, messages)
    alert = alert_rules.alert(messages[-WINDOW:], rules_of(conversation.visitor.inbox))
    if unseen(conversation) and (alert is None or alert.weight < conversation.alert_weight):
        return  # The one that stands presses more.
    risen = is_new_or_worse(conversation, alert)
    set_alert(conversation, alert)
    if risen:
        conversation.alert_seen = False
        conversation.alerts += 1
        notify_agents(conversation)


def correct_mood(conversation: Conversation) -> None:
    """Update the mood and the alert of a locked conversation, which the caller saves, after a
    correction.

    An alert that nobody has seen stands as long as one of the messages gives ground for it. A new
    one calls nobody: an agent is looking.
    """
    messages = scored_messages(conversation)
    set_mood(conversation, messages)
    if conversation.state == Conversation.State.CLOSED:
        return
    rules, recent = rules_of(conversation.visitor.inbox), messages[-WINDOW:]
    if unseen(conversation):
        set_alert(conversation, alert_rules.strongest(recent, rules))
    else:
        set_alert(conversation, alert_rules.alert(recent, rules))
        conversation.alert_seen = bool(conversation.alert)


def set_mood(conversation: Conversation, messages: list[mood.ScoredMessage]) -> None:
    recent = messages[-WINDOW:]
    conversation.scores = [round(message.score, 3) for message in messages[-SCORES:]]
    conversation.mood = mood.mood(recent)
    conversation.mood_slope = mood.slope([message.score for message in recent])
    conversation.worst = mood.worst(recent)


def set_alert(conversation: Conversation, alert: alert_rules.Alert | None) -> None:
    conversation.alert = alert.reason if alert else ""
    conversation.alert_quote = alert.quote if alert else ""
    conversation.alert_weight = alert.weight if alert else 0.0


def notify_agents(conversation: Conversation) -> None:
    """Call people who are not looking at the list, by webhook and e-mail."""
    events.sentiment_alert(conversation)
    if conversation.visitor.inbox.alert_emails and not snoozed(conversation):
        background.later(mail_alert, str(conversation.id), conversation.alert)


def is_new_or_worse(conversation: Conversation, alert: alert_rules.Alert | None) -> bool:
    """Say whether the alert is new, or worse than the one that an agent has seen."""
    if alert is None or not conversation.alert:
        return alert is not None
    return conversation.alert_seen and alert.weight > conversation.alert_weight


def snoozed(conversation: Conversation) -> bool:
    return bool(conversation.snoozed_until and conversation.snoozed_until > timezone.now())


COLUMNS = ("text", "score", "confidence", "intents", "correction__label")


def scored_messages(conversation: Conversation) -> list[mood.ScoredMessage]:
    """List the customer's last messages that have a score, oldest first."""
    if not conversation.last_seq:
        return []
    newest = SCORED.all(conversation=conversation.id)
    return [of_row(*row) for row in reversed(newest)]


def scored(messages: QuerySet[Message]) -> QuerySet[Message]:
    return messages.filter(author=Customer, score__isnull=False).exclude(label=UNKNOWN)


def newest_scored() -> QuerySet[Message, tuple[Any, ...]]:
    messages = Message.objects.filter(conversation=Given(Message, "conversation"))
    return scored(messages).order_by("-seq").values_list(*COLUMNS)[:SCORES]


SCORED = Select(newest_scored)


def of_row(
    text: str, score: float, confidence: float | None, intents: list[str], corrected: str | None
) -> mood.ScoredMessage:
    felt, sure = (CORRECTED[corrected], 1.0) if corrected else (score, confidence or 0.0)
    return mood.ScoredMessage(own_words(text), felt, sure, frozenset(intents))


# --- preview of other rules


@dataclass(frozen=True)
class Firing:
    conversation: Any
    at: datetime
    reason: str


@dataclass(frozen=True)
class Preview:
    firings: list[Firing]
    conversations: int
    # False if only the newest messages of that time were checked.
    whole: bool


def preview(inbox: Inbox, rules: alert_rules.Rules) -> Preview:
    """Find when these rules would have called an agent in the last week; nothing is stored."""
    of_week = Message.objects.filter(
        conversation__visitor__inbox=inbox, at__gte=timezone.now() - PREVIEWED
    )
    columns = ("conversation_id", "seq", "at", *COLUMNS)
    newest = scored(of_week).order_by("-at").values_list(*columns)[:PREVIEWED_MESSAGES]
    rows = sorted(newest, key=lambda row: (str(row[0]), row[1]))
    conversations = [list(group) for _, group in groupby(rows, key=lambda row: row[0])]
    firings = [firing for messages in conversations for firing in fired(messages, rules)]
    firings.sort(key=lambda firing: firing.at, reverse=True)
    return Preview(firings, len(conversations), len(rows) < PREVIEWED_MESSAGES)


def fired(rows: Iterable[tuple[Any, ...]], rules: alert_rules.Rules) -> Iterator[Firing]:
    """Yield a Firing when the first alert arises in this conversation, which then stands."""
    messages: list[mood.ScoredMessage] = []
    for conversation, _seq, at, *columns in rows:
        messages = [*messages, of_row(*columns)][-WINDOW:]
        if alert := alert_rules.alert(messages, rules):
            yield Firing(conversation, at, quoting(alert.reason, alert.quote))
            return
