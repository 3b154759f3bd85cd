"""Answers questions outside a stored conversation, for commands and the evaluation."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from chatbot.engines import classifier
from chatbot.models.replies import unanswered_after
from chatbot.reply.answer import collect
from chatbot.reply.guidance import guided_by
from chatbot.reply.tier import Policy
from chatbot.reply.turn import Outcome, Turn, offers_colleague
from crm.plumbing.threads import in_thread
from inference.sentiment import Sentiment, alert_rules, mood


@dataclass
class Talk:
    """What has been said so far, for questions that follow one another."""

    history: list[tuple[str, str]] = field(default_factory=list)
    # The records of each answer, the last answer first.
    cited: list[tuple[str, ...]] = field(default_factory=list)
    choices: tuple[str, ...] = ()
    offered: bool = False
    unanswered: int = 0

    def add(self, question: str, outcome: Outcome) -> None:
        self.history += [("customer", question), ("bot", outcome.answer)]
        if outcome.citations:
            self.cited.insert(0, tuple(row["id"] for row in outcome.citations))
        self.choices = tuple(outcome.choices)
        self.offered = offers_colleague(outcome.state, outcome.choices)
        self.unanswered = unanswered_after(self.unanswered, outcome.state)


def before(turn: Turn) -> Talk:
    """Return what was said before the question of a stored conversation."""
    # How many questions had no answer is left out: only the conversation of now knows it.
    return Talk(list(turn.history), list(turn.cited), turn.choices, turn.offered)


async def ask(
    question: str,
    customer: str | None,
    policy: Policy | None = None,
    today: date | None = None,
    talk: Talk | None = None,
    inbox: str = "",
    drafts: bool = False,
) -> dict[str, Any]:
    """Answer the question through the whole pipeline. Returns what `ask --json` prints.

    talk: what was said before; the question and its answer are added to it; inbox: its key;
    drafts: answer as if all drafts of articles were published.
    """
    talk = talk or Talk()
    turn, sentiment = await in_thread(
        asked_turn, question, customer, today=today, talk=talk, inbox=inbox, drafts=drafts
    )
    outcome = await collect(turn, policy=policy)
    talk.add(question, outcome)
    return as_json(outcome, sentiment)


def asked_turn(
    question: str,
    customer: str | None,
    today: date | None = None,
    talk: Talk | None = None,
    inbox: str = "",
    drafts: bool = False,
) -> tuple[Turn, Sentiment]:
    """Return the turn that asks the question, and the question's sentiment."""
    talk = talk or Talk()
    sentiment = score(question)
    raised = alert_rules.alert([mood.scored(question, sentiment)])
    alert = raised.reason if raised else ""
    turn = Turn(
        question,
        customer,
        inbox=inbox,
        drafts=drafts,
        history=tuple(talk.history),
        cited=tuple(talk.cited),
        unanswered=talk.unanswered,
        choices=talk.choices,
        offered=talk.offered,
        alert=alert,
        mood=sentiment.score,
        intents=sentiment.intents,
        today=today,
    )
    return guided_by(turn), sentiment


def score(text: str) -> Sentiment:
    return classifier.sentiment_classifier().score([text])[0]


def as_json(outcome: Outcome, sentiment: Sentiment) -> dict[str, Any]:
    return {
        "answer": outcome.answer,
        "state": outcome.state,
        "route": outcome.route,
        "reason": outcome.reason,
        "sentiment": {
            "label": sentiment.label,
            "score": round(sentiment.score, 4),
            "confidence": round(sentiment.confidence, 4),
        },
        "citations": outcome.citations,
        "withheld": outcome.withheld,
        "passages": outcome.passages,
        "routing": outcome.routing,
        "generations": outcome.generations,
        "timings": outcome.timings,
        "usage": {
            "prompt_tokens": outcome.usage.prompt_tokens,
            "completion_tokens": outcome.usage.completion_tokens,
        },
        **({"error": outcome.error} if outcome.error else {}),
    }
