"""The CRM's answer to an action that a customer asked for. It comes in the response to the webhook
or later, in an event of its own.

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
    """An answer that cannot be read; the message is for the developer of the CRM."""


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


def take(delivery: Delivery, attempt: Attempt) -> None:
    """Publish the answer in the response to a delivered request. If the response holds none, the
    CRM answers later."""
    if delivery.type != REQUESTED:
        return
    try:
        answer = parse(json.loads(attempt.answer))
    except ValueError:
        return
    if not publish(delivery.event_id, answer):
        logger.warning("no request waits for the answer to %s", delivery.event_id)


def publish(key: str, answer: Answer) -> bool:
    """Send the answer to the request with this idempotency key. Returns False if the key is
    unknown."""
    responses = action_answered.send(Answer, key=key, answer=answer)
    return any(is_known for _, is_known in responses)
