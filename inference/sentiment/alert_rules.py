"""Decides by rules when a conversation calls an agent.

A first complaint is normal: people write to support because something is wrong. An agent is needed
if the mood stays bad or falls, if the customer has complained before, or if something is grave.
`chatbot/conversation/alerts.py` stores alerts and notifies agents.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from inference.sentiment.mood import RECENT, SLOPE_MESSAGES, ScoredMessage, mood

# A fall counts if it starts at a score of at least this and ends at a negative message.
FELL_FROM = 0.2
BAD_MOOD_MESSAGES = 2

_COUNTS = {
    word: number
    for number, words in enumerate(
        (
            "second twice two",
            "third thrice three",
            "fourth four",
            "fifth five",
            "sixth six",
            "seventh seven",
            "eighth eight",
            "ninth nine",
            "tenth ten dozenth umpteenth hundredth millionth hundred",
        ),
        start=2,
    )
    for word in words.split()
}
_NUMBER = rf"(?P<count>\d{{1,3}}|{'|'.join(_COUNTS)})"
_SPOKE = (
    r"(?:ask|asked|asking|write|wrote|written|writing|call|called|calling|report|reported|"
    r"reporting|tell|told|telling|contact|contacted|contacting|complain|complained|explain|"
    r"explained|email|emailed|message|messaged|request|requested|say|said|send|sent|chase|chased|"
    r"chasing|happen|happens|happened|happening|come|had to)"
)
_TIME = rf"{_NUMBER}(?:st|nd|rd|th)? time"
_REPETITION = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:this|that|it)(?:['’]s| is| was)?(?: now)?(?: already)? (?:the |my )?"
        rf"{_NUMBER}(?:st|nd|rd|th)? (?:time|e-?mail|message|call|ticket)\b",
        rf"\bfor the {_TIME}\b",
        rf"\b{_TIME} (?:now|already|in a row|that|i|i['’](?:m|ve)|we)\b",
        rf"\b{_SPOKE}\b(?:\W+\w+){{0,5}}?\W+{_NUMBER} times\b",
        rf"\b{_NUMBER} times\b(?:\W+\w+){{0,4}}?\W+{_SPOKE}\b",
    )
]


@dataclass(frozen=True)
class Alert:
    """Why an agent should look, and how soon: `weight` in (0, 1] orders alerts.

    The reason contains only our words; the customer's own are in `quote`.
    """

    reason: str
    weight: float
    quote: str = ""


@dataclass(frozen=True)
class Rules:
    """The rules that alert an agent; 0 turns a rule off.

    These are the defaults of new inboxes; each inbox keeps its own in `Inbox.alert_…`.
    """

    # Negative messages in a row.
    in_a_row: int = 3
    # "The second time" is common; by the third, somebody should have acted.
    repeated: int = 3
    # The customer threatens to leave, to complain elsewhere or to sue.
    threats: bool = True
    # Something is grave, however calmly it is told: danger, a loss, somebody stranded, a promise
    # broken again, a customer who gives up.
    urgent: bool = True
    # How far the score has fallen from the best of the last messages. Of 110 dialogues that nothing
    # was trained on, 0.69 call an agent at the right message with this and the next rule, 0.66 with
    # 0.8 and -0.5, all other rules on (2026-11-29).
    fall: float = 1.2
    # The mood is at or below this, after at least two negative messages.
    bad_mood: float = -0.7


USUAL = Rules()


def alert(messages: Sequence[ScoredMessage], rules: Rules = USUAL) -> Alert | None:
    """Return the most pressing alert, or None. The oldest message is the first.

    Moods below the confidence floor raise no alert. An intent, or the customer's own count of
    complaints, raises one unless the message is clearly a happy one.
    """
    if not messages:
        return None
    checks = (_threatens, _urgent, _repeated, _in_a_row, _fell, _bad)
    alerts = [raised for check in checks if (raised := check(messages, rules))]
    return max(alerts, key=lambda raised: raised.weight, default=None)


def strongest(messages: Sequence[ScoredMessage], rules: Rules) -> Alert | None:
    """Return the most pressing alert that arose at any of the messages, oldest first."""
    raised = [alert(messages[:count], rules) for count in range(1, len(messages) + 1)]
    return max(filter(None, raised), key=lambda one: one.weight, default=None)


def times(text: str) -> int:
    """Return how often the customer says this has come up: 5 for "the fifth time", else 0."""
    counts = [match["count"].lower() for rule in _REPETITION for match in rule.finditer(text)]
    return max((_COUNTS.get(count) or int(count) for count in counts), default=0)


def _threatens(messages: Sequence[ScoredMessage], rules: Rules) -> Alert | None:
    last = messages[-1]
    if not rules.threats or "leave" not in last.intents or last.positive:
        return None
    return Alert("threatens to leave or to complain elsewhere", 0.95, _quote(last.text))


def _urgent(messages: Sequence[ScoredMessage], rules: Rules) -> Alert | None:
    last = messages[-1]
    if not rules.urgent or "urgent" not in last.intents or last.positive:
        return None
    return Alert("seems to need a person's help", 0.85, _quote(last.text))


def _repeated(messages: Sequence[ScoredMessage], rules: Rules) -> Alert | None:
    last = messages[-1]
    if not rules.repeated or last.positive or (count := times(last.text)) < rules.repeated:
        return None
    weight = 0.9 + 0.1 * last.negative
    return Alert(f"says it is the {ordinal(count)} time", weight, _quote(last.text))


def _in_a_row(messages: Sequence[ScoredMessage], rules: Rules) -> Alert | None:
    row = len(_negative_end(messages))
    if not rules.in_a_row or row < rules.in_a_row:
        return None
    if row == 1:
        return Alert("a negative message", 0.6)
    words = {2: "two", 3: "three", 4: "four", 5: "five"}.get(row, str(row))
    return Alert(f"{words} negative messages in a row", min(0.6 + 0.05 * row, 0.85))


def _negative_end(messages: Sequence[ScoredMessage]) -> list[ScoredMessage]:
    """Return the negative messages after the last other one, the newest first."""
    return [*takewhile(lambda message: message.negative, reversed(messages))]


def _fell(messages: Sequence[ScoredMessage], rules: Rules) -> Alert | None:
    end = _negative_end(messages)
    if not end:
        return None
    # The second angry message has fallen as far as the first, whatever has left the window by then.
    earlier = messages[: -len(end)][1 - SLOPE_MESSAGES :]
    last, best = end[0], max((one.score for one in earlier if one.sure), default=-1.0)
    if not rules.fall or best < FELL_FROM or best - last.score < rules.fall:
        return None
    return Alert(
        f"fell from {best:+.1f} to {last.score:+.1f}", min(0.4 + 0.2 * (best - last.score), 0.8)
    )


def _bad(messages: Sequence[ScoredMessage], rules: Rules) -> Alert | None:
    sure = [message for message in messages if message.sure]
    level = mood(sure)
    upset = sum(message.negative for message in sure[-RECENT:])
    if level is None or not rules.bad_mood or level > rules.bad_mood:
        return None
    if upset < BAD_MOOD_MESSAGES or not messages[-1].negative:
        return None
    return Alert(f"mood {level:+.1f} after {upset} negative messages", 0.5 - 0.2 * level)


def ordinal(count: int) -> str:
    """Write a number as 1st, 2nd, 3rd, 11th, 21st …"""
    if count % 100 in (11, 12, 13):
        return f"{count}th"
    return f"{count}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(count % 10, 'th') }"


def _quote(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"
