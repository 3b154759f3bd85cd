"""A visitor's identity: the token of their socket, and the customer that their site vouches for.

The CRM customer comes only from a token that the host page's server has signed with the inbox's
secret; a claim by the browser does not count.
"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

import jwt
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import timezone

from chatbot.models import Inbox, Visitor
from chatbot.wire.errors import Refused
from crm.ids.aliases import root_of
from crm.knowledge.records import required_text
from crm.models import Customer
from crm.plumbing.storable import RecordError

SALT = "attune.visitor"
IDENTITY_LIFETIME = timedelta(minutes=10)
CLOCK_SKEW = timedelta(seconds=30)


class IdentityRefused(Exception):
    """The identity token is not valid; the message is for the integrator."""


def issue(visitor: Visitor) -> tuple[str, datetime]:
    """Return a token for the visitor's socket, and its end."""
    token = signing.dumps({"visitor": visitor.id.hex, "inbox": visitor.inbox.key}, salt=SALT)
    return token, timezone.now() + timedelta(seconds=settings.TOKEN_LIFETIME)


def visitor_of(token: str, inbox: str | None = None, lifetime: int | None = None) -> Visitor:
    """Return the visitor of a valid token; Refused otherwise.

    inbox: the key of the inbox that the token must belong to. lifetime: the token's age limit in
    seconds, TOKEN_LIFETIME by default.
    """
    try:
        claims = signing.loads(token, salt=SALT, max_age=lifetime or settings.TOKEN_LIFETIME)
        if inbox is not None and claims["inbox"] != inbox:
            raise Refused("unauthorized", "This session belongs to another inbox.")
        return Visitor.objects.select_related("inbox", "customer").get(id=claims["visitor"])
    except signing.SignatureExpired:
        raise Refused("expired", "Your session has ended. Please start a new one.") from None
    except (signing.BadSignature, Visitor.DoesNotExist, KeyError, TypeError, ValueError):
        text = "Your session is not valid. Please start a new one."
        raise Refused("unauthorized", text) from None


def identified(inbox: Inbox, token: str) -> Visitor:
    """Return the visitor of the customer whom the identity token names."""
    root = root_of(verified_customer(inbox, token))
    with transaction.atomic():
        Customer.objects.get_or_create(id=root)
        # Locked: a concurrent merge would not see this visitor, and leave it with an alias.
        customer = Customer.objects.select_for_update(no_key=True).get(id=root)
        owner = customer.merged_into_id or customer.id
        return Visitor.objects.get_or_create(inbox=inbox, customer_id=owner)[0]


def verified_customer(inbox: Inbox, token: str) -> str:
    try:
        claims = jwt.decode(
            token,
            inbox.secret,
            algorithms=["HS256"],
            audience=inbox.key,
            leeway=CLOCK_SKEW,
            options={"require": ["exp", "aud", "sub"]},
        )
        if type(claims["exp"]) not in (int, float):
            raise jwt.DecodeError("exp must be a number of seconds since 1970")
        ends = float(claims["exp"])
    # PyJWT itself fails on infinite times and on values that should be texts.
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise IdentityRefused(f"The identity token is refused: {reason_of(error)}.") from None
    if not ends <= (timezone.now() + IDENTITY_LIFETIME + CLOCK_SKEW).timestamp():
        raise IdentityRefused("The identity token's exp is more than 10 minutes ahead.")
    try:
        return required_text(claims, "sub", 200)
    except RecordError as error:
        reason = f"The identity token's sub must be the CRM customer's id: {error}."
        raise IdentityRefused(reason) from None


def reason_of(error: Exception) -> str:
    """Quote PyJWT's messages only: other errors describe our own code."""
    return str(error) if isinstance(error, jwt.PyJWTError) else "exp or another part is malformed"


def anonymous(inbox: Inbox, previous: str | None) -> Visitor:
    """Return the visitor of the previous token while it can be renewed, or a new visitor."""
    if previous:
        try:
            visitor = visitor_of(previous, inbox.key, settings.TOKEN_RENEWABLE)
            if visitor.customer is None:
                return visitor
        except Refused:
            pass
    return Visitor.objects.create(inbox=inbox)


def identity_token(inbox: Inbox, customer: str) -> str:
    """Make the token that a host page's server would make; the demo page needs one."""
    claims = {"sub": customer, "aud": inbox.key, "exp": timezone.now() + timedelta(minutes=5)}
    return jwt.encode(claims, inbox.secret, algorithm="HS256")


def origin_allowed(origin: str, host: str, origins: list[str]) -> bool:
    """Accept the widget's own pages (same host), and the sites that the inbox names."""
    return bool(origin) and (urlsplit(origin).netloc == host or origin in origins)
