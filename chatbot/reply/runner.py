"""Runs replies as tasks of this process, and takes over those of processes that died.

The path of one message, from the customer's socket to the posted answer:

1. Socket: `widget/consumer.py` `on_message` receives a `message` frame.
2. Stored, claimed: `conversation/customers.py` `receive` scores the sentiment, then stores the
   message, updates the mood and the alert, and creates the Reply in one transaction. This process
   has already claimed the Reply. If an agent has the conversation, there is no Reply, and the agent
   answers; nor is there one if the widget sends a stored message again.
3. Acknowledged: the consumer sends `ack`, and calls `start`. A task answers from here on, so that
   the socket goes on reading. `claim_renewed` renews the claim meanwhile, since it is a lease.
4. Gathered: `turn_of` joins what the customer wrote since the last answer into a Turn.
5. Answered: `answer.py` `Answer.sentences` chooses a route: small talk, a person, a fixed sentence
   or the records. For the records, `from_records.py` answers each question: it looks it up in the
   customer's own records, or it searches and ranks the lines. If it is not sure that a line is the
   answer, it waits for a place at the language model. Each sentence of the model is checked: the
   record's own words are told in place of a paraphrase, and a sentence with a fact that no record
   has is withheld. If the model or the index is down, the customer is told so and passed to a
   person.
6. Shown: `stream` sends each sentence that passes to the conversation's sockets.
7. Posted: `post` calls `conversation/replies.py` `finish`, which appends the answer and completes
   the Reply in one transaction.
8. Announced: after the commit, `conversation/changes.py` `announce` sends the message to the
   conversation's sockets, through `wire/hints.py`.

Before steps 6 and 7 the claim must still stand: a newer message, an agent or another process may
have taken it. If the process dies or the task fails, the lease ends and `take_over` (in Celery,
`recover`) starts the reply anew, in any process; what was shown is withdrawn. After three tries,
the customer is passed to a person. The widget keeps each message until it is acknowledged, and
`hints.look` finds in the database what no hint announced. So nothing is lost between the steps.
"""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import F, QuerySet
from django.utils import timezone
from structlog.contextvars import bind_contextvars

from chatbot.conversation import crm_requests, replies
from chatbot.conversation.wording import Wording
from chatbot.engines import admission, classifier
from chatbot.models import Conversation, Message, Reply
from chatbot.privacy.known import known_of
from chatbot.reply import ahead
from chatbot.reply.answer import Answer, collect
from chatbot.reply.guidance import guided
from chatbot.reply.turn import Outcome, Turn, offers_colleague
from chatbot.telemetry import metrics
from chatbot.wire import hints
from chatbot.wire.errors import Refused
from chatbot.wire.protocol import ReplyFrame
from crm.plumbing.compiled import Given, Select
from crm.plumbing.threads import in_thread
from crm.plumbing.tick import Job

logger = logging.getLogger("attune.reply")

WORKER = ""
RECOVERY_INTERVAL = 2
# Replies that one process takes over at a time.
RECOVERED = 20
# Messages that make up a turn and its history.
HISTORY = 12
# Seconds without a sentence until Wording.still_looking, and from there to still_at_it.
PATIENCE, MORE_PATIENCE = 8, 25
# The running task of each conversation: a newer turn cancels it, which ends its generation.
_running: dict[Any, asyncio.Task[None]] = {}


def take_name() -> None:
    """Name this process, and each that it forks."""
    global WORKER
    WORKER = f"{socket.gethostname()[:30]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


take_name()
os.register_at_fork(after_in_child=take_name)


class Overtaken(Exception):
    """The claim no longer stands."""


def start(reply: Reply) -> asyncio.Task[None]:
    """Start to answer a reply that this process has claimed, without waiting for the answer.

    If it replaces a running reply, the customer is writing several messages in a row: it waits a
    moment, to answer them together.
    """
    settle = settings.REPLY_SETTLE if cancel(reply.conversation_id) else 0.0
    return tracked(reply.conversation_id, answer(reply, settle))


def tracked(conversation_id: Any, work: Any) -> asyncio.Task[None]:
    task: asyncio.Task[None] = asyncio.create_task(work)
    _running[conversation_id] = task
    task.add_done_callback(lambda done: _forget(conversation_id, done))
    return task


def cancel(conversation_id: Any) -> bool:
    """Cancel the conversation's running reply. Returns whether there was one."""
    task = _running.get(conversation_id)
    return task.cancel() if task else False


def _forget(conversation_id: Any, task: asyncio.Task[None]) -> None:
    if _running.get(conversation_id) is task:
        del _running[conversation_id]
    if not task.cancelled() and (error := task.exception()):
        # The lease expires, and the reply is tried again.
        logger.error("reply broke off", exc_info=error)


