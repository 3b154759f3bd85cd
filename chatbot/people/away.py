"""Notices for customers who ask for a person while no agent is there, and the e-mail addresses that
they can leave."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.db.models.functions import Greatest
from django.utils import timezone

from chatbot.models import Conversation, Inbox, Message
from chatbot.people import presence
from chatbot.people.hours import Hours
from chatbot.wire.protocol import Away, is_address
from crm.models import Customer

CLOSED = "Our team is not here at the moment."
BACK = "Our colleagues will be back {}."
ABSENT = (
    "None of our colleagues is here at the moment. They will answer you here as soon as they are "
    "back."
)
LEAVE = "If you leave your e-mail address, they can write to you."
LEFT = "They will write to the address that you left, or answer here."
MEANWHILE = "Meanwhile, our assistant can still help you."
THANKS = "Thank you. Our colleagues can write to you now, if you are not here when they answer."
LINK_SENT = (
    "Thank you. We have sent you a link: once you have opened it and confirmed your address, our "
    "colleagues can write to you there."
)
# Names that CRMs give to the field of an e-mail address, letters only.
NAMES = {"email", "emailaddress", "mail"}
# Records about the customers themselves: an order's address may be somebody else's.
KINDS = ("customer", "contact", "person", "account", "user")
LOOKED_AT = 20
# An answer that the customer has not read within this time is mailed, unless it is too old.
READ_WITHIN, MAILED_WITHIN = timedelta(minutes=1), timedelta(days=2)
MAILED_AT_ONCE = 100


def hours_of(inbox: Inbox) -> Hours:
    return Hours.read(inbox.time_zone, inbox.hours, inbox.special_days)


def absence(conversation: Conversation) -> str:
    """Say that nobody is there, and when somebody will be; "" while somebody is there."""
    inbox, now = conversation.visitor.inbox, timezone.now()
    if somebody_is_there(inbox, conversation.team_id):
        return ""
    hours = hours_of(inbox)
    if hours.is_open(now):
        return ABSENT
    opens = hours.next_opening(now)
    return f"{CLOSED} {BACK.format(hours.for_customers(opens, now)) if opens else ''}".strip()


def somebody_is_there(inbox: Inbox, team: int | None) -> bool:
    """team: the id of the team that the customer was passed to, if any."""
    return hours_of(inbox).is_open(timezone.now()) and presence.there_for(inbox.id, team)


def notice(conversation: Conversation) -> str:
    """Say that nobody is there, and what the customer can do; "" while somebody is there."""
    text = absence(conversation)
    offer = LEFT if conversation.contact_email else LEAVE
    return f"{text} {offer} {MEANWHILE}" if text else ""


def frame(conversation: Conversation) -> Away | None:
    """Return None while somebody is there, or while the customer does not wait for a person."""
    if conversation.state != Conversation.State.WAITING or not conversation.away_at:
        return None
    if not (text := absence(conversation)):
        return None
    customer, left = conversation.visitor.customer, conversation.contact_email
    contact = left or (on_record(customer) if customer else "")
    return Away(text, masked(contact), bool(left), next_opening(conversation.visitor.inbox))


def next_opening(inbox: Inbox) -> datetime | None:
    """Keep the inbox's own offset from UTC: it tells a browser in another time zone."""
    hours = hours_of(inbox)
    opens = hours.next_opening(timezone.now())
    return opens.astimezone(hours.zone) if opens else None


def on_record(customer: Customer) -> str:
    """Return the customer's address in the CRM's records, or ""."""
    records = customer.records.filter(deleted=False, kind__in=KINDS).order_by("-updated_at")
    rows = records.values_list("fields", flat=True)[:LOOKED_AT]
    values = [value for fields in rows for name, value in fields.items() if letters(name) in NAMES]
    addresses = (value for value in [*map(str, values), customer.id] if is_address(value))
    return next(addresses, "")


def letters(name: str) -> str:
    return "".join(filter(str.isalpha, name.lower()))


def masked(address: str) -> str:
    """Show enough for the owner to recognise it: a…n@example.com."""
    local, at, domain = address.rpartition("@")
    last = local[-1] if len(local) > 2 else ""
    return f"{local[:1]}…{last}{at}{domain}" if address else ""


def unread() -> list[UUID]:
    """List conversations whose customer left an address and did not read an agent's answer in
    time."""
    known = Greatest("conversation__read_seq", "conversation__mailed_seq")
    settled = timezone.now() - READ_WITHIN
    answers = Message.objects.filter(author=Message.Author.AGENT, seq__gt=known, at__lt=settled)
    recent = Conversation.objects.filter(last_message_at__gt=settled - MAILED_WITHIN)
    reachable = recent.exclude(contact_email="").filter(contact_confirmed=True)
    unread = reachable.filter(Exists(answers.filter(conversation=OuterRef("id"))))
    return list(unread.values_list("id", flat=True)[:MAILED_AT_ONCE])
