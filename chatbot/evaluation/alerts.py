"""Measures when conversations call an agent: {"messages", "alert_at"}.

`alert_at` is the place, from 0, of the customer's first message after which an agent should look;
null if none should. A file with tabs holds single messages: a label, `now` if an agent should look
and else `no`, and the message.
"""

from typing import Any

from chatbot.conversation.alerts import WINDOW
from chatbot.engines.classifier import sentiment_classifier
from inference.evaluation.classification import share
from inference.evaluation.markdown import table
from inference.sentiment import UNKNOWN, written
from inference.sentiment.alert_rules import Alert, alert
from inference.sentiment.mood import ScoredMessage, scored

Rows = list[dict[str, Any]]


def run(rows: Rows, options: dict[str, Any]) -> dict[str, Any]:
    labelled = [row if "messages" in row else of_one(row) for row in rows]
    found = [first_alert(row["messages"]) for row in labelled]
    wrong = "".join(explained(*pair) for pair in zip(labelled, found, strict=True))
    return {"figures": figures(labelled, [at for at, _ in found]), "wrong": wrong}


def of_one(row: dict[str, Any]) -> dict[str, Any]:
    """Return a single message as a conversation."""
    return {"messages": [row["text"]], "alert_at": 0 if row["src"] == written.NOW else None}


def first_alert(texts: list[str]) -> tuple[int | None, Alert | None]:
    """Return the place of the first message that raises an alert by the usual rules."""
    said: list[ScoredMessage] = []
    for place, (text, one) in enumerate(
        zip(texts, sentiment_classifier().score(texts), strict=True)
    ):
        if one.label != UNKNOWN:
            said.append(scored(text, one))
        if raised := alert(said[-WINDOW:]):
            return place, raised
    return None, None


def figures(labelled: Rows, found: list[int | None]) -> dict[str, Any]:
    """Count conversations by when they called an agent, and whether they should."""
    pairs = [(row["alert_at"], at) for row, at in zip(labelled, found, strict=True)]
    calling = [(due, at) for due, at in pairs if due is not None]
    late = sum(at is None or at > due for due, at in calling)
    early = sum(at is not None and at < due for due, at in calling)
    quiet = [at for due, at in pairs if due is None]
    return {
        "conversations": len(pairs),
        "right": share([due == at for due, at in pairs]),
        "in time": len(calling) - late - early,
        "early": early,
        "late or never": late,
        "needlessly": sum(at is not None for at in quiet),
        "rightly quiet": sum(at is None for at in quiet),
    }


def as_text(result: dict[str, Any]) -> str:
    return table([*result["figures"]], [[*map(str, result["figures"].values())]])


def explained(row: dict[str, Any], found: tuple[int | None, Alert | None]) -> str:
    at, raised = found
    if row["alert_at"] == at:
        return ""
    why = raised.reason if raised else "no alert"
    return f"\nat {at} ({why}), not at {row['alert_at']}: {row['messages']}"
