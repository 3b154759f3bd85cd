"""Mail to addresses that somebody has typed: it might be anybody's.

Whoever types one that the CRM does not know as theirs only has a link sent there, in a mail without
a word of theirs. What the mail was asked for happens once its reader has opened the link and
pressed the button there; programs that look at links in mail open them, and press nothing.
"""

import hashlib
import unicodedata
from dataclasses import asdict, dataclass
from ipaddress import ip_address, ip_network

from celery import shared_task
from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from chatbot.conversation import customers
from chatbot.conversation.mail import TRIED_AGAIN, found, mail_transcript
from chatbot.models import Conversation, Visitor
from chatbot.people import away
from chatbot.wire import limits
from chatbot.wire.errors import Refused
from crm.plumbing import background

SALT = "attune.mail"
HOUR = 3600
# Long enough for a mail that is slow, short enough that a forgotten one opens nothing.
LINK_LIFETIME = HOUR
# One household or company: what its provider gives a customer (RFC 6177), and its IPv4 counterpart.
NETWORKS = {4: 24, 6: 48}
# Where dots in a mailbox's name mean nothing.
DOTLESS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}
TRANSCRIPT, CONTACT = "transcript", "contact"
ASKED = {
    TRANSCRIPT: "Somebody asked {0} to send a copy of their conversation to this address.",
    CONTACT: "Somebody asked {0} to write to this address when their question is answered.",
}
LINK = """{asked}

If it was you, please open this page and confirm it, within an hour:

{url}

If it was not you, there is nothing to do: nothing will be sent.
"""


@dataclass(frozen=True)
class Wish:
    """What is sent where, once that address has confirmed it."""

    conversation: str
    email: str
    what: str


def canonical(address: str) -> str:
    """The same for all ways to write one mailbox."""
    local, _, domain = unicodedata.normalize("NFKC", address).casefold().rpartition("@")
    domain = domain.strip().rstrip(".")
    local = local.strip().partition("+")[0]
    if domain in DOTLESS:
        local, domain = local.replace(".", ""), DOTLESS[domain]
    return f"{local}@{domain}"


def network(client: str) -> str:
    """Of the address that somebody writes from; "" where it is not known."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return ""
    address = getattr(address, "ipv4_mapped", None) or address
    return str(ip_network(f"{address}/{NETWORKS[address.version]}", strict=False))


def take(address: str, client: str) -> None:
    """One mail; Refused where there have been enough of them."""
    for who, most in (
        (canonical(address), settings.MAILS_PER_ADDRESS),
        (network(client), settings.MAILS_PER_NETWORK),
        ("everybody", settings.MAILS_PER_HOUR),
    ):
        if wait := limits.take("mail", who, most, HOUR):
            text = "Too many e-mails were asked for. Please try again in an hour."
            raise Refused("rate_limited", text, wait)


def is_their_own(visitor: Visitor, address: str) -> bool:
    """The CRM knows it as this customer's, written in this way."""
    known = away.on_record(visitor.customer) if visitor.customer else ""
    return bool(known) and known.casefold() == address.casefold()


def leave_contact(conversation: Conversation, email: str, client: str) -> None:
    """Where answers are mailed to; "" is the address that the CRM has of them."""
    own = not email or is_their_own(conversation.visitor, email)
    known = Conversation.objects.filter(id=conversation.id, contact_email=email)
    asking = settings.EMAIL_HOST and not own and not known.filter(contact_confirmed=True).exists()
    if asking:
        take(email, client)
    customers.leave_contact(conversation, email, confirmed=own)
    if asking:
        background.later(mail_link, str(conversation.id), email, CONTACT)


# --- the link


@shared_task(name="chatbot.tasks.mail_link", **TRIED_AGAIN)
def mail_link(conversation: str, address: str, what: str) -> None:
    for one in found(conversation):
        send_link(Wish(conversation, address, what), one.visitor.inbox.name)


def send_link(wish: Wish, inbox: str) -> None:
    url = f"{settings.PUBLIC_URL}{reverse('confirm-mail')}?key={key_of(wish)}"
    text = LINK.format(asked=ASKED[wish.what].format(inbox), url=url)
    send_mail("Please confirm your e-mail address", text, None, [wish.email])


def key_of(wish: Wish) -> str:
    return signing.dumps(asdict(wish), salt=SALT)


def wish_of(key: str) -> Wish | None:
    """None where the link is no longer good, or never was."""
    try:
        wish = Wish(**signing.loads(key, salt=SALT, max_age=LINK_LIFETIME))
    except (signing.BadSignature, TypeError):
        return None
    return None if cache.get(used(key)) else wish


def used(key: str) -> str:
    return f"mail-link:{hashlib.sha256(key.encode()).hexdigest()}"


# By the key in the form, not by a cookie: only the mail has it.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """The page behind the link. Only its button does anything, and once."""
    fields = request.POST if request.method == "POST" else request.GET
    key = fields.get("key", "")
    wish = wish_of(key)
    done = bool(wish and request.method == "POST" and cache.add(used(key), 1, LINK_LIFETIME))
    if wish and done:
        carry_out(wish)
    context = {"key": key, "wish": wish, "done": done}
    response = render(request, "chatbot/confirm.html", context, status=200 if wish else 410)
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


def carry_out(wish: Wish) -> None:
    if wish.what == TRANSCRIPT:
        background.later(mail_transcript, wish.conversation, wish.email)
    else:
        customers.confirm_contact(wish.conversation, wish.email)
