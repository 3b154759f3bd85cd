"""What customers and the bot do to a conversation; `agents.py` has the agents' part, `requests.py`
what customers ask the CRM for, and nothing else changes one. Each change is one transaction; news
of it leaves when it has been committed, as a hint: readers fetch what they miss from the database.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from chatbot import alerts, away, engines, events, hints, metrics, protocol, summary
from chatbot.attachments import store
from chatbot.models import Attachment, Conversation, Message, Reply, Visitor
from chatbot.names import name_of
from chatbot.protocol import Refused
from inference.sentiment import Sentiment
from inference.text import blank, written

Author = Message.Author
State = Conversation.State
MAX_ATTEMPTS = 3
RATED_WITHIN = timedelta(hours=1)
GAVE_UP = (
    "I couldn't finish that answer, I'm sorry. "
    "I'm passing you to a colleague, who will answer here."
)
OPEN_REPLIES = [Reply.Status.PENDING, Reply.Status.RUNNING]


def announce(conversation: Conversation, message: Message | None = None, **event: Any) -> None:
    """Tell every socket of the conversation, once this transaction has been committed."""
    hint = {"type": "conversation.news", **event}
    if agent := answering(conversation):
        hint["agent"] = agent
    if message:
        hint |= {"seq": message.seq, "message": protocol.encode(frame_of(message))}
    transaction.on_commit(lambda: hints.announce(conversation.id, hint))


def answering(conversation: Conversation) -> str:
    """Who the customer talks to; "" while it is no person."""
    agent = conversation.agent if conversation.state == State.AGENT else None
    return name_of(agent) if agent else ""


def frame_of(message: Message) -> protocol.MessageFrame:
    return protocol.MessageFrame(
        seq=message.seq,
        author=message.author,
        text=message.text,
        at=message.at,
        id=message.client_id,
        citations=message.citations,
        attachments=[store.with_link(one) for one in message.attachments],
        feedback=message.feedback,
        by=name_of(message.agent) if message.agent else "",
    )


def conversation_of(visitor: Visitor) -> Conversation:
    """The visitor's open conversation; a new one when there is none."""
    with transaction.atomic():
        # Two tabs may say hello at once: the visitor's row lets one of them create.
        Visitor.objects.select_for_update().get(id=visitor.id)
        found = visitor.conversations.exclude(state=State.CLOSED).order_by("-created_at").first()
        if found is None:
            found = Conversation.objects.create(visitor=visitor)
            events.conversation_created(found)
        return found


def locked(conversation_id: Any) -> Conversation:
    """As it is now, and nobody else changes it before this transaction ends."""
    # Not joined with its agent: PostgreSQL reads the row anew once the lock is there, but not what
    # was joined to it, and who has just taken it would be missing.
    rows = Conversation.objects.select_for_update(of=("self",))
    return rows.select_related("visitor__inbox", "visitor__customer").get(id=conversation_id)


def append(
    conversation: Conversation,
    author: str,
    text: str,
    files: Sequence[Attachment] = (),
    **values: Any,
) -> Message:
    """Add a message under the next number to a locked conversation, and save that with all
    else that was set: no number comes twice."""
    conversation.last_seq += 1
    conversation.last_message_at = timezone.now()
    conversation.save()
    message = Message.objects.create(
        conversation=conversation,
        seq=conversation.last_seq,
        author=author,
        text=text,
        at=conversation.last_message_at,
        attachments=[store.described(one) for one in files],
        **values,
    )
    if files:
        store.bind(message, files)
    events.message_created(conversation, message)
    return message


def receive(
    conversation: Conversation,
    client_id: str,
    text: str,
    worker: str = "",
    attachments: Sequence[str] = (),
) -> tuple[Message, Reply | None]:
    """Store a customer's message, its sentiment, its files, and the reply it asks for, in one
    transaction. worker: who starts on the reply at once, and has claimed it thereby.

    Sending the same client_id again gives the message that is already there, and no reply.
    """
    # Files alone say nothing that could be heard.
    text = "" if blank(text) else text
    sentiment = engines.sentiment_classifier().score([text])[0] if text else None
    with transaction.atomic():
        # Under the lock: the same message may come by two sockets at once.
        conversation = locked(conversation.id)
        if known := by_client_id(conversation, client_id):
            return known, None
        check_open(conversation, client_id)
        files = claimed_files(conversation, attachments, client_id)
        if sentiment:
            alerts.feel(conversation, text, sentiment)
        felt = columns(sentiment) if sentiment else {}
        message = append(conversation, Author.CUSTOMER, text, files, client_id=client_id, **felt)
        reply = ask_for_reply(conversation, message, worker)
        announce(conversation, message)
        transaction.on_commit(lambda: metrics.received(message.label or "none"))
    return message, reply


def claimed_files(
    conversation: Conversation, ids: Sequence[str], client_id: str, agent: User | None = None
) -> list[Attachment]:
    try:
        return store.claim(conversation, ids, agent)
    except Refused as refused:
        raise Refused(refused.code, refused.text, id=client_id) from None


