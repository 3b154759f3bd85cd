"""What the CRM says to an action that a customer has asked it for: in its answer to the event, or
later with an event of its own.

    {"status": "accepted" or "refused", "message": "…"}
"""

import json
import logging
from dataclasses import dataclass
from typing import Any

from crm.models import Attempt, Delivery
from crm.signals import action_answered
from inference.text import written

logger = logging.getLogger("attune.answers")
REQUESTED, COMPLETED = "action.requested", "action.completed"
STATUSES = ("accepted", "refused")
LONGEST = 500


class AnswerError(ValueError):
    """A sentence to the person who programs the CRM."""


@dataclass(frozen=True)
class Answer:
    status: str
    message: str


def parse(data: Any) -> Answer:
    if not isinstance(data, dict) or data.get("status") not in STATUSES:
        raise AnswerError(f'"status" must be one of {", ".join(STATUSES)}')
    message = data.get("message", "")
    if not isinstance(message, str) or len(message) > LONGEST:
        raise AnswerError(f'"message" must be a text of at most {LONGEST} characters')
    return Answer(data["status"], written(message))


def hear(delivery: Delivery, attempt: Attempt) -> None:
    """The answer to a delivered request, where it holds one; else the CRM answers later."""
    if delivery.type != REQUESTED:
        return
    try:
        answer = parse(json.loads(attempt.answer))
    except ValueError:
        return
    if not tell(delivery.event_id, answer):
        logger.warning("the answer to %s came for nobody", delivery.event_id)


def tell(key: str, answer: Answer) -> bool:
    """key: the request's idempotency key. False: nobody knows it."""
    heard = action_answered.send(Answer, key=key, answer=answer)
    return any(known for _, known in heard)
