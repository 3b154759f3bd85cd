"""Answers one question from the records: look up, search, choose a tier, generate, check.

`sentences` yields each sentence as soon as it may be shown, step by step:

    look_up             look the customer's own records up, if that is what is asked
    retrieve            search them, and pick the lines for the prompt
    choose, by_tiers    choose the tier by difficulty; fall back or escalate to another one
    with_retries        wait for a place at the model; ask a busy server again
    generated           generate sentence by sentence
    checked             tell the lines of the records that a sentence is about
    closing             tell the best line if nothing was shown, or note that nothing answers
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict
from datetime import date
from itertools import count

from django.conf import settings
from django.utils.timezone import localdate

from chatbot.engines import reader, tiers
from chatbot.engines.admission import QueueFull
from chatbot.privacy.redaction import mask
from chatbot.reply import prompt
from chatbot.reply.found import Found, Line, Told, title_of
from chatbot.reply.lookup import day_beside, look_up, others, state_beside
from chatbot.reply.lookup_text import LookedUp
from chatbot.reply.quoting import ended, following, in_its_words, meant, restated, with_rival
from chatbot.reply.retrieve import may_answer, retrieve
from chatbot.reply.tier import Choice, Policy, choose
from chatbot.reply.turn import Admitted, Outcome, Turn
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
from inference.reading.reranker import FARTHEST
from inference.sentences import stream

logger = logging.getLogger("attune.reply")
# Seconds to wait for a busy server if another tier could answer.
BUSY = 2.0
# Seconds before a busy server is asked again: doubled each time, up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
# A share of the reader's threshold, for a line that no other comes near in a record that the
# question names: such a record has ten or twenty lines, and the threshold is for one of a hundred.
NAMED = 0.5

SAID_BEFORE = "it was said before"
IN_ITS_WORDS = "the record's own words are shown in its place"
ANOTHER_QUESTION = "it answers another question"
ECHO = "it only repeats what the model was asked"
NOTHING_FOUND = "the model found nothing on record"
AT_ONCE = "The reader is sure of the line, so no model is asked."
BY_LOOKUP = "Looked up in the customer's records."
UNCLEAR = "It is unclear which records are to be added up."
SAYS_ABSENT = "it says that nothing is on record"


class FromRecords:
    """The answer to one question in the making. `sentences` may be iterated once.

    It adds to the outcome of the whole turn, which may ask several questions.
    """

    def __init__(
        self,
        turn: Turn,
        outcome: Outcome,
        told: set[Told],
        admitted: Admitted,
        policy: Policy,
        surely: bool = False,
    ) -> None:
        """told: what was shown of the records for this turn, which is not shown again; what this
        question's answer shows is added. surely: answer only if no language model is needed."""
        self.turn, self.outcome, self.told = turn, outcome, told
        self.admitted, self.policy, self.surely = admitted, policy, surely
        self.shown: list[str] = []
        # The lines told for this question, and the records that its answer rests on.
        self.lines, self.cited = list[Line](), list[str]()
        # The records that were counted or listed as the answer.
        self.counted_records: Sequence[str] = ()
        # A line that answers was shown for another question.
        self.said_before = False
        # The result of the search, if none of it answers.
        self.refused: Found | None = None
        # Why sentences of this answer were withheld, in order, and whether it broke off.
        self.why_withheld: list[str] = []
        self.failed = False

    async def sentences(self) -> AsyncGenerator[str, None]:
        found = Found()
        try:
            answer = await in_thread(looked_up_or_found, self.turn)
            if isinstance(answer, LookedUp):
                for sentence in self.rest_on(answer):
                    yield sentence
                await self.offer_others()
                return
            found = answer
            self.outcome.mark("retrieve")
            self.outcome.passages += found.trace()
            async with aclosing(self.answered(found)) as supported:
                async for sentence in supported:
                    yield sentence
        except (GenerationError, IndexUnavailable) as error:
            logger.warning("no answer from the records: %s", error)
            self.outcome.error, self.failed = str(error), True
        async for sentence in self.closing(found):
            yield sentence

    async def answered(self, found: Found) -> AsyncGenerator[str, None]:
        """Yield the answer of what was found: the best line at once, or what the model says."""
        if line := self.sure(found):
            self.outcome.routing = {"reason": AT_ONCE}
            yield self.tell_best(line, found)
        elif found.answerable and not self.surely:
            known = tiers.known() or await in_thread(tiers.tiers)
            choice = choose(known, self.turn, found, self.policy)
            self.outcome.routing = choice.trace()
            async with aclosing(self.by_tiers(found, choice)) as supported:
                async for sentence in supported:
                    yield sentence

    async def closing(self, found: Found) -> AsyncGenerator[str, None]:
        """Yield the best line if the model's answer was withheld, and what stands beside an answer;
        or note that nothing answers."""
        line = self.quotable(found) if not self.shown and not self.said_before else None
        if line and line.source not in self.told:
            yield self.tell_best(line, found)
        if self.shown:
            if more := await self.beside():
                yield more
        elif not line and not self.said_before:
            self.refused = found

    async def beside(self) -> str:
        """Return what stands beside the answer: the state of a record beside a rule, or the day
        beside a state; or offer other records by a click."""
        if not self.turn.customer:
            return ""
        if state := await in_thread(state_beside, self.turn):
            return self.tell_looked_up(state)
        await self.offer_others()
        day = await in_thread(day_beside, self.turn, self.lines, self.told)
        return self.tell_looked_up(day) if day else ""

    def tell_looked_up(self, looked_up: LookedUp) -> str:
        self.cite_all(looked_up)
        self.told |= {(record.id, quote) for record, quote in looked_up.records}
        return self.show(written_like(" ".join(looked_up.sentences), self.turn.text))

    def tell_best(self, line: Line, found: Found) -> str:
        return self.tell(self.with_more([line], found))

    def with_more(self, lines: list[Line], found: Found) -> list[Line]:
        """Add lines that were not told yet: in an urgent matter, the sentences that follow the
        first line; otherwise, a line that rivals it."""
        if "urgent" in self.turn.intents and (rest := following(lines[0])):
            known = self.told | {line.source for line in lines}
            return [*lines, *(one for one in rest if one.source not in known)]
        return with_rival(lines, [one for one in found.tellable() if one.source not in self.told])

    def sure(self, found: Found) -> Line | None:
        """Return the line that is told without asking the language model. What a follow-up is about
        is sure only if it is what the last answer was about."""
        lines = found.tellable() if settings.ANSWER_AT_ONCE else []
        if not lines or lines[0].source in self.told:
            return None
        best, last = lines[0], self.turn.cited[0] if self.turn.cited else ()
        if found.refers and last and best.hit.record not in last:
            return None
        lead = best.rank - lines[1].rank if len(lines) > 1 else FARTHEST
        able = reader.reranker()
        return best if able.sure(best.answers, lead) >= able.at_once else None

    def quotable(self, found: Found) -> Line | None:
        """Return the line to tell in place of the model's answer, if there is one.

        Either the model saw an answer but stated it wrongly, or it saw none, as small models often
        do, although the reader is sure of the line.
        """
        lines = found.tellable()
        if not lines or not self.why_withheld or self.failed:
            return None
        line, able = lines[0], reader.reranker()
        if line.hit.key and with_rival([line], lines) == [line]:
            needed = NAMED * able.answering
        else:
            needed = able.telling if self.why_withheld[-1:] == [NOTHING_FOUND] else able.answering
        return line if line.answers >= needed else None

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
        return found.named_by_number or self.why_withheld != [NOTHING_FOUND]

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
                    self.outcome.mark("first_generated")
                    if prompt.NOT_ON_RECORD in sentence.upper():
                        self.withhold(sentence, [], NOTHING_FOUND)
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
        news = [line for line in lines if line.source not in self.told]
        if not news:
            self.said_before = True
            self.withhold(sentence, [], SAID_BEFORE)
            return None
        if restated(sentence, news):
            return self.tell(news, sentence)
        if prompt.echoes(sentence, self.turn.text):
            self.withhold(sentence, [], ECHO)
            return None
        self.withhold(sentence, [], IN_ITS_WORDS)
        return self.tell(news if self.told else self.with_more(news, found))

    def read(self, sentence: str, found: Found) -> tuple[list[str], list[Line]]:
        """Return what the records lack of a sentence, and the lines that it is about."""
        missing = lacking(sentence, found.texts(), self.turn.text)
        return missing, [] if missing else meant(sentence, found.tellable())

    def tell(self, lines: list[Line], text: str = "") -> str:
        """Show lines of the records: in `text`, or in their own words."""
        self.told |= {line.source for line in lines}
        self.lines += lines
        for line in lines:
            self.cite(*line.citation)
        return self.show(written_like(ended(text or in_its_words(lines)), self.turn.text))

    async def offer_others(self) -> None:
        """Let the customer choose another of their records if the question named none."""
        if self.shown and self.turn.customer and not self.turn.cited:
            ids = [row["id"] for row in self.outcome.citations]
            self.outcome.choices = await in_thread(others, self.turn, ids)

    def rest_on(self, looked_up: LookedUp) -> Iterator[str]:
        """Yield what was looked up, and cite it; or note that the question is unclear."""
        self.outcome.mark("retrieve")
        if looked_up.refusal:
            self.refused = Found(reason=UNCLEAR, refusal=looked_up.refusal)
            return
        self.outcome.reason = BY_LOOKUP
        self.outcome.routing = {"reason": BY_LOOKUP, "looked_up": looked_up.trace}
        for sentence in looked_up.sentences:
            yield self.show(written_like(sentence, self.turn.text))
        self.cite_all(looked_up)
        self.counted_records = looked_up.counted

    def cite_all(self, looked_up: LookedUp) -> None:
        for record, quote in looked_up.records:
            title = title_of(record.kind, record.title)
            day = localdate(record.updated_at)
            self.cite(record.id, title, quote, day, record.address)

    def cite(self, id: str, title: str, quote: str, at: date | None, address: str) -> None:
        self.cited.append(id)
        self.outcome.cite(id, title, quote, at, address)

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

    def withhold(self, sentence: str, missing: list[str], why: str = "") -> None:
        """missing: what no record has; why: another reason, where nothing is missing."""
        reason = {"why": why} if why else {}
        self.why_withheld.append(why)
        self.outcome.withheld.append({"sentence": sentence, "missing": missing, **reason})

    def show(self, sentence: str) -> str:
        self.outcome.mark("first_sentence")
        self.shown.append(sentence)
        return sentence


def looked_up_or_found(turn: Turn) -> LookedUp | Found:
    """Look the turn up in the customer's own records, or retrieve what may answer it."""
    return look_up(turn) or retrieve(turn)


def pause(error: ServerBusy, tries: int) -> float:
    """Return the seconds to wait, varied so that requests refused together do not come back
    together."""
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
