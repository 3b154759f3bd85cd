"""Confirms e-mail addresses that visitors type, since they might be anybody's.

Unless the CRM knows the address as the visitor's own, only a link is mailed there, without any text
of the visitor. The mail that they asked for is sent once its reader opens the link and presses the
button there. Programs that check links in e-mails open them, but press no button.
"""

import hashlib
import unicodedata
from dataclasses import asdict, dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network

from celery import shared_task
from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from chatbot.conversation import customers
from chatbot.conversation.mail import RETRIES, by_id, mail_transcript
from chatbot.models import Conversation, UsedLink, Visitor
from chatbot.people import away
from chatbot.wire import limits
from chatbot.wire.errors import Refused
from crm.plumbing import background

SALT = "attune.mail"
HOUR = 3600
# Long enough for slow mail, short enough that a forgotten link is useless.
LINK_LIFETIME = HOUR
# Bits of one household's or company's network: what providers assign (RFC 6177), and for IPv4 the
# usual counterpart.
NETWORKS = {4: 24, 6: 48}
# Providers that ignore dots in a mailbox's name.
DOTLESS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}
TRANSCRIPT, CONTACT = "transcript", "contact"
ASKED = {
    TRANSCRIPT: "Somebody asked {0} to send a copy of their conversation to this address.",
    CONTACT: "Somebody asked {0} to write to this address when their question is answered.",
}
LINK = """{asked}

If it was you, please open this page within an hour and confirm it:

{url}

If it was not you, you need not do anything: nothing will be sent.
"""


@dataclass(frozen=True)
class Unconfirmed:
    """An address that waits for its reader's confirmation, and what it is for."""

    conversation: str
    email: str
    what: str


def canonical(address: str) -> str:
    """Return the same text for all spellings of one mailbox."""
    local, _, domain = unicodedata.normalize("NFKC", address).casefold().rpartition("@")
    domain = domain.strip().rstrip(".")
    local = local.strip().partition("+")[0]
    if domain in DOTLESS:
        local, domain = local.replace(".", ""), DOTLESS[domain]
    return f"{local}@{domain}"


def network(client: str) -> str:
    """Return the network of a client's address, or "" if it is unknown."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return ""
    address = getattr(address, "ipv4_mapped", None) or address
    return str(ip_network(f"{address}/{NETWORKS[address.version]}", strict=False))


def take(address: str, client: str) -> None:
    """Count one mail against the limits. Raises Refused if there have been too many."""
    for who, most in (
        (canonical(address), settings.MAILS_PER_ADDRESS),
        (network(client), settings.MAILS_PER_NETWORK),
        ("everybody", settings.MAILS_PER_HOUR),
    ):
        if wait := limits.take("mail", who, most, HOUR):
            text = "Too many e-mails were requested. Please try again in an hour."
            raise Refused("rate_limited", text, wait)


def is_their_own(visitor: Visitor, address: str) -> bool:
    """Say whether the CRM has this address for the customer, in this spelling."""
    known = away.on_record(visitor.customer) if visitor.customer else ""
    return bool(known) and known.casefold() == address.casefold()


def leave_contact(conversation: Conversation, email: str, client: str) -> None:
    """Store the address to which answers are mailed, and mail a link there if it must be confirmed.
    "" stands for the address on record in the CRM."""
    own = not email or is_their_own(conversation.visitor, email)
    known = Conversation.objects.filter(id=conversation.id, contact_email=email)
    asking = settings.EMAIL_HOST and not own and not known.filter(contact_confirmed=True).exists()
    if asking:
        take(email, client)
    customers.leave_contact(conversation, email, confirmed=own)
    if asking:
        background.later(mail_link, str(conversation.id), email, CONTACT)


# --- the link


@shared_task(name="chatbot.tasks.mail_link", **RETRIES)
def mail_link(conversation: str, address: str, what: str) -> None:
    for row in by_id(conversation):
        key = key_of(Unconfirmed(conversation, address, what))
        url = f"{settings.PUBLIC_URL}{reverse('confirm-mail')}?key={key}"
        text = LINK.format(asked=ASKED[what].format(row.visitor.inbox.name), url=url)
        send_mail("Please confirm your e-mail address", text, None, [address])


def key_of(unconfirmed: Unconfirmed) -> str:
    return signing.dumps(asdict(unconfirmed), salt=SALT)


def unconfirmed_of(key: str) -> Unconfirmed | None:
    """Read the address from a link's key; None if the link is invalid, expired or used."""
    try:
        unconfirmed = Unconfirmed(**signing.loads(key, salt=SALT, max_age=LINK_LIFETIME))
    except (signing.BadSignature, TypeError):
        return None
    return None if UsedLink.objects.filter(digest=digest(key)).exists() else unconfirmed


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def use(key: str) -> bool:
    """Mark the link as used. Returns False if another request was faster."""
    ended = timezone.now() - timedelta(seconds=LINK_LIFETIME)
    UsedLink.objects.filter(used_at__lt=ended).delete()
    return UsedLink.objects.get_or_create(digest=digest(key))[1]


# No CSRF cookie is needed: only the mail has the key in the form.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Serve the page behind the link. Only its button has an effect, and only once."""
    fields = request.POST if request.method == "POST" else request.GET
    key = fields.get("key", "")
    unconfirmed = unconfirmed_of(key)
    done = bool(unconfirmed and request.method == "POST" and use(key))
    if unconfirmed and done:
        carry_out(unconfirmed)
    context = {"key": key, "unconfirmed": unconfirmed, "done": done}
    response = render(request, "chatbot/confirm.html", context, status=200 if unconfirmed else 410)
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


def carry_out(unconfirmed: Unconfirmed) -> None:
    if unconfirmed.what == TRANSCRIPT:
        background.later(mail_transcript, unconfirmed.conversation, unconfirmed.email)
    else:
        customers.confirm_contact(unconfirmed.conversation, unconfirmed.email)
