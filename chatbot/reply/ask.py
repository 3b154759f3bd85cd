"""Answers one question outside a conversation, for commands and the evaluation."""

from datetime import date
from typing import Any

from chatbot.engines import classifier
from chatbot.reply.pipeline import collect
from chatbot.reply.tier import Policy
from chatbot.reply.turn import Outcome, Turn
from crm.plumbing.threads import in_thread
from inference.sentiment import Sentiment, mood


async def ask(
    question: str, customer: str | None, policy: Policy | None = None, today: date | None = None
) -> dict[str, Any]:
    """Answer the question through the whole pipeline. Returns what `ask --json` prints."""
    sentiment = await in_thread(score, question)
    raised = mood.alert([mood.scored(question, sentiment)])
    alert = raised.reason if raised else ""
    turn = Turn(
        question,
        customer,
        alert=alert,
        mood=sentiment.score,
        intents=sentiment.intents,
        today=today,
    )
    return as_json(await collect(turn, policy=policy), sentiment)


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
        "routing": outcome.routing,
        "generations": outcome.generations,
        "timings": outcome.timings,
        "usage": {
            "prompt_tokens": outcome.usage.prompt_tokens,
            "completion_tokens": outcome.usage.completion_tokens,
        },
        **({"error": outcome.error} if outcome.error else {}),
    }
