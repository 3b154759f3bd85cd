"""Customers' requests to the CRM: offered by the bot, confirmed by the customer, sent once,
answered by the CRM.

    proposed ──confirm──▶ sent ──the CRM──▶ accepted, refused
       │                   └──too late──▶ unanswered ──the CRM──▶ accepted, refused
       └──▶ dismissed, expired

Each change locks the conversation first, like all changes of a conversation (`changes.py`).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from chatbot.conversation import action_forms, events
from chatbot.conversation.changes import Author, announce, append, locked, wait_for_person
from chatbot.models import Action, ActionRequest, Conversation
from chatbot.wire.errors import Refused
from chatbot.wire.protocol import ActionFrame
from crm.action_answers import Answer
from crm.outbound import outbox
from crm.plumbing.memory import Memory

State = ActionRequest.State
OPEN_FOR = timedelta(hours=24)
# States in which the CRM may still answer.
AWAITED = [State.SENT, State.UNANSWERED]
SHOWN = 20
SENT = "You asked us to: {}."
ACCEPTED, REFUSED = "{}: accepted.", "{}: this could not be done."
SILENT = (
    "We have had no answer to your request yet ({}). "
    "A colleague has been asked to take care of it, and will answer you here."
)
SILENT_REASON = "No answer from the CRM to: {}."
GONE = "This is no longer open. Please ask again if you still want it."


# --- offers


@dataclass(frozen=True)
class Offer:
    """An action that the inbox offers; `words`: its name, and what customers say to ask for it."""

    action: int
    words: tuple[str, ...]


def offered(conversation: Conversation) -> QuerySet[Action]:
    """Select the actions that the inbox offers to this visitor and that have an active endpoint."""
    visitor = conversation.visitor
    return offered_by(visitor.inbox_id, bool(visitor.customer_id))


def offered_by(inbox: int, is_known: bool) -> QuerySet[Action]:
    allowed = Q() if is_known else Q(signed_in=False)
    actions = Action.objects.filter(allowed, inbox=inbox, active=True)
    return actions.filter(endpoints__active=True).distinct()


def offers(conversation: Conversation) -> tuple[Offer, ...]:
    visitor = conversation.visitor
    return offers_to((visitor.inbox_id, bool(visitor.customer_id)))


def read_offers(visitor: tuple[int, bool]) -> tuple[Offer, ...]:
    """List the actions that an inbox offers to known customers, or to everybody."""
    return tuple(Offer(one.id, (one.name, *one.words)) for one in offered_by(*visitor))


# An action may still be offered for two seconds after it is switched off; `confirm` checks it
# again.
offers_to = Memory(read_offers, "chatbot.Action", "chatbot.Action_endpoints", "crm.Endpoint")


def propose(conversation: Conversation, action_id: int, named: list[str]) -> None:
    """Propose an action below the conversation's last message, in the same transaction.

    named: ids of the records that it may concern, most likely first.
    """
    conversation = locked(conversation.id)
    action = offered(conversation).filter(id=action_id).first()
    if action is None:
        return
    conversation.requests.filter(action=action, state=State.PROPOSED).update(state=State.EXPIRED)
    values = list(action_forms.prefilled(action, named, conversation.visitor.customer))
    request = conversation.requests.create(action=action, seq=conversation.last_seq, values=values)
    announce(conversation, action=str(request.id))


def frames(conversation: Conversation) -> list[ActionFrame]:
    """List the requests as the customer sees them, oldest first."""
    requests = conversation.requests.select_related("action", "conversation__visitor__customer")
    newest = requests.prefetch_related("action__fields")[:SHOWN]
    return [frame_of(request) for request in reversed(newest)]


def frame_of(request: ActionRequest) -> ActionFrame:
    customer = request.conversation.visitor.customer
    open_for_now = request.state == State.PROPOSED and still_open(request)
    state = request.state if open_for_now or request.state != State.PROPOSED else State.EXPIRED
    return ActionFrame(
        id=str(request.id),
        seq=request.seq,
        state=state,
        name=request.action.name,
        text=request.action.text,
        fields=action_forms.form(request.action, request.values, customer) if open_for_now else [],
    )


def still_open(request: ActionRequest) -> bool:
    closed = request.conversation.state == Conversation.State.CLOSED
    return not closed and timezone.now() < request.offered_at + OPEN_FOR


# --- the customer's decision


def confirm(conversation: Conversation, id: str, values: dict[str, str]) -> None:
    """Send the request to the CRM, once: confirming again, in another tab or after a lost answer,
    changes nothing."""
    with transaction.atomic():
        conversation = locked(conversation.id)
        request = own(conversation, id)
        if request.confirmed_at:
            return
        if request.state != State.PROPOSED or not still_open(request):
            raise Refused("gone", GONE, id=id)
        if not offered(conversation).filter(id=request.action_id).exists():
            raise Refused("gone", GONE, id=id)
        request.values = cleaned(request, values)
        send(conversation, request)


def own(conversation: Conversation, id: str) -> ActionRequest:
    request = conversation.requests.select_related("action").filter(id=id).first()
    if request is None:
        raise Refused("not_found", "There is no such request in this conversation.", id=id)
    request.conversation = conversation
    return request


def cleaned(request: ActionRequest, values: dict[str, str]) -> list[dict[str, str]]:
    try:
        return action_forms.cleaned(request.action, values, request.conversation.visitor.customer)
    except action_forms.Invalid as invalid:
        raise Refused("invalid", str(invalid), id=str(request.id)) from None


def send(conversation: Conversation, request: ActionRequest) -> None:
    request.state, request.confirmed_at = State.SENT, timezone.now()
    request.answer_by = request.confirmed_at + timedelta(minutes=request.action.patience)
    request.save()
    events.action_requested(request)
    details = "".join(f"\n{row['label'].rstrip('?:')}: {row['shown']}" for row in request.values)
    add_notice(conversation, request, SENT.format(request.action.name) + details)


def dismiss(conversation: Conversation, id: str) -> None:
    with transaction.atomic():
        conversation = locked(conversation.id)
        request = own(conversation, id)
        if request.state == State.PROPOSED:
            request.state = State.DISMISSED
            request.save(update_fields=["state"])
        announce(conversation, action=id)


def add_notice(conversation: Conversation, request: ActionRequest, text: str, **event: Any) -> None:
    """Append a notice to the locked conversation, for the customer, agents and the transcript."""
    message = append(conversation, Author.SYSTEM, text)
    announce(conversation, message, action=str(request.id), **event)


# --- the CRM's answer


def answer(key: str, said: Answer) -> bool:
    """Store the CRM's answer; the first one counts. Returns False if there is no such request."""
    with transaction.atomic():
        request = by_key(key)
        if request is None:
            return False
        if request.state in AWAITED:
            request.state = State(said.status)
            request.answer, request.answered_at = said.message, timezone.now()
            request.save(update_fields=["state", "answer", "answered_at"])
            outcome = ACCEPTED if request.state == State.ACCEPTED else REFUSED
            text = f"{outcome.format(request.action.name)} {request.answer}".strip()
            add_notice(request.conversation, request, text)
    return True


def by_key(key: str) -> ActionRequest | None:
    """Return the request with its conversation locked, or None if there is none."""
    try:
        request = ActionRequest.objects.filter(id=UUID(key)).first()
    except ValueError:
        return None
    return own(locked(request.conversation_id), key) if request else None


def look_after() -> int:
    """Ask a person about requests that the CRM has not answered in time. Returns how many."""
    late = ActionRequest.objects.filter(state=State.SENT, answer_by__lt=timezone.now())
    return sum(give_up(str(key)) for key in late.values_list("id", flat=True))


def give_up(key: str) -> bool:
    with transaction.atomic():
        request = by_key(key)
        if request is None or request.state != State.SENT:
            return False
        request.state = State.UNANSWERED
        request.save(update_fields=["state"])
        # A person does it now, so a delivery that is still waiting must not do it a second time.
        outbox.withdraw(key)
        conversation, name = request.conversation, request.action.name
        if conversation.state == Conversation.State.BOT:
            wait_for_person(conversation, SILENT_REASON.format(name))
        add_notice(conversation, request, SILENT.format(name), state=conversation.state)
    return True
