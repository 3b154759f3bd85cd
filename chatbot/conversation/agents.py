"""What agents do to a conversation: take it over, write, pass it on, hand it back, close, correct.

At most one agent has a conversation. A take-over changes its version, and a reply that the bot
began for an earlier version is not posted.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chatbot.conversation import alerts, events
from chatbot.conversation.changes import (
    Author,
    State,
    announce,
    append,
    by_client_id,
    change_owner,
    claimed_files,
    locked,
    say_if_nobody_is_there,
    wait_for_person,
)
from chatbot.conversation.replies import ask_for_reply
from chatbot.models import Conversation, Correction, Message, Note, Presence, Reply, Team
from chatbot.people import presence
from chatbot.people.names import name_of
from chatbot.wire.errors import Refused
from inference.sentiment import LABELS, UNKNOWN
from inference.text import blank

JOINED = "{} from our team is with you now."
HANDED_BACK = "Our assistant is answering you again. You can ask for a person at any time."
PASSED_ON = "Our team {} is taking this over and will answer you here."
HAD_TO_LEAVE = "{} had to leave. The next colleague who is free will answer you here."
CLOSED = "This conversation was closed by {}."
LONGEST_NOTE = 4_000
LONGEST_SNOOZE = 7 * 24 * 60


def take_over(conversation: Conversation, agent: User) -> None:
    """Give the conversation to the agent; from this commit on the bot is silent."""
    with transaction.atomic():
        conversation = locked(conversation.id)
        if conversation.agent_id == agent.id and conversation.state == State.AGENT:
            return
        check_free(conversation)
        change_owner(conversation, State.AGENT)
        conversation.alert_seen = True
        give_to(conversation, agent)


def assign(conversation: Conversation, agent: User) -> bool:
    """Take the conversation over for the agent if they have room. Their row is locked, so that two
    processes do not give them one too many."""
    with transaction.atomic():
        place = Presence.objects.select_for_update().get(user=agent)
        busy = Conversation.objects.filter(agent=agent, state=State.AGENT).count()
        if busy >= place.capacity:
            return False
        take_over(conversation, agent)
    return True


def check_free(conversation: Conversation) -> None:
    if conversation.state == State.CLOSED:
        raise Refused("closed", "This conversation is closed.")
    if conversation.state == State.AGENT and conversation.agent:
        raise Refused("taken", f"{name_of(conversation.agent)} has this conversation.")


def give_to(conversation: Conversation, agent: User) -> None:
    conversation.agent, conversation.team = agent, None
    events.assigned(conversation)
    message = append(conversation, Author.SYSTEM, JOINED.format(name_of(agent)))
    announce(conversation, message, state=conversation.state)


def owned(conversation: Conversation, agent: User) -> Conversation:
    """Lock and return the conversation. Raises Refused unless the agent has it."""
    conversation = locked(conversation.id)
    if conversation.state == State.CLOSED:
        raise Refused("closed", "This conversation is closed.")
    if conversation.state != State.AGENT or conversation.agent_id != agent.id:
        raise Refused("not_yours", "Take this conversation over first.")
    return conversation


def say(
    conversation: Conversation,
    agent: User,
    client_id: str,
    text: str,
    attachments: Sequence[str] = (),
) -> Message:
    """Append the agent's message. If the client_id was sent before, returns that message."""
    own_id = f"{agent.id}:{client_id}"[:64]
    text = "" if blank(text) else text
    with transaction.atomic():
        conversation = owned(conversation, agent)
        if known := by_client_id(conversation, own_id):
            return known
        files = claimed_files(conversation, attachments, client_id, agent)
        message = append(conversation, Author.AGENT, text, files, client_id=own_id, agent=agent)
        announce(conversation, message)
    return message


def pass_on(conversation: Conversation, agent: User, to: User) -> None:
    """Pass the conversation to a colleague, who has it at once."""
    with transaction.atomic():
        conversation = owned(conversation, agent)
        give_to(conversation, to)


def pass_to_team(conversation: Conversation, agent: User, team: Team) -> None:
    """Return the conversation to the queue, for somebody in the team."""
    with transaction.atomic():
        conversation = owned(conversation, agent)
        conversation.team = team
        reason = f"{name_of(agent)} passed it on to {team}."
        requeue(conversation, reason, PASSED_ON.format(team))