def by_client_id(conversation: Conversation, client_id: str) -> Message | None:
    if not conversation.last_seq:
        return None
    found = Message.objects.filter(conversation=conversation, client_id=client_id)
    return found.order_by("seq").first()


def check_open(conversation: Conversation, client_id: str) -> None:
    if conversation.state == State.CLOSED:
        text = "This conversation is closed. Please start a new one."
        raise Refused("closed", text, id=client_id)
    if conversation.last_seq >= settings.CONVERSATION_MAX_MESSAGES:
        text = "This conversation is full. Please close it and start a new one."
        raise Refused("full", text, id=client_id)


def columns(sentiment: Sentiment) -> dict[str, Any]:
    return {
        "label": sentiment.label,
        "score": sentiment.score,
        "confidence": sentiment.confidence,
    }


def ask_for_reply(conversation: Conversation, message: Message, worker: str) -> Reply | None:
    """One reply per turn: a newer message takes the place of a reply that is still open."""
    if conversation.state == State.AGENT:
        return None
    if message.seq > 1:
        supersede(conversation)
    claimed = claim_of(worker) | {"attempts": 1} if worker else {}
    return Reply.objects.create(
        conversation=conversation, question=message, version=conversation.version, **claimed
    )


def supersede(conversation: Conversation) -> None:
    conversation.replies.filter(status__in=OPEN_REPLIES).update(status=Reply.Status.SUPERSEDED)


# --- the reply's life


def claimable() -> Q:
    now = timezone.now()
    expired = Q(status=Reply.Status.RUNNING, lease_until__lt=now)
    return Q(status=Reply.Status.PENDING) | expired


def claim(reply_id: int, worker: str) -> Reply | None:
    """The reply, if this worker has won it: a conditional UPDATE decides between processes."""
    free = Reply.objects.filter(claimable(), id=reply_id)
    if not free.update(**claim_of(worker), attempts=F("attempts") + 1):
        return None
    reply = Reply.objects.select_related("conversation__visitor", "question").get(id=reply_id)
    if reply.attempts > MAX_ATTEMPTS:
        give_up(reply)
        return None
    return reply


def claim_of(worker: str) -> dict[str, Any]:
    return {"status": Reply.Status.RUNNING, "worker": worker, "lease_until": lease()}


def lease() -> datetime:
    return timezone.now() + timedelta(seconds=settings.REPLY_LEASE)


def mine(reply: Reply) -> QuerySet[Reply]:
    """The reply, as long as the claim on it stands."""
    return Reply.objects.filter(
        id=reply.id, status=Reply.Status.RUNNING, worker=reply.worker, attempts=reply.attempts
    )


def stands(reply: Reply) -> bool:
    """False: nothing more may be shown."""
    return unanswered_by_people(reply).exists()


def renew(reply: Reply) -> bool:
    """False: the claim no longer stands."""
    return bool(unanswered_by_people(reply).update(lease_until=lease()))


def unanswered_by_people(reply: Reply) -> QuerySet[Reply]:
    return mine(reply).exclude(conversation__state__in=[State.AGENT, State.CLOSED])


def release(worker: str) -> None:
    """The worker ends in good order: its replies wait for another, and it was no failed attempt."""
    Reply.objects.filter(worker=worker, status=Reply.Status.RUNNING).update(
        status=Reply.Status.PENDING, worker="", lease_until=None, attempts=F("attempts") - 1
    )


def finish(
    reply: Reply, state: str, text: str, citations: list[Any], quote: str = "", **trace: Any
) -> bool:
    """Post the answer, if the claim still stands. False: a newer message, an agent or another
    process has taken its place, and nothing was posted."""
    with transaction.atomic(savepoint=False):
        conversation = locked(reply.conversation_id)
        silent = conversation.state in {State.AGENT, State.CLOSED}
        silent = silent or conversation.version != reply.version
        status = Reply.Status.SUPERSEDED if silent else Reply.Status.DONE
        if not mine(reply).update(status=status, state=state, lease_until=None, **trace) or silent:
            return False
        after_answer(conversation, state, trace.get("reason", ""), quote)
        answer = append(conversation, Author.BOT, text, citations=citations)
        Reply.objects.filter(id=reply.id).update(answer=answer)
        announce(conversation, answer, state=conversation.state, reply="done")
        say_if_nobody_is_there(conversation)
    return True


def after_answer(conversation: Conversation, state: str, reason: str, quote: str) -> None:
    """Count what was not on record, and pass the conversation on when the answer said so."""
    if state == "answered":
        conversation.unanswered = 0
    elif state == "refused":
        conversation.unanswered += 1
    elif state == "handoff" and conversation.state == State.BOT:
        wait_for_person(conversation, reason, quote)
        conversation.unanswered = 0


def wait_for_person(conversation: Conversation, reason: str, quote: str = "") -> None:
    conversation.state = State.WAITING
    conversation.handoff_reason, conversation.handoff_quote = reason[:300], quote[:300]
    conversation.waiting_since, conversation.away_at = timezone.now(), None
    summary.want(conversation)
    events.handed_off(conversation)


