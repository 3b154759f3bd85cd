"""Commands that answer JSON lines: an object a line in, an object a line out, in order.

A bad line is answered with an error and ends nothing.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from crm.ids.aliases import SeveralSystems, resolve
from inference import json_lines
from inference.text import blank, trimmed


class LineError(ValueError):
    """A line that cannot be answered; the message says what it needs."""


def answer_lines(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(answered(line, answer), ensure_ascii=False), flush=True)


def answered(line: str, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    try:
        asked = read(line)
    except LineError as error:
        return {"error": str(error)}
    identity = {"id": asked["id"]} if "id" in asked else {}
    try:
        return {**identity, **answer(asked)}
    except LineError as error:
        return {**identity, "error": str(error)}


def read(line: str | bytes) -> dict[str, Any]:
    """Return the object on a line; LineError where there is none."""
    try:
        value = json_lines.value(line)
    except ValueError as error:
        raise LineError(f"The line {error}") from None
    if not isinstance(value, dict):
        raise LineError("The line is not a JSON object.")
    return value


def text_of(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or blank(value):
        raise LineError(f'"{name}" must be a text that is not empty.')
    return value


def customer_of(asked: dict[str, Any]) -> str | None:
    value = asked.get("customer")
    if value is not None and (not isinstance(value, str) or not trimmed(value)):
        raise LineError('"customer" must be a customer id, or null for a stranger.')
    try:
        return value and resolve(trimmed(value))
    except SeveralSystems as error:
        raise LineError(str(error)) from None


def customer_option(id: str | None) -> str | None:
    """Return the customer whom --customer names; a blank value is refused.

    A shell variable that is empty by mistake must not turn a customer into a stranger.
    """
    if id is not None and not trimmed(id):
        raise CommandError(
            "--customer is blank: give a customer's id, or leave it out for shared records only."
        )
    try:
        return id and resolve(trimmed(id))
    except SeveralSystems as error:
        raise CommandError(str(error)) from None
