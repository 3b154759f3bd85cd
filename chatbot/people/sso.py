"""Single sign-on of staff by OpenID Connect, active if OIDC_ISSUER is set.

mozilla-django-oidc runs the code flow, with state, nonce and PKCE. This module adds what the
library leaves open: the provider's addresses come from its discovery document and must be on the
issuer's own host; the ID token's issuer, audience and times are checked; its `sub` identifies the
person, and its groups give the person's roles. Only this signed token counts.
"""

import logging
import ssl
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jwt
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.utils import import_from_settings
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from chatbot.models import ProviderAccount
from chatbot.people import demo_logins, roles, two_factor
from inference.text import blank

logger = logging.getLogger("attune.sso")
ADDRESSES = {
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "authorization_endpoint",
    "OIDC_OP_TOKEN_ENDPOINT": "token_endpoint",
    "OIDC_OP_JWKS_ENDPOINT": "jwks_uri",
}
# The user endpoint is not asked: its answer is not signed.
UNUSED = "OIDC_OP_USER_ENDPOINT"
# Seconds: for a request to the provider, for the cached discovery document, between two clocks.
TIMEOUT, REMEMBERED, LEEWAY = 5, 3600, 30
ALGORITHM = "RS256"
# Seconds: people who have left the company are logged out after a working day at most.
SESSION = 9 * 3600
# RFC 8176: a second factor, or a method that counts as one by itself.
FACTORS = {"mfa", "otp", "hwk", "swk", "sc", "fpt", "face", "iris", "retina", "vbm"}
FAILED = "The sign-in could not be completed. Please try again, or use your password."
NO_ROLE = "You have no role here yet. Please ask an administrator to put you into a group."
DEMO = "This user has the demo's password. Please ask an administrator to set another one."
TAKEN = "The user {} already exists and has a password. Please ask an administrator."


def ask(method: str, url: str, **options: Any) -> dict[str, Any]:
    """Ask the provider's own host only: without redirects, and without proxies from the
    environment."""
    if origin(url) != origin(settings.OIDC_ISSUER):
        raise SuspiciousOperation(f"{url} is not on the issuer's host.")
    # The machine's own certificate store: a company's provider often has a company certificate.
    trusted = ssl.create_default_context()
    with httpx2.Client(
        verify=trusted, trust_env=False, follow_redirects=False, timeout=TIMEOUT
    ) as client:
        answer = client.request(method, url, **options)
    if answer.status_code != 200:
        raise SuspiciousOperation(f"{url} answered {answer.status_code}.")
    document = answer.json()
    if not isinstance(document, dict):
        raise SuspiciousOperation(f"{url} answered something that is not a JSON object.")
    return document


def origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def discovered() -> dict[str, Any]:
    """Return the provider's discovery document, cached for an hour."""
    key = f"oidc:{settings.OIDC_ISSUER}"
    if document := cache.get(key):
        return dict(document)
    document = ask("GET", f"{settings.OIDC_ISSUER.rstrip('/')}/.well-known/openid-configuration")
    if document.get("issuer") != settings.OIDC_ISSUER:
        raise SuspiciousOperation("The discovery document belongs to another issuer.")
    cache.set(key, document, REMEMBERED)
    return document


def get_settings(name: str, *default: Any) -> Any:
    """Give the library its settings: addresses by discovery, everything else from settings.py."""
    if name == UNUSED:
        return ""
    if name not in ADDRESSES:
        return import_from_settings(name, *default)
    url = str(discovered()[ADDRESSES[name]])
    if origin(url) != origin(settings.OIDC_ISSUER):
        raise SuspiciousOperation(f"{url} is not on the issuer's host.")
    return url


class Backend(demo_logins.RefusesDemoPassword, OIDCAuthenticationBackend):
    """A backend that asks the provider only in the callback: Django also calls it for passwords."""

    get_settings = staticmethod(get_settings)

    def __init__(self) -> None:
        self.UserModel = User

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        if request is None or not credentials.get("nonce"):
            return None
        super().__init__()
        user: User | None = super().authenticate(request, **credentials)
        return user

    def get_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        return ask("POST", self.OIDC_OP_TOKEN_ENDPOINT, data=payload)

    def verify_token(self, token: str, **options: Any) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            self.signing_key(token),
            algorithms=[ALGORITHM],
            audience=settings.OIDC_RP_CLIENT_ID,
            issuer=settings.OIDC_ISSUER,
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "aud", "iss", "sub", "nonce"]},
        )
        if claims["nonce"] != options.get("nonce"):
            raise SuspiciousOperation("The token's nonce is not the one of this sign-in.")
        if claims.get("azp", settings.OIDC_RP_CLIENT_ID) != settings.OIDC_RP_CLIENT_ID:
            raise SuspiciousOperation("The token was made for another party.")
        return claims

    def signing_key(self, token: str) -> Any:
        keys = jwt.PyJWKSet.from_dict(ask("GET", self.OIDC_OP_JWKS_ENDPOINT))
        wanted = jwt.get_unverified_header(token).get("kid")
        for key in keys.keys:
            if wanted is None or key.key_id == wanted:
                return key
        raise SuspiciousOperation("The token is signed with a key that the provider does not list.")

    def get_or_create_user(self, access: str, id_token: str, claims: dict[str, Any]) -> User | None:
        try:
            return admitted(claims)
        except NotAdmitted as refused:
            self.request.refusal = str(refused)
            return None


