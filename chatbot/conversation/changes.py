"""Changes of a conversation: each is one transaction, and news of it leaves once that is committed.

`customers.py` has what customers do, `replies.py` the bot's part, `agents.py` the agents', and
`crm_requests.py` what customers ask the CRM for; nothing else changes a conversation. News is a
hint: readers fetch what they miss from the database.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chatbot.attachments import store
from chatbot.conversation import events, summary
from chatbot.models import Attachment, Conversation, Message, Reply
from chatbot.people import away
from chatbot.people.names import name_of
from chatbot.wire import hints, protocol
from chatbot.wire.errors import Refused

Author = Message.Author
State = Conversation.State
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


def supersede(conversation: Conversation) -> None:
    conversation.replies.filter(status__in=OPEN_REPLIES).update(status=Reply.Status.SUPERSEDED)


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


def nobody_came(conversation_id: Any) -> None:
    """Somebody was there when a person was asked for, and has left since."""
    with transaction.atomic():
        say_if_nobody_is_there(locked(conversation_id))


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