def requeue_deserted(conversation_id: UUID) -> None:
    """Return a conversation to the queue if its agent is still gone."""
    with transaction.atomic():
        conversation = locked(conversation_id)
        # Checked again under the lock: the agent may have answered, or be back.
        if presence.deserted().filter(id=conversation_id).exists():
            name = name_of(conversation.agent) if conversation.agent else "Our colleague"
            requeue(conversation, f"{name} left it unanswered.", HAD_TO_LEAVE.format(name))


def requeue(conversation: Conversation, reason: str, notice: str) -> None:
    """Return a locked conversation to the queue. The bot answers until somebody takes it."""
    conversation.agent = None
    conversation.version += 1
    wait_for_person(conversation, reason)
    message = append(conversation, Author.SYSTEM, notice)
    announce(conversation, message, state=State.WAITING)
    say_if_nobody_is_there(conversation)


def hand_back(conversation: Conversation, agent: User, worker: str = "") -> Reply | None:
    """Hand the conversation back to the bot, which reads what was written meanwhile.

    If the customer's last message has no answer, returns the Reply for it, claimed by `worker`.
    """
    with transaction.atomic():
        conversation = owned(conversation, agent)
        spoken = conversation.messages.exclude(author=Author.SYSTEM)
        last = spoken.order_by("-seq").first()
        change_owner(conversation, State.BOT)
        conversation.agent = None
        message = append(conversation, Author.SYSTEM, HANDED_BACK)
        announce(conversation, message, state=State.BOT)
        if last is None or last.author != Author.CUSTOMER:
            return None
        # The reply that the take-over interrupted.
        Reply.objects.filter(question=last, answer=None).delete()
        return ask_for_reply(conversation, last, worker)


def resolve(conversation: Conversation, agent: User) -> None:
    """Close the conversation, unless another agent has it. This also ends its alert and its wait
    for a person."""
    with transaction.atomic():
        conversation = locked(conversation.id)
        if conversation.agent_id != agent.id:
            check_free(conversation)
        conversation.agent = agent
        if not change_owner(conversation, State.CLOSED):
            return
        message = append(conversation, Author.SYSTEM, CLOSED.format(name_of(agent)))
        announce(conversation, message, state=State.CLOSED)


def acknowledge(conversation: Conversation, agent: User) -> None:
    """Silence the alert until it gets worse."""
    with transaction.atomic():
        conversation = locked(conversation.id)
        conversation.alert_seen = True
        conversation.save(update_fields=["alert_seen"])
        announce(conversation)


def snooze(conversation: Conversation, agent: User, minutes: int) -> None:
    """Silence all alerts of the conversation for some minutes."""
    if not 1 <= minutes <= LONGEST_SNOOZE:
        raise Refused("invalid", f"Snooze for 1 to {LONGEST_SNOOZE} minutes.")
    with transaction.atomic():
        conversation = locked(conversation.id)
        conversation.snoozed_until = timezone.now() + timedelta(minutes=minutes)
        conversation.save(update_fields=["snoozed_until"])
        announce(conversation)


def note(conversation: Conversation, agent: User, text: str) -> Note:
    if blank(text):
        raise Refused("empty", "The note is empty.")
    if len(text) > LONGEST_NOTE:
        raise Refused("invalid", f"A note has 1 to {LONGEST_NOTE} characters.")
    with transaction.atomic():
        created = Note.objects.create(conversation=conversation, agent=agent, text=text)
        announce(conversation, note=created.id)
    return created


def correct(message: Message, label: str, agent: User) -> Correction:
    """Store the agent's label for a customer's message; the last correction counts, and changes the
    mood of the conversation at once.

    The message keeps the classifier's label, against which corrections are measured.
    """
    if message.author != Author.CUSTOMER or not message.text:
        raise Refused("not_found", "Only a customer's message has a sentiment to correct.")
    if message.label == UNKNOWN:
        raise Refused("invalid", "This message is in a language that the classifier does not know.")
    if label not in LABELS:
        raise Refused("invalid", f"The label must be one of: {', '.join(LABELS)}.")
    with transaction.atomic():
        conversation = locked(message.conversation_id)
        correction, _ = Correction.objects.update_or_create(
            message=message, defaults={"label": label, "agent": agent, "at": timezone.now()}
        )
        alerts.correct_mood(conversation)
        conversation.save()
        announce(conversation)
    return correction
