"""One JSON object a line in, one line out, in order. A bad line is answered, not fatal."""

import json
import sys
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from crm.ids.aliases import SeveralSystems, resolve
from inference.text import blank, trimmed


class LineError(ValueError):
    """The line does not fit; the message says what it needs."""


def answer_lines(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(answered(line, answer), ensure_ascii=False), flush=True)


def answered(line: str, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    try:
        asked = json.loads(line)
    except ValueError as error:
        return {"error": f"The line is not JSON: {error}"}
    if not isinstance(asked, dict):
        return {"error": "The line is no JSON object."}
    identity = {"id": asked["id"]} if "id" in asked else {}
    try:
        return {**identity, **answer(asked)}
    except LineError as error:
        return {**identity, "error": str(error)}


def text_of(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or blank(value):
        raise LineError(f'"{name}" must be a text that is not empty.')
    return value


def customer_of(asked: dict[str, Any]) -> str | None:
    value = asked.get("customer")
    if value is not None and (not isinstance(value, str) or not trimmed(value)):
        raise LineError('"customer" must be a customer id, or null for somebody unknown.')
    try:
        return value and resolve(trimmed(value))
    except SeveralSystems as error:
        raise LineError(str(error)) from None


def customer_told(id: str | None) -> str | None:
    """Of --customer. A variable that is empty by mistake does not make somebody unknown."""
    if id is not None and not trimmed(id):
        raise CommandError(
            "--customer is blank: give a customer's id, or leave it out for shared knowledge only."
        )
    try:
        return id and resolve(trimmed(id))
    except SeveralSystems as error:
        raise CommandError(str(error)) from None
