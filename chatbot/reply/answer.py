"""Turns a customer's message into an answer.

An Answer yields each sentence as soon as it may be shown, and then has its Outcome. It does not
write to the database; `runner.py` shows and posts what it yields. `sentences` goes step by step:

    decide                   choose the route: small talk, a person, fixed words, files, records
    requested_action         detect the CRM action that the customer asks for, if any
    answer_other_questions   if the customer asks for a person, first answer their other questions
    split_questions          take the message apart; `from_records.py` answers each question
    report_unanswered        say which questions have no answer, or prepare the refusal
    conclude                 refuse and offer a colleague, or pass the customer to one

`collect` returns the Outcome alone.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import replace

from chatbot.conversation.wording import ACCEPT
from chatbot.engines import classifier
from chatbot.models.replies import Ending
from chatbot.reply.found import Found, Told
from chatbot.reply.from_records import FromRecords
from chatbot.reply.questions import asks, may_ask, questions
from chatbot.reply.retrieve import leans, query
from chatbot.reply.route import UNANSWERED_LIMIT, Target, decide, is_courtesy, pleasantry
from chatbot.reply.tier import Policy
from chatbot.reply.turn import Admitted, Outcome, Turn
from chatbot.reply.unanswered import Refusal, is_related, of_part, refusal
from chatbot.reply.wishes import requested_action
from crm.knowledge import search
from crm.plumbing.threads import in_thread
from inference.sentences import split
from inference.sentiment.own_words import own_words

logger = logging.getLogger("attune.reply")
# Characters of a turn: two of the longest messages. Of a longer turn, the newest part counts.
LONGEST_TURN = 8_000

WANTS_ACTION = "The customer wants something done."
NOTHING_TWICE = "Nothing on record twice in a row."


class Answer:
    """One answer in the making. `sentences` may be iterated once."""

    def __init__(
        self, turn: Turn, admitted: Admitted = nullcontext, policy: Policy | None = None
    ) -> None:
        self.turn = replace(turn, text=turn.text[-LONGEST_TURN:])
        self.admitted = admitted
        self.policy = policy or Policy()
        self.words = turn.words
        self.outcome = Outcome()
        self.shown: list[str] = []
        self.told: set[Told] = set()
        # What is said if no question has an answer.
        self.refusal = Refusal(self.words.refusal)

    def show(self, sentence: str) -> str:
        self.outcome.mark("first_sentence")
        self.shown.append(sentence)
        return sentence

    async def sentences(self) -> AsyncGenerator[str, None]:
        route = decide(self.turn)
        self.outcome.reason = route.reason
        if self.turn.offers:
            self.outcome.action = await asyncio.to_thread(
                requested_action, self.turn.text, self.turn.offers
            )
        if route.target is Target.HUMAN:
            async for sentence in self.answer_other_questions():
                yield sentence
            yield self.hand_off(self.words.asked, route.reason)
        elif route.target is Target.CHAT:
            self.outcome.state = Ending.CHAT
            yield self.show(pleasantry(self.turn))
        elif route.target is Target.INSTEAD and self.turn.instead:
            self.outcome.state = Ending.CHAT
            yield self.show(self.turn.instead.sentence)
            async for sentence in self.conclude():
                yield sentence
        elif route.target is Target.FILES:
            self.outcome.state, self.refusal = (
                Ending.REFUSED,
                Refusal(self.words.cannot_read, insists=True),
            )
            async for sentence in self.conclude():
                yield sentence
        else:
            # An alert whose message asks nothing is passed on, not answered with some line.
            if not self.turn.alert or self.turn.waiting or may_ask(self.turn.text):
                texts = await asyncio.to_thread(split_questions, self.turn.text)
                async for sentence in self.from_records(texts):
                    yield sentence
            async for sentence in self.conclude():
                yield sentence
        if self.outcome.action is not None:
            self.outcome.named = await in_thread(named, self.turn, self.outcome.citations)
            yield self.show(self.words.form)
        self.outcome.answer = " ".join(self.shown)
        self.outcome.mark("total")

    async def answer_other_questions(self) -> AsyncGenerator[str, None]:
        """Answer the other questions of a message that asks for a person. If that fails, still
        hand the customer over."""
        try:
            if texts := await asyncio.to_thread(other_questions, self.turn):
                async for sentence in self.from_records(texts, surely=True):
                    yield sentence
        except Exception:
            logger.exception("could not answer the other questions of a message for a person")
        self.outcome.error = ""

    async def from_records(
        self, texts: Sequence[str], surely: bool = False
    ) -> AsyncGenerator[str, None]:
        """Answer each of these questions; one that nothing answers is named among the others.
        surely: answer only without the language model, because the customer is handed over anyway.
        """
        turn, unanswered = self.turn, list[tuple[Turn, Found]]()
        for text in texts:
            turn = replace(turn, text=text)
            if unanswered and leans(text):
                # "Do you ship to Norway, and how much is it?" has one answer or none.
                turn = replace(turn, text=f"{unanswered.pop()[0].text} {text}")
            answering = FromRecords(
                turn, self.outcome, self.told, self.admitted, self.policy, surely
            )
            async with aclosing(answering.sentences()) as sentences:
                async for sentence in sentences:
                    self.shown.append(sentence)
                    yield sentence
            if answering.refused:
                unanswered.append((turn, answering.refused))
            turn = turn_after(turn, answering.cited, answering.shown, answering.counted_records)
        if unanswered and not surely:
            async for sentence in self.report_unanswered(unanswered):
                yield sentence

    async def report_unanswered(
        self, unanswered: list[tuple[Turn, Found]]
    ) -> AsyncGenerator[str, None]:
        """Say which questions have no answer, or prepare the refusal if none has."""
        turn, found = unanswered[0]
        if self.shown and self.outcome.error:
            yield self.show(self.words.unavailable)
        elif self.shown and (found.refusal or self.outcome.action is None):
            self.outcome.choices = [ACCEPT]
            yield self.show(
                found.refusal or of_part([one.text for one, _ in unanswered], self.words)
            )
        elif (
            not self.shown
            and not self.outcome.error
            and is_courtesy(self.turn)
            and not is_related(turn, found)
        ):
            self.outcome.state, self.outcome.reason = Ending.CHAT, "The customer asks nothing else."
            yield self.show(pleasantry(self.turn))
        elif not self.shown:
            self.outcome.state, self.outcome.reason = Ending.REFUSED, found.reason
            self.refusal = refusal(turn, found)

    async def conclude(self) -> AsyncGenerator[str, None]:
        """Yield what follows the records' answer: a refusal, an offer, or the hand-off."""
        if self.outcome.state is Ending.REFUSED and self.outcome.action is not None:
            # The form is the answer, but the customer still hears of a wrong number.
            self.outcome.state, self.outcome.reason = Ending.PROPOSED, WANTS_ACTION
            if self.refusal.insists:
                yield self.show(self.refusal.text)
        refused = self.outcome.state is Ending.REFUSED
        if refused and self.outcome.error:
            yield self.show(self.words.unavailable)
        elif refused and self.refusal.text:
            yield self.show(self.refusal.text)
            for line in self.refusal.near:
                self.outcome.cite(*line.citation)
        if self.turn.waiting:
            if refused:
                yield self.show(self.words.colleague_waiting)
        elif self.turn.alert:
            self.outcome.quote = self.turn.alert_quote
            yield self.hand_off(self.words.sorry, f"Mood: {self.turn.alert}.")
        elif self.outcome.error and self.outcome.state is not Ending.PROPOSED:
            yield self.hand_off(self.words.passing, "The records could not be looked up.")
        elif refused and self.turn.unanswered + 1 >= UNANSWERED_LIMIT:
            yield self.hand_off(self.words.passing, NOTHING_TWICE)
        elif refused:
            self.outcome.choices = [self.refusal.accept]
            yield self.show(self.refusal.offer or self.words.offer)

    def hand_off(self, sentence: str, reason: str) -> str:
        self.outcome.state, self.outcome.reason = Ending.HANDED_OFF, reason
        self.outcome.choices = []
        return self.show(self.words.colleague_waiting if self.turn.waiting else sentence)