class NotAdmitted(Exception):
    """This site does not admit somebody whom the provider knows; the message is for the person."""


def admitted(claims: dict[str, Any]) -> User:
    """Return the user of these claims, with the roles that their groups have today."""
    granted = roles_of(claims)
    with transaction.atomic():
        user = known(claims) or (adopted(claims) if granted else None)
        if user:
            set_roles(user, granted)
    if user is None or not granted:
        raise NotAdmitted(NO_ROLE)
    if demo_logins.refused(user):
        raise NotAdmitted(DEMO)
    user.shown_second_factor = second_factor_shown(claims)  # type: ignore[attr-defined]
    return user


def roles_of(claims: dict[str, Any]) -> set[str]:
    given = claims.get(settings.OIDC_GROUPS_CLAIM) or []
    names = [given] if isinstance(given, str) else given
    return {settings.OIDC_GROUPS[name] for name in names if name in settings.OIDC_GROUPS}


def known(claims: dict[str, Any]) -> User | None:
    accounts = ProviderAccount.objects.filter(issuer=claims["iss"], subject=claims["sub"])
    account = accounts.select_related("user").first()
    return account.user if account else None


def adopted(claims: dict[str, Any]) -> User:
    """Add a user, or take one that an administrator has prepared without a password."""
    name = username(claims)
    user = User.objects.filter(username=name).first()
    if user is None:
        user = User.objects.create_user(name, email=claims.get("email", ""))
        user.first_name = claims.get("given_name", "")[:150]
    elif user.has_usable_password() or user.is_superuser or hasattr(user, "provideraccount"):
        raise NotAdmitted(TAKEN.format(name))
    ProviderAccount.objects.create(user=user, issuer=claims["iss"], subject=claims["sub"])
    return user


def username(claims: dict[str, Any]) -> str:
    names = (str(claims.get(claim) or "") for claim in ("preferred_username", "email"))
    return next((name for name in names if not blank(name)), str(claims["sub"]))[:150]


def set_roles(user: User, granted: set[str]) -> None:
    """Set exactly the roles that the provider gives; other groups stay as they are."""
    user.groups.remove(*Group.objects.filter(name__in=set(roles.ALL) - granted))
    user.groups.add(*Group.objects.filter(name__in=granted))
    user.is_staff = bool(granted)
    user.save()


def second_factor_shown(claims: dict[str, Any]) -> bool:
    given = claims.get("amr") or []
    return settings.OIDC_SECOND_FACTOR or bool(FACTORS & set(given))


class Begin(OIDCAuthenticationRequestView):
    get_settings = staticmethod(get_settings)

    def get(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = super().get(request)
        return response


class Finish(OIDCAuthenticationCallbackView):
    get_settings = staticmethod(get_settings)

    def login_success(self) -> HttpResponse:
        response: HttpResponse = super().login_success()
        self.request.session[two_factor.BY_PROVIDER] = self.user.shown_second_factor
        self.request.session.set_expiry(SESSION)
        return response

    def login_failure(self) -> HttpResponse:
        return to_log_in(self.request, getattr(self.request, "refusal", FAILED))


def to_log_in(request: HttpRequest, text: str) -> HttpResponse:
    messages.error(request, text)
    return HttpResponseRedirect(reverse("admin:login"))


FAILURES = (SuspiciousOperation, httpx2.HTTPError, jwt.PyJWTError, KeyError, ValueError)


def guarded(view: Any) -> Any:
    """Log what goes wrong with the provider, and send the person back to the log-in page."""

    def answer(request: HttpRequest) -> HttpResponse:
        try:
            response: HttpResponse = view(request)
            return response
        except FAILURES as error:
            logger.warning("single sign-on failed: %s: %s", type(error).__name__, error)
            return to_log_in(request, FAILED)

    return answer


urlpatterns = [
    path("", guarded(lambda request: Begin.as_view()(request)), name="sso"),
    path("callback/", guarded(Finish.as_view()), name="sso-callback"),
]
