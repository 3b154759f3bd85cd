"""Turns a customer's message into an answer: route, search, choose a tier, generate, check.

An Answer yields each sentence as soon as it may be shown, and then has its Outcome. It does not
write to the database; `runner.py` shows and posts what it yields. `sentences` goes step by step:

    decide              choose the route: small talk, a person, files, or a question
    heard               detect the CRM action that the customer asks for, if any
    from_records        answer a question from the records:
      look_up             look the customer's own records up, if that is what is asked
      retrieve            search them, and pick the lines for the prompt
      choose, by_tiers    choose the tier by difficulty; fall back or escalate to another one
      with_retries        wait for a place at the model; ask a busy server again
      generated           generate sentence by sentence
      checked             tell the lines of the records that a sentence is about
    after               refuse, offer a colleague, or pass the customer to one

`collect` returns the Outcome alone.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, nullcontext
from dataclasses import asdict, replace
from itertools import count

from django.conf import settings

from chatbot.engines import reader, tiers
from chatbot.engines.admission import QueueFull
from chatbot.models.replies import Ending
from chatbot.privacy.redaction import mask
from chatbot.reply import prompt, wording
from chatbot.reply.found import Found, Line, title_of
from chatbot.reply.own import LookedUp, look_up
from chatbot.reply.retrieve import may_answer, query, retrieve
from chatbot.reply.route import UNANSWERED_LIMIT, Target, decide, pleasantry
from chatbot.reply.tier import Choice, Policy, choose
from chatbot.reply.told import in_its_words, meant, restated, with_rival
from chatbot.reply.turn import Admitted, Outcome, Turn
from chatbot.reply.wishes import requested_action
from crm.knowledge import search
from crm.knowledge.search import Hit
from crm.plumbing.threads import in_thread
from inference.generation.client import (
    ChatMessages,
    GenerationError,
    ServerBusy,
    ServerResting,
    ServerUnreachable,
    Usage,
)
from inference.generation.tier import Tier
from inference.grounding import lacking, says_absent
from inference.grounding.dates import written_like
from inference.index import IndexUnavailable
from inference.sentences import stream

logger = logging.getLogger("attune.reply")
# Seconds to wait for a busy server if another tier could answer.
BUSY = 2.0
# Seconds before a busy server is asked again: doubled each time, up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
# Characters of a turn: two of the longest messages. Of a longer turn, the newest part counts.
LONGEST_TURN = 8_000

# A share of the reader's threshold, for a line that no other comes near in a record that the
# question names: such a record has ten or twenty lines, and the threshold is for one of a hundred.
NAMED = 0.5

SAID_BEFORE = "it was said before"
IN_ITS_WORDS = "the record's own words are shown in its place"
ANOTHER_QUESTION = "it answers another question"
NOTHING_FOUND = "the model found nothing on record"
SAYS_ABSENT = "it says that nothing is on record"
WANTS_ACTION = "The customer wants something done."


class Answer:
    """One answer in the making. `sentences` may be iterated once."""

    def __init__(
        self, turn: Turn, admitted: Admitted = nullcontext, policy: Policy | None = None
    ) -> None:
        self.turn = replace(turn, text=turn.text[-LONGEST_TURN:])
        self.admitted = admitted
        self.policy = policy or Policy()
        self.outcome = Outcome()
        self.started = time.monotonic()
        self.shown: list[str] = []
        # The lines of the records that were shown, in their own words or in the model's.
        self.told: list[Line] = []
        # The refusal, if there is more to say than wording.REFUSAL.
        self.refusal = ""
        # How many withheld sentences only said that nothing is on record, and whether the last
        # one did.
        self.said_nothing, self.said_nothing_last = 0, False

    def quotable(self, found: Found) -> Line | None:
        """Return the line to tell in place of the model's answer, if there is one.

        Either the model saw an answer but stated it wrongly, or it saw none, as small models often
        do, although the reader is sure of the line.
        """
        lines = found.tellable()
        if not lines or not self.outcome.withheld or self.outcome.error:
            return None
        line, able = lines[0], reader.line_reader()
        if line.hit.key and with_rival([line], lines) == [line]:
            needed = NAMED * able.answering
        else:
            needed = able.telling if self.said_nothing_last else able.answering
        return line if line.answers >= needed else None

    def mark(self, name: str) -> None:
        self.outcome.timings.setdefault(name, round(time.monotonic() - self.started, 4))

    def show(self, sentence: str) -> str:
        self.mark("first_sentence")
        self.shown.append(sentence)
        return sentence

    async def sentences(self) -> AsyncGenerator[str, None]:
        route = decide(self.turn)
        self.outcome.reason = route.reason
        self.outcome.action = await asyncio.to_thread(
            requested_action, self.turn.text, self.turn.offers
        )
        if route.target is Target.HUMAN:
            yield self.hand_off(wording.ASKED, route.reason)
        elif route.target is Target.CHAT:
            self.outcome.state = Ending.CHAT
            yield self.show(pleasantry(self.turn.intents))
        elif route.target is Target.FILES:
            self.outcome.state, self.refusal = Ending.REFUSED, wording.CANNOT_READ
            async for sentence in self.after():
                yield sentence
        else:
            async for sentence in self.from_records():
                yield sentence
            async for sentence in self.after():
                yield sentence
        if self.outcome.action is not None:
            self.outcome.named = await in_thread(named, self.turn, self.outcome.citations)
            yield self.show(wording.FORM)
        self.outcome.answer = " ".join(self.shown)
        self.mark("total")

    async def from_records(self) -> AsyncGenerator[str, None]:
        found = Found()
        try:
            if looked_up := await in_thread(look_up, self.turn):
                self.mark("retrieve")
                for sentence in looked_up.sentences:
                    yield self.show(written_like(sentence, self.turn.text))
                self.rest_on(looked_up)
                return
            found = await in_thread(retrieve, self.turn)
            self.mark("retrieve")
            self.outcome.passages = found.trace()
            if found.answerable:
                choice = choose(await in_thread(tiers.tiers), self.turn, found, self.policy)
                self.outcome.routing = choice.trace()
                async with aclosing(self.by_tiers(found, choice)) as supported:
                    async for sentence in supported:
                        yield sentence
        except (GenerationError, IndexUnavailable) as error:
            logger.warning("no answer from the records: %s", error)
            self.outcome.error = str(error)
        if not self.shown and (line := self.quotable(found)):
            yield self.tell(with_rival([line], found.tellable()))
        if not self.shown:
            self.refuse(found)

    async def by_tiers(self, found: Found, choice: Choice) -> AsyncGenerator[str, None]:
        """Ask the chosen tier, then another one if it cannot be reached, or a larger one if the
        check withheld its whole answer."""
        for tier in choice.tiers:
            last = tier is choice.tiers[-1]
            try:
                async with aclosing(self.with_retries(found, tier, last)) as supported:
                    async for sentence in supported:
                        yield sentence
            except (ServerUnreachable, ServerBusy) as error:
                if last or self.shown:
                    raise
                self.outcome.routing["fell_back"] = str(error)
                continue
            if last or self.shown or not self.wants_larger(found, choice):
                return
            self.outcome.routing["escalated"] = f"Nothing that {tier.name} said was supported."

    def wants_larger(self, found: Found, choice: Choice) -> bool:
        """Say whether a larger tier should try, after the check withheld this tier's whole answer.

        A model that finds nothing is right, unless the question names a record by its number. A
        line that answers by itself needs no model.
        """
        tier, larger = choice.tiers
        if (
            not self.policy.escalates
            or choice.thresholds[larger.name] < choice.thresholds[tier.name]
        ):
            return False
        if self.quotable(found):
            return False
        return found.named_by_number or (self.said_nothing, len(self.outcome.withheld)) != (1, 1)

    async def with_retries(
        self, found: Found, tier: Tier, last_tier: bool
    ) -> AsyncGenerator[str, None]:
        """Ask the tier again if its server failed before anything was shown.

        A server that broke off is asked once more, with the same deadlines. A busy one is asked
        again until it is too late for a server of its speed to begin in time.
        """
        waited = 0.0
        for tries in count():
            try:
                async with self.admitted(), aclosing(self.generated(found, tier)) as supported:
                    async for sentence in supported:
                        yield sentence
                return
            except (ServerUnreachable, ServerBusy) as error:
                if self.shown or isinstance(error, ServerResting | QueueFull):
                    raise
                if not isinstance(error, ServerBusy):
                    if tries:
                        raise
                    continue
                wait = pause(error, tries)
                waited += wait
                if waited > (tier.patience(self.prompt(found)) if last_tier else BUSY):
                    raise
                await asyncio.sleep(wait)

    def prompt(self, found: Found) -> ChatMessages:
        return prompt.messages(*for_model(self.turn, found))

    async def generated(self, found: Found, tier: Tier) -> AsyncGenerator[str, None]:
        """Generate an answer, and yield what its sentences are shown as."""
        self.outcome.model = tier.model
        async with self.counted(tier) as usage:
            pieces = tier.stream(self.prompt(found), prompt.MAX_TOKENS, usage)
            async with aclosing(pieces):
                async for sentence in stream(pieces):
                    self.mark("first_generated")
                    if prompt.NOT_ON_RECORD in sentence.upper():
                        self.withhold(sentence, [], NOTHING_FOUND)
                        self.said_nothing, self.said_nothing_last = self.said_nothing + 1, True
                        return
                    if shown := await self.checked(sentence, found):
                        yield shown

    async def checked(self, sentence: str, found: Found) -> str | None:
        """Return what is shown for a sentence: itself if it says what a line says, else the lines
        that it is about; None if it is withheld."""
        missing, lines = await asyncio.to_thread(self.read, sentence, found)
        if missing or says_absent(sentence):
            self.withhold(sentence, missing, "" if missing else SAYS_ABSENT)
            return None
        if not lines or not may_answer(lines[0]):
            self.withhold(sentence, [], ANOTHER_QUESTION)
            return None
        news = [line for line in lines if line not in self.told]
        if not news:
            self.withhold(sentence, [], SAID_BEFORE)
            return None
        if restated(sentence, news):
            return self.tell(news, sentence)
        self.withhold(sentence, [], IN_ITS_WORDS)
        return self.tell(news if self.told else with_rival(news, found.tellable()))

    def read(self, sentence: str, found: Found) -> tuple[list[str], list[Line]]:
        """Return what the records lack of a sentence, and the lines that it is about."""
        missing = lacking(sentence, found.texts(), self.turn.text)
        return missing, [] if missing else meant(sentence, found.tellable())

    def tell(self, lines: list[Line], text: str = "") -> str:
        """Show lines of the records: in `text`, or in their own words."""
        self.told += lines
        for line in lines:
            self.cite(line.hit)
        return self.show(written_like(text or in_its_words(lines), self.turn.text))

    def rest_on(self, looked_up: LookedUp) -> None:
        self.outcome.reason = "Looked up in the customer's records."
        self.outcome.routing = {"reason": self.outcome.reason, "looked_up": looked_up.trace}
        self.outcome.citations = [
            {"id": record.id, "title": title_of(record.kind, record.title)}
            for record in looked_up.records
        ]

    @asynccontextmanager
    async def counted(self, tier: Tier) -> AsyncIterator[Usage]:
        """Record the time and tokens of one generation, even if it fails."""
        usage, began = Usage(), time.monotonic()
        try:
            yield usage
        finally:
            self.outcome.generations.append(
                {
                    "tier": tier.name,
                    "model": tier.model,
                    "seconds": round(time.monotonic() - began, 4),
                    **asdict(usage),
                }
            )
            self.outcome.usage.prompt_tokens += usage.prompt_tokens
            self.outcome.usage.completion_tokens += usage.completion_tokens

    async def after(self) -> AsyncGenerator[str, None]:
        """Yield what follows the records' answer: a refusal, an offer, or the hand-off."""
        if self.outcome.state is Ending.REFUSED and self.outcome.action is not None:
            # The form is the answer, but the customer still hears of a wrong number.
            self.outcome.state, self.outcome.reason = Ending.PROPOSED, WANTS_ACTION
            if self.refusal:
                yield self.show(self.refusal)
        refused = self.outcome.state is Ending.REFUSED
        if refused:
            refusal = self.refusal or wording.REFUSAL
            yield self.show(wording.UNAVAILABLE if self.outcome.error else refusal)
        if self.turn.waiting:
            if refused:
                yield self.show(wording.COLLEAGUE_WAITING)
        elif self.turn.alert:
            self.outcome.quote = self.turn.alert_quote
            yield self.hand_off(wording.SORRY, f"Mood: {self.turn.alert}.")
        elif self.outcome.error and self.outcome.state is not Ending.PROPOSED:
            yield self.hand_off(wording.PASSING, "The records could not be looked up.")
        elif refused and self.turn.unanswered + 1 >= UNANSWERED_LIMIT:
            yield self.hand_off(wording.PASSING, "Nothing on record twice in a row.")
        elif refused:
            yield self.show(wording.OFFER)

    def refuse(self, found: Found) -> None:
        self.outcome.state = Ending.REFUSED
        self.outcome.reason = found.reason
        self.outcome.citations = []
        self.refusal = found.refusal

    def withhold(self, sentence: str, missing: list[str], why: str = "") -> None:
        """missing: what no record has; why: another reason, where nothing is missing."""
        self.said_nothing_last = False
        reason = {"why": why} if why else {}
        self.outcome.withheld.append({"sentence": sentence, "missing": missing, **reason})

    def cite(self, hit: Hit) -> None:
        source = {"id": hit.record, "title": hit.title}
        if source not in self.outcome.citations:
            self.outcome.citations.append(source)

    def hand_off(self, sentence: str, reason: str) -> str:
        self.outcome.state, self.outcome.reason = Ending.HANDED_OFF, reason
        return self.show(wording.COLLEAGUE_WAITING if self.turn.waiting else sentence)


def pause(error: ServerBusy, tries: int) -> float:
    """Seconds to wait; varied, so that requests refused together do not come back together."""
    usual = min(LONGEST_PAUSE, FIRST_PAUSE * 2**tries) * random.uniform(0.5, 1)
    return max(usual, error.retry_after or 0)


def for_model(turn: Turn, found: Found) -> tuple[str, list[str], list[tuple[str, str]]]:
    """Return the question, records and history for the prompt.

    MASK_FOR_MODEL hides the cards, accounts, phones, addresses and names that people typed. The
    search has already used them by then. Records stay whole: they are the answer.
    """
    if not settings.MASK_FOR_MODEL:
        return turn.text, found.records, found.history
    history = [(author, mask(text, turn.known)) for author, text in found.history]
    return mask(turn.text, turn.known), found.records, history


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