def split_questions(text: str) -> list[str]:
    """Return the questions of a text, without small talk between them; or the whole text."""
    parts = questions(text)
    if len(parts) == 1:
        return parts
    asked = without_intent(parts, "chat")
    return asked if len(asked) > 1 else [text]


def other_questions(turn: Turn) -> list[str]:
    """Return the other questions of a message that asks for a person: "Where is my order? I want to
    talk to somebody."

    Leave out the sentences that ask for the person, unless the message is urgent and they are its
    only questions: "Dad is stuck on the lift. How quickly can somebody get to him, and what number
    do I ring?"
    """
    if "person" not in turn.intents:
        return []
    otherwise = replace(turn, intents=turn.intents - {"person"})
    if decide(otherwise).target is not Target.BOT:
        return []
    said = split(own_words(turn.text))
    rest = without_intent(said, "person")
    if not any(map(asks, rest)):
        if "urgent" not in turn.intents or not any(map(asks, said)):
            return []
        rest = said
    return split_questions(" ".join(rest))


def without_intent(parts: Sequence[str], intent: str) -> list[str]:
    """Leave out the parts with this intent."""
    heard = classifier.sentiment_classifier().score(list(parts))
    return [part for part, one in zip(parts, heard, strict=True) if intent not in one.intents]


def turn_after(
    turn: Turn, cited: Sequence[str], shown: Sequence[str], counted: Sequence[str] = ()
) -> Turn:
    """Return the turn as it stands after one of its questions was answered."""
    answer = (("bot", " ".join(shown)),) if shown else ()
    return replace(
        turn,
        history=(*turn.history, ("customer", turn.text), *answer),
        cited=(tuple(cited), *turn.cited) if cited else turn.cited,
        is_further=True,
        counted=tuple(counted),
    )


def named(turn: Turn, citations: list[dict[str, str]]) -> list[str]:
    """List the records that the turn names, longest name first, then those that answered it."""
    names = search.exact(query(turn), turn.customer)
    return [*sorted(names, key=lambda id: -len(names[id])), *(cited["id"] for cited in citations)]


async def collect(
    turn: Turn, admitted: Admitted = nullcontext, policy: Policy | None = None
) -> Outcome:
    """Answer the turn without showing its sentences, and return the outcome."""
    answer = Answer(turn, admitted, policy)
    async with aclosing(answer.sentences()) as sentences:
        async for _ in sentences:
            pass
    return answer.outcome
