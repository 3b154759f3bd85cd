"""Replays past turns under another routing policy.

The search runs on today's records. Moods and hand-offs stay as they were recorded.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chatbot.engines import tiers
from chatbot.models import Reply
from chatbot.reply.answer import collect
from chatbot.reply.retrieve import retrieve
from chatbot.reply.runner import turn_of
from chatbot.reply.tier import Policy, choose
from chatbot.reply.turn import Outcome, Turn
from crm.plumbing.threads import in_thread
from inference.grounding.facts import facts


@dataclass(frozen=True)
class Figures:
    """What one answer took."""

    tier: str
    state: str
    text: str
    # Seconds until its first sentence; None if it had none.
    wait: float | None
    seconds: float
    tokens: int


@dataclass(frozen=True)
class Replayed:
    reply: Reply
    then: Figures
    now: Figures

    @property
    def kept(self) -> bool:
        """Say whether both answers end in the same state and state the same facts."""
        alike = self.then.state == self.now.state
        return alike and facts(self.then.text) == facts(self.now.text)


def past(since: datetime) -> list[Reply]:
    """List the finished replies that a model took part in, oldest first."""
    done = Reply.objects.filter(created_at__gte=since, status=Reply.Status.DONE)
    related = done.select_related("conversation__visitor", "question", "answer")
    return [reply for reply in related.order_by("created_at") if reply.generations]


async def replay(reply: Reply, policy: Policy) -> Replayed:
    """Answer the turn again if the policy sends it to another tier; otherwise nothing changes."""
    then = recorded(reply)
    turn, tier = await in_thread(chosen, reply, policy)
    if tier == reply.generations[0]["tier"] and (policy.escalates or len(reply.generations) == 1):
        return Replayed(reply, then, then)
    return Replayed(reply, then, made(await collect(turn, policy=policy)))


def chosen(reply: Reply, policy: Policy) -> tuple[Turn, str]:
    """Return the turn as it was, and the tier that the policy chooses for it."""
    turn = turn_of(reply)
    return turn, choose(tiers.tiers(), turn, retrieve(turn), policy).tiers[0].name


def recorded(reply: Reply) -> Figures:
    text = reply.answer.text if reply.answer else ""
    wait = reply.timings.get("first_sentence")
    return Figures(state=reply.state, text=text, wait=wait, **taken(reply.generations))


def made(outcome: Outcome) -> Figures:
    wait = outcome.timings.get("first_sentence")
    return Figures(
        state=outcome.state, text=outcome.answer, wait=wait, **taken(outcome.generations)
    )


def taken(generations: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "tier": generations[-1]["tier"] if generations else "none",
        "seconds": sum(run["seconds"] for run in generations),
        "tokens": sum(run["prompt_tokens"] + run["completion_tokens"] for run in generations),
    }
