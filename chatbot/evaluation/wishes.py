"""Measures whether the action that a customer wishes for is found: {"actions", "messages"}.

An action has a `key`, a `title` and `words`; a message is its text and the key that it wishes for,
or null.
"""

from typing import Any

from chatbot.conversation.crm_requests import Offer
from chatbot.reply.wishes import requested_action
from inference.evaluation.classification import share
from inference.evaluation.markdown import table

Rows = list[dict[str, Any]]


def run(labelled: Rows, options: dict[str, Any]) -> dict[str, Any]:
    found = [
        (text, key, found_key(text, row["actions"]))
        for row in labelled
        for text, key in row["messages"]
    ]
    wrong = "".join(f"\n{got}, not {key}: {text}" for text, key, got in found if got != key)
    return {"figures": figures([(key, got) for _, key, got in found]), "wrong": wrong}


def found_key(text: str, actions: list[dict[str, Any]]) -> str | None:
    offers = [Offer(n, (one["title"], *one["words"])) for n, one in enumerate(actions)]
    action = requested_action(text, offers)
    return None if action is None else str(actions[action]["key"])


def figures(found: list[tuple[str | None, str | None]]) -> dict[str, Any]:
    wished = [(key, got) for key, got in found if key]
    others = [got for key, got in found if not key]
    return {
        "wishes": len(wished),
        "recall": share([key == got for key, got in wished]),
        "another action": share([got is not None and got != key for key, got in wished]),
        "other messages": len(others),
        "false": share([got is not None for got in others]),
    }


def as_text(result: dict[str, Any]) -> str:
    return table([*result["figures"]], [[*map(str, result["figures"].values())]])
