"""What agents do: take a conversation over, write, pass it on, hand it back, close it, correct.

At most one of them has a conversation. Whoever takes it changes its version, and what the bot
began for the version before is not posted.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chatbot.conversation import events
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
from inference.sentiment import LABELS
from inference.text import blank

JOINED = "{} from our team is with you now."
HANDED_BACK = "Our assistant answers you again. A person is always a word away."
PASSED_ON = "Our team {} takes this over and answers you here."
HAD_TO_LEAVE = "{} had to leave. The next of our colleagues who is free answers you here."
CLOSED = "This conversation was closed by {}."
LONGEST_NOTE = 4_000
LONGEST_SNOOZE = 7 * 24 * 60


def take_over(conversation: Conversation, agent: User) -> None:
    """From this commit on a person answers, and the bot is silent."""
    with transaction.atomic():
        conversation = locked(conversation.id)
        if conversation.agent_id == agent.id and conversation.state == State.AGENT:
            return
        check_free(conversation)
        change_owner(conversation, State.AGENT)
        give_to(conversation, agent)


def assign(conversation: Conversation, agent: User) -> bool:
    """As `take_over`, where the agent has room. Their row is locked: two processes must not give
    them one too many."""
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
    """Locked. Refused, where somebody else has it by now."""
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
    """Sending the same client_id again gives the message that is already there."""
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
    """To a colleague, who has it at once."""
    with transaction.atomic():
        conversation = owned(conversation, agent)
        give_to(conversation, to)


def pass_to_team(conversation: Conversation, agent: User, team: Team) -> None:
    """It waits again, for one of them."""
    with transaction.atomic():
        conversation = owned(conversation, agent)
        conversation.team = team
        reason = f"{name_of(agent)} passed it on to {team}."
        back_in_line(conversation, reason, PASSED_ON.format(team))


def take_from_who_left(conversation_id: UUID) -> None:
    """A deserted conversation waits again."""
    with transaction.atomic():
        conversation = locked(conversation_id)
        # Asked anew under the lock: its agent may have answered, or be there again.
        if presence.deserted().filter(id=conversation_id).exists():
            name = name_of(conversation.agent) if conversation.agent else "Our colleague"
            back_in_line(conversation, f"{name} left it unanswered.", HAD_TO_LEAVE.format(name))


def back_in_line(conversation: Conversation, reason: str, told: str) -> None:
    """A locked conversation; the bot helps until somebody takes it."""
    conversation.agent = None
    conversation.version += 1
    wait_for_person(conversation, reason)
    message = append(conversation, Author.SYSTEM, told)
    announce(conversation, message, state=State.WAITING)
    say_if_nobody_is_there(conversation)


def hand_back(conversation: Conversation, agent: User, worker: str = "") -> Reply | None:
    """To the bot, which reads what was said meanwhile. Where the customer has had no answer to
    their last message, this is the reply it asks for; worker: who starts on it."""
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
        # The one that the take-over broke off.
        Reply.objects.filter(question=last, answer=None).delete()
        return ask_for_reply(conversation, last, worker)


def resolve(conversation: Conversation, agent: User) -> None:
    """An alert or a wish for a person ends with it. Nobody else's conversation is closed."""
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
    """The alert calls nobody until it gets worse."""
    with transaction.atomic():
        conversation = locked(conversation.id)
        conversation.alert_seen = True
        conversation.save(update_fields=["alert_seen"])
        announce(conversation)


def snooze(conversation: Conversation, agent: User, minutes: int) -> None:
    """No alert of it calls anybody for so long."""
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
        written = Note.objects.create(conversation=conversation, agent=agent, text=text)
        announce(conversation, note=written.id)
    return written


def correct(message: Message, label: str, agent: User) -> Correction:
    """Keep what the agent heard in a customer's message; the last word on a message counts.

    The message itself keeps what the classifier said: that is what the corrections measure.
    """
    if message.author != Author.CUSTOMER or not message.text:
        raise Refused("not_found", "Only a customer's message has a sentiment to correct.")
    if label not in LABELS:
        raise Refused("invalid", f"The label must be one of: {', '.join(LABELS)}.")
    correction, _ = Correction.objects.update_or_create(
        message=message, defaults={"label": label, "agent": agent, "at": timezone.now()}
    )
    return correction