async def run(reply_id: int) -> None:
    """Claim the reply and answer it, unless another process is faster."""
    if reply := await in_thread(replies.claim, reply_id, WORKER):
        await answer(reply)


async def answer(reply: Reply, settle: float = 0.0) -> None:
    """Answer a claimed reply after `settle` seconds, unless a newer message overtakes it."""
    await asyncio.sleep(settle)
    bind_contextvars(conversation=str(reply.conversation_id), reply=reply.id)
    try:
        async with claim_renewed(reply):
            await stream(reply)
    except* Overtaken:
        logger.info("reply %s was overtaken and not posted", reply.id)


@asynccontextmanager
async def claim_renewed(reply: Reply) -> AsyncIterator[None]:
    """Keep renewing the claim. When it can no longer be renewed, Overtaken ends the body."""
    async with asyncio.TaskGroup() as group:
        renewing = group.create_task(renew_for_ever(reply))
        yield
        renewing.cancel()


async def renew_for_ever(reply: Reply) -> None:
    while True:
        await asyncio.sleep(settings.REPLY_LEASE / 3)
        try:
            if not await in_thread(replies.renew, reply):
                raise Overtaken
        except Overtaken:
            raise
        except Exception as error:
            # The database may be away for a moment. If it stays away, another process takes over.
            logger.warning("the claim on reply %s could not be renewed: %s", reply.id, error)


async def stream(reply: Reply) -> None:
    """Show each sentence as soon as it is checked, and post the whole answer at the end."""
    thinking = send_progress(reply, ReplyFrame("thinking"))
    read = ahead.taken(reply.conversation_id)
    turn, _ = await asyncio.gather(in_thread(turn_of, reply), thinking)
    turn = replace(turn, ahead=read.records)
    answering = Answer(turn, partial(read.place, partial(send_place, reply, turn.words)))
    reassuring = asyncio.create_task(reassure(reply, turn.words))
    try:
        async with aclosing(answering.sentences()) as sentences:
            async for sentence in sentences:
                reassuring.cancel()
                if not await in_thread(replies.stands, reply):
                    raise Overtaken
                await send_progress(reply, ReplyFrame("sentence", sentence))
    finally:
        reassuring.cancel()
    if not await in_thread(post, reply, answering.outcome):
        raise Overtaken


async def reassure(reply: Reply, words: Wording) -> None:
    for seconds, text in ((PATIENCE, words.still_looking), (MORE_PATIENCE, words.still_at_it)):
        await asyncio.sleep(seconds)
        await send_progress(reply, ReplyFrame("thinking", text))


async def send_place(reply: Reply, words: Wording, number: int) -> None:
    await send_progress(reply, ReplyFrame("thinking", words.in_queue.format(number)))


async def send_progress(reply: Reply, frame: ReplyFrame) -> None:
    event = {"type": "reply.progress", "frame": msgspec.structs.asdict(frame)}
    await hints.send(reply.conversation_id, event)


def post(reply: Reply, outcome: Outcome) -> bool:
    """Store the answer with its trace, and propose the CRM action that the customer asked for.

    Returns False if the claim no longer stands; then nothing is posted.
    """
    propose = partial(propose_action, reply.conversation, outcome)
    posted = replies.finish(
        reply,
        outcome.state,
        outcome.answer,
        outcome.citations,
        outcome.quote,
        outcome.choices,
        propose,
        route=outcome.route,
        reason=outcome.reason[:300],
        model=outcome.model,
        routing=outcome.routing,
        generations=outcome.generations,
        passages=outcome.passages,
        withheld=outcome.withheld,
        timings=outcome.timings,
        error=outcome.error,
    )
    if posted:
        first = outcome.timings.get("first_sentence")
        metrics.answered(outcome.state, outcome.generations, len(outcome.withheld), first)
    return posted


def propose_action(conversation: Conversation, outcome: Outcome) -> None:
    if outcome.action is not None:
        crm_requests.propose(conversation, outcome.action, outcome.named)


def next_turn(conversation: Conversation, agent: User) -> Turn:
    """Return the turn that the bot would answer now, to draft an answer for an agent."""
    customers = conversation.messages.filter(author=Message.Author.CUSTOMER)
    question = customers.order_by("-seq").first()
    if question is None:
        raise Refused("not_found", "The customer has not asked anything yet.")
    return turn_at(conversation, question)


async def drafted(turn: Turn) -> Outcome:
    """Answer the turn for an agent: checked like any answer, but posted nowhere."""
    return await collect(turn, admission.queue().place)


