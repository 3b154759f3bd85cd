"""When nobody is there for a customer who wants a person: what they are told, and how they can
leave an address."""

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
BACK = "Our colleagues are here again {}."
ABSENT = (
    "None of our colleagues is here at the moment. They answer you here as soon as they are back."
)
LEAVE = "If you leave your e-mail address, they can write to you."
LEFT = "They write to the address that you left, or answer here."
MEANWHILE = "Meanwhile our assistant goes on helping you."
THANKS = "Thank you. Our colleagues can write to you now, if you are not here when they answer."
LINK_SENT = (
    "Thank you. We have sent you a link: once you have opened it and confirmed your address, our "
    "colleagues can write to you there."
)
# As CRMs call it, letters only.
NAMES = {"email", "emailaddress", "mail"}
# Records about the customers themselves: an order's address may be somebody else's.
KINDS = ("customer", "contact", "person", "account", "user")
LOOKED_AT = 20
# An answer that was not read for so long is mailed, unless it is old news.
READ_WITHIN, MAILED_WITHIN = timedelta(minutes=1), timedelta(days=2)
MAILED_AT_ONCE = 100


def hours_of(inbox: Inbox) -> Hours:
    return Hours.read(inbox.time_zone, inbox.hours, inbox.special_days)


def news(conversation: Conversation) -> str:
    """For a customer who wants a person; "" while somebody is there."""
    inbox, now = conversation.visitor.inbox, timezone.now()
    if somebody_is_there(inbox, conversation.team_id):
        return ""
    hours = hours_of(inbox)
    if hours.is_open(now):
        return ABSENT
    opens = hours.next_opening(now)
    return f"{CLOSED} {BACK.format(hours.in_words(opens, now)) if opens else ''}".strip()


def somebody_is_there(inbox: Inbox, team: int | None) -> bool:
    """team: the id of the one that was asked for."""
    return hours_of(inbox).is_open(timezone.now()) and presence.there_for(inbox.id, team)


def notice(conversation: Conversation) -> str:
    """The news with what the customer can do; "" while somebody is there."""
    found = news(conversation)
    offer = LEFT if conversation.contact_email else LEAVE
    return f"{found} {offer} {MEANWHILE}" if found else ""


def frame(conversation: Conversation) -> Away | None:
    """None: somebody is there, or the customer waits for nobody."""
    if conversation.state != Conversation.State.WAITING or not conversation.away_at:
        return None
    if not (text := news(conversation)):
        return None
    customer, left = conversation.visitor.customer, conversation.contact_email
    contact = left or (on_record(customer) if customer else "")
    return Away(text, masked(contact), bool(left), next_opening(conversation.visitor.inbox))


def next_opening(inbox: Inbox) -> datetime | None:
    """With the inbox's own offset from UTC, by which a browser knows that it is elsewhere."""
    hours = hours_of(inbox)
    opens = hours.next_opening(timezone.now())
    return opens.astimezone(hours.zone) if opens else None


def on_record(customer: Customer) -> str:
    """The address that the CRM has of the customer; "" where it has none."""
    found = customer.records.filter(deleted=False, kind__in=KINDS).order_by("-updated_at")
    rows = found.values_list("fields", flat=True)[:LOOKED_AT]
    values = [value for fields in rows for name, value in fields.items() if plain(name) in NAMES]
    addresses = (value for value in [*map(str, values), customer.id] if is_address(value))
    return next(addresses, "")


def plain(name: str) -> str:
    return "".join(filter(str.isalpha, name.lower()))


def masked(address: str) -> str:
    """Enough for its owner to know it again: a…n@example.com."""
    local, at, domain = address.rpartition("@")
    last = local[-1] if len(local) > 2 else ""
    return f"{local[:1]}…{last}{at}{domain}" if address else ""


def unread() -> list[UUID]:
    """Conversations whose customer left an address and has had time to read what an agent wrote,
    but has not."""
    known = Greatest("conversation__read_seq", "conversation__mailed_seq")
    settled = timezone.now() - READ_WITHIN
    answers = Message.objects.filter(author=Message.Author.AGENT, seq__gt=known, at__lt=settled)
    recent = Conversation.objects.filter(last_message_at__gt=settled - MAILED_WITHIN)
    left = recent.exclude(contact_email="").filter(contact_confirmed=True)
    found = left.filter(Exists(answers.filter(conversation=OuterRef("id"))))
    return list(found.values_list("id", flat=True)[:MAILED_AT_ONCE])