def say_if_nobody_is_there(conversation: Conversation) -> bool:
    """Of a locked conversation: once for each time that a person is wanted."""
    if conversation.state != State.WAITING or conversation.away_at:
        return False
    if not (text := away.notice(conversation)):
        return False
    conversation.away_at = timezone.now()
    message = append(conversation, Author.SYSTEM, text)
    announce(conversation, message, state=State.WAITING, away=True)
    return True


def give_up(reply: Reply) -> None:
    """A reply that ended its process several times must not end another."""
    finish(reply, "handoff", GAVE_UP, [], reason=f"No answer after {MAX_ATTEMPTS} attempts.")


# --- what the customer may do besides writing


def hand_off(conversation: Conversation, reason: str) -> None:
    with transaction.atomic():
        conversation = locked(conversation.id)
        if conversation.state != State.BOT:
            return
        wait_for_person(conversation, reason)
        if say_if_nobody_is_there(conversation):
            return
        text = "A colleague has been asked to join this conversation."
        message = append(conversation, Author.SYSTEM, text)
        announce(conversation, message, state=State.WAITING)


def nobody_came(conversation_id: Any) -> None:
    """Somebody was there when a person was asked for, and has left since."""
    with transaction.atomic():
        say_if_nobody_is_there(locked(conversation_id))


def leave_contact(conversation: Conversation, email: str, confirmed: bool = False) -> None:
    """Where the customer can be written to; "" is the address that the CRM has of them. Leaving the
    same one again changes nothing."""
    with transaction.atomic():
        conversation = locked(conversation.id)
        customer = conversation.visitor.customer
        address = email or (away.on_record(customer) if customer else "")
        if conversation.state == State.CLOSED:
            raise Refused("closed", "This conversation is closed. Please start a new one.")
        if not address:
            raise Refused("invalid_email", "Please write an address like name@example.com.")
        if address == conversation.contact_email and conversation.contact_confirmed >= confirmed:
            return
        conversation.contact_email, conversation.contact_confirmed = address, confirmed
        sent = settings.EMAIL_HOST and not confirmed
        message = append(conversation, Author.SYSTEM, away.LINK_SENT if sent else away.THANKS)
        events.lead_captured(conversation)
        announce(conversation, message, away=True, contact=True)


def confirm_contact(conversation_id: Any, email: str) -> None:
    """Its reader wants to be written to there, unless another has been left meanwhile."""
    with transaction.atomic():
        conversation = locked(conversation_id)
        conversation.contact_confirmed |= conversation.contact_email == email
        conversation.save(update_fields=["contact_confirmed"])


def answers_to_mail(conversation_id: Any) -> list[Message]:
    """What agents wrote and the customer, who left an address, has not read; each is given once."""
    with transaction.atomic():
        conversation = locked(conversation_id)
        known = max(conversation.read_seq, conversation.mailed_seq)
        written = conversation.messages.filter(author=Author.AGENT, seq__gt=known)
        found = list(written.order_by("seq").select_related("agent"))
        if not found or not conversation.contact_confirmed:
            return []
        conversation.mailed_seq = found[-1].seq
        conversation.save(update_fields=["mailed_seq"])
    return found


def close(conversation: Conversation) -> None:
    with transaction.atomic():
        conversation = locked(conversation.id)
        if change_owner(conversation, State.CLOSED):
            conversation.save()
            announce(conversation, state=State.CLOSED)


def change_owner(conversation: Conversation, state: str) -> bool:
    """Of a locked conversation, which the caller saves. What the bot was about to say stays unsaid.
    False: no change."""
    if conversation.state in {state, State.CLOSED}:
        return False
    conversation.state = state
    conversation.version += 1
    conversation.waiting_since = None
    if state == State.CLOSED:
        conversation.closed_at = timezone.now()
        summary.want(conversation)
        events.resolved(conversation)
    supersede(conversation)
    return True


def rate(conversation: Conversation, score: int, comment: str) -> None:
    """How satisfied the customer was; changed as often as they like for an hour."""
    with transaction.atomic():
        conversation = locked(conversation.id)
        closed = conversation.closed_at
        if conversation.state != State.CLOSED or closed is None:
            raise Refused("not_closed", "Please rate the conversation once it is closed.")
        if timezone.now() > closed + RATED_WITHIN:
            raise Refused("too_late", "This conversation can no longer be rated.")
        conversation.csat, conversation.csat_comment = score, written(comment)
        conversation.csat_at = timezone.now()
        conversation.save(update_fields=["csat", "csat_comment", "csat_at"])
        events.csat_submitted(conversation)
        announce(conversation)


def mark_read(conversation: Conversation, seq: int) -> bool:
    """False: that was known."""
    found = Conversation.objects.filter(id=conversation.id, read_seq__lt=seq, last_seq__gte=seq)
    return bool(found.update(read_seq=seq))


def give_feedback(conversation: Conversation, seq: int, value: int) -> None:
    found = Message.objects.filter(conversation=conversation, seq=seq, author=Author.BOT)
    with transaction.atomic():
        if not found.update(feedback=value):
            raise Refused("not_found", "Feedback belongs to an answer of the bot.")
        events.feedback_given(conversation, found.get())
