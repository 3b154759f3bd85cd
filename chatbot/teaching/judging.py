"""Asks a question of a test run and judges the answer."""

import logging
from typing import Any

from chatbot.models import TestResult
from chatbot.models.replies import Ending
from chatbot.reply.ask import ask
from chatbot.teaching.questions import talk_of
from inference.evaluation.answers import judge, plain
from inference.grounding.facts import facts
from inference.index import IndexUnavailable

logger = logging.getLogger("attune.teaching")
RIGHT, WRONG, REFUSED, HANDED_OFF = "right", "wrong", "refused", "handed off"
# Nobody has said what is right; and the question could not be asked.
ANSWERED, FAILED = "answered", "failed"
OUTCOMES = (RIGHT, WRONG, REFUSED, HANDED_OFF, ANSWERED, FAILED)
JUDGED = (RIGHT, WRONG, REFUSED, HANDED_OFF)
Side = dict[str, Any]


async def side(row: TestResult, drafts: bool) -> Side:
    """Ask the question, and return the answer as TestResult keeps it."""
    try:
        answer = await ask(
            row.asked["question"],
            row.customer_id,
            talk=talk_of(row.asked.get("before") or {}),
            inbox=row.asked.get("inbox", ""),
            drafts=drafts,
        )
    except IndexUnavailable:
        raise  # The next question would fare no better.
    except Exception:
        logger.exception("a question of test run %s could not be asked", row.run_id)
        return {"answer": "", "state": "", "outcome": FAILED, "citations": []}
    cited = [{"id": one["id"], "title": one["title"]} for one in answer["citations"]]
    return {
        "answer": answer["answer"],
        "state": str(answer["state"]),
        "outcome": outcome(row.asked, answer),
        "citations": cited,
    }


def outcome(asked: dict[str, Any], answer: dict[str, Any]) -> str:
    """Return one of OUTCOMES. The facts of an answer decide; if none are expected, its source."""
    if answer.get("error"):
        return FAILED
    expect, forbid, record = asked.get("expect"), asked.get("forbid", []), asked.get("record", "")
    if not expect and not forbid and not record:
        return {"refused": REFUSED, "handoff": HANDED_OFF}.get(answer["state"], ANSWERED)
    question = {"id": "", "kind": "", "expect": expect or Ending.ANSWERED, "forbid": forbid}
    judged = judge(question, answer).outcome
    cites = any(row["id"] == record for row in answer["citations"])
    if judged == RIGHT and not expect and record and not cites:
        return WRONG
    return WRONG if judged == "forbidden" else judged


def same(one: Side, other: Side) -> bool:
    """Tell whether two answers end alike and say the same."""
    if one["state"] != other["state"]:
        return False
    said = facts(one["answer"])
    if said or facts(other["answer"]):
        return said == facts(other["answer"])
    return plain(one["answer"]) == plain(other["answer"])