def turn_of_draft(conversation_id: Any, text: str) -> Turn | None:
    """Return the turn as it would be if the customer sent what they have typed; None if the bot
    would not answer it, or the inbox does not read ahead. text: "" if nothing has been typed
    yet."""
    related = Conversation.objects.select_related("visitor__inbox")
    conversation = related.get(id=conversation_id)
    answers = conversation.state in {conversation.State.BOT, conversation.State.WAITING}
    if not answers or (text and not conversation.visitor.inbox.read_ahead):
        return None
    [heard] = classifier.sentiment_classifier().score([text])
    seq, author = conversation.last_seq + 1, Message.Author.CUSTOMER
    return turn_at(
        conversation, Message(seq=seq, author=author, text=text, intents=[*heard.intents])
    )


def turn_of(reply: Reply) -> Turn:
    """Return the turn that the reply answers, with the CRM actions it may offer."""
    turn = turn_at(reply.conversation, reply.question)
    return replace(turn, offers=crm_requests.offers(reply.conversation))


def turn_at(conversation: Conversation, question: Message) -> Turn:
    """Join the customer's messages since the last answer, by the bot or an agent, into one turn.

    Notices of the system do not count as answers, and are left out of the history because a model
    that reads them repeats them.
    """
    first = question.seq == 1
    before = [] if first else SPOKEN.all(conversation=conversation.id, seq=question.seq)
    messages = [*before[::-1], question]
    last = max((m.seq for m in messages if m.author != Message.Author.CUSTOMER), default=0)
    waiting = conversation.state == conversation.State.WAITING
    reply = next((m for m in messages if m.seq == last), None)
    choices = tuple(reply.choices) if reply else ()
    # Files are not read, so a message without text says nothing.
    written = [m for m in messages if m.text]
    new = [m for m in written if m.seq > last and m.author == Message.Author.CUSTOMER]
    inbox = conversation.visitor.inbox
    turn = Turn(
        text="\n".join(m.text for m in new) or question.text,
        customer=conversation.visitor.customer_id,
        inbox=inbox.key,
        history=tuple((m.author, m.text) for m in written if m.seq <= last),
        cited=tuple(
            tuple(str(row["id"]) for row in m.citations) for m in reversed(written) if m.citations
        ),
        alert=conversation.alert,
        alert_quote=conversation.alert_quote,
        unanswered=conversation.unanswered,
        mood=conversation.mood or 0.0,
        choices=choices,
        offered=offers_colleague(getattr(reply, "ending", ""), choices) and not waiting,
        waiting=waiting,
        intents=intents_of(new),
        known=tuple(known_of(conversation.visitor.customer)) if settings.MASK_FOR_MODEL else (),
    )
    return guided(turn, inbox, [message.text for message in new])


def spoken_before() -> QuerySet[Message]:
    """Select the newest messages of the customer, the bot and agents before a given one, with how
    the bot's answers ended."""
    conversation, seq = Given(Message, "conversation"), Given(Message, "seq")
    earlier = Message.objects.filter(conversation=conversation, seq__lt=seq)
    spoken = earlier.exclude(author=Message.Author.SYSTEM).annotate(ending=F("trace__state"))
    return spoken.order_by("-seq")[: HISTORY - 1]


SPOKEN = Select(spoken_before)


def intents_of(messages: Sequence[Message]) -> frozenset[str]:
    """Return what was heard in any of the messages; small talk only if all are small talk."""
    heard = [set(message.intents) for message in messages]
    chat = {"chat"} if heard and all("chat" in one for one in heard) else set()
    return frozenset(set().union(*heard) - {"chat"} | chat)


# --- recovery


async def recover() -> int:
    """Finish replies whose process died or that no process has claimed. Returns how many."""
    tasks = await take_over()
    await asyncio.gather(*tasks, return_exceptions=True)
    return len(tasks)


async def take_over() -> list[asyncio.Task[None]]:
    """Start abandoned replies again. They are not awaited: a slow one must not delay those
    abandoned later."""
    rows = await in_thread(listed)
    return [
        tracked(conversation, run(reply))
        for reply, conversation in rows
        if conversation not in _running
    ]


def abandoned() -> QuerySet[Reply]:
    """Select the open replies, except new ones that their own process may still be about to
    claim."""
    settled = timezone.now() - timedelta(seconds=RECOVERY_INTERVAL + settings.REPLY_SETTLE)
    return Reply.objects.filter(replies.claimable(), created_at__lt=settled)


def listed() -> list[tuple[int, Any]]:
    oldest = abandoned().order_by("created_at")[:RECOVERED]
    return list(oldest.values_list("id", "conversation_id"))


def recovery() -> Job:
    return Job(RECOVERY_INTERVAL, take_over, "recovery of replies failed", abandoned)


async def release_claims() -> None:
    """Release this process's replies as it ends, so that another can claim them at once."""
    tasks = list(_running.values())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await in_thread(replies.release, WORKER)
