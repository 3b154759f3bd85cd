"""What all changes to a conversation have in common.

Each change is one transaction, and the sockets hear of it after the commit. `customers.py` has
what customers do, `replies.py` what the bot does, `agents.py` what agents do, and `crm_requests.py`
what customers ask the CRM for. Besides these, `mail.py` notes what was mailed, and
`privacy/retention.py` and `receivers.py` redact, delete and move conversations. News is only a
hint: readers fetch what they have missed from the database.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from chatbot.attachments import store
from chatbot.conversation import events, summary
from chatbot.models import Attachment, Conversation, Inbox, Message, Reply, Visitor
from chatbot.people import away
from chatbot.people.names import name_of
from chatbot.wire import hints, protocol
from chatbot.wire.errors import Refused
from crm.plumbing.compiled import Given, Select, Update
from crm.plumbing.memory import Memory

Author = Message.Author
State = Conversation.State
OPEN_REPLIES = [Reply.Status.PENDING, Reply.Status.RUNNING]


def announce(conversation: Conversation, message: Message | None = None, **event: Any) -> None:
    """Send news to every socket of the conversation once this transaction is committed."""
    hint = {"type": "conversation.news", **event}
    if agent := answering(conversation):
        hint["agent"] = agent
    if message:
        hint |= {"seq": message.seq, "message": protocol.encode(frame_of(message))}
    transaction.on_commit(lambda: hints.announce(conversation.id, hint))


def answering(conversation: Conversation) -> str:
    """Return the name of the agent who has the conversation, or ""."""
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
        choices=message.choices,
        attachments=[store.with_link(file) for file in message.attachments],
        feedback=message.feedback,
        by=name_of(message.agent) if message.agent else "",
    )


def to_lock() -> QuerySet[Conversation]:
    """Select a conversation to lock it, with its visitor's inbox and customer."""
    # Not joined with its agent: PostgreSQL reads the row again once it has the lock, but not the
    # rows joined to it, so an agent who has just taken it over would be missing.
    rows = Conversation.objects.select_for_update(of=("self",)).order_by()
    joined = rows.annotate(inbox=F("visitor__inbox_id"), customer=F("visitor__customer_id"))
    return joined.filter(id=Given(Conversation, "id"))


LOCKED = Select(to_lock)
COLUMNS = [field for field in Conversation._meta.local_concrete_fields if not field.primary_key]
SAVED = Update(
    lambda: Conversation.objects.filter(id=Given(Conversation, "id")),
    *(field.name for field in COLUMNS),
)


def locked(conversation_id: Any, select: Select = LOCKED, **given: Any) -> Conversation:
    """Reload the conversation and lock it until this transaction ends. Its inbox may be as old as a
    Memory keeps it. select: `to_lock` with more annotations; given: the values that these need."""
    conversation = select.first(id=conversation_id, **given)
    if conversation is None:
        raise Conversation.DoesNotExist
    columns = [conversation.visitor_id, conversation.inbox, conversation.customer]
    visitor = Visitor.from_db("default", ["id", "inbox_id", "customer_id"], columns)
    visitor.inbox = inbox_of(visitor.inbox_id)
    conversation.visitor = visitor
    return conversation


# A reply may follow the tone, alert rules and hours that the inbox had two seconds ago.
inbox_of: Memory[int, Inbox] = Memory(lambda id: Inbox.objects.get(id=id), "chatbot.Inbox")


def append(
    conversation: Conversation,
    author: str,
    text: str,
    files: Sequence[Attachment] = (),
    **values: Any,
) -> Message:
    """Append a message to a locked conversation under the next number, and save all changes of the
    conversation. The lock keeps the numbers unique."""
    conversation.last_seq += 1
    conversation.last_message_at = timezone.now()
    columns = {field.name: getattr(conversation, field.attname) for field in COLUMNS}
    SAVED.run(columns, id=conversation.id)
    message = Message.objects.create(
        conversation=conversation,
        seq=conversation.last_seq,
        author=author,
        text=text,
        at=conversation.last_message_at,
        attachments=[store.described(file) for file in files],
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
    rows = Message.objects.filter(conversation=conversation, client_id=client_id)
    return rows.order_by("seq").first()


def supersede(conversation: Conversation) -> None:
    conversation.replies.filter(status__in=OPEN_REPLIES).update(status=Reply.Status.SUPERSEDED)


def wait_for_person(conversation: Conversation, reason: str, quote: str = "") -> None:
    conversation.state = State.WAITING
    conversation.handoff_reason, conversation.handoff_quote = reason[:300], quote[:300]
    conversation.waiting_since, conversation.away_at = timezone.now(), None
    summary.schedule(conversation)
    events.handed_off(conversation)


def say_if_nobody_is_there(conversation: Conversation) -> bool:
    """Tell a waiting customer that no agent is there, once for each time that they ask for one.
    The conversation is locked."""
    if conversation.state != State.WAITING or conversation.away_at:
        return False
    if not (text := away.notice(conversation)):
        return False
    conversation.away_at = timezone.now()
    message = append(conversation, Author.SYSTEM, text)
    announce(conversation, message, state=State.WAITING, away=True)
    return True


def nobody_came(conversation_id: Any) -> None:
    """Tell a waiting customer that the agents have left since they asked for one."""
    with transaction.atomic():
        say_if_nobody_is_there(locked(conversation_id))


def change_owner(conversation: Conversation, state: str) -> bool:
    """Change the state of a locked conversation, which the caller saves, and drop open replies.
    Returns False if nothing changes."""
    if conversation.state in {state, State.CLOSED}:
        return False
    conversation.state = state
    conversation.version += 1
    conversation.waiting_since = None
    if state == State.CLOSED:
        conversation.closed_at = timezone.now()
        summary.schedule(conversation)
        events.resolved(conversation)
    supersede(conversation)
    return True
