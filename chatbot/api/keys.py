"""Who asks: a key in the Authorization header, with the scopes that it was given."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import Http404
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from chatbot.models import ApiKey
from chatbot.wire import limits

SCOPES = (
    "records:read",
    "records:write",
    "conversations:read",
    "webhooks:read",
    "webhooks:write",
)
PREFIX, SHOWN = "atk_", 10
USED_ONCE_IN = timedelta(minutes=1)
# One sentence for unknown, revoked and expired ones.
REFUSED = "The key is not known, or no longer good."


def make(name: str, scopes: list[str], expires_at: Any = None) -> tuple[ApiKey, str]:
    """The key, shown this once."""
    key = f"{PREFIX}{secrets.token_urlsafe(32)}"
    row = ApiKey.objects.create(
        name=name, prefix=key[:SHOWN], digest=digest(key), scopes=scopes, expires_at=expires_at
    )
    return row, key


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[None, ApiKey]:
        words = get_authorization_header(request).decode("latin-1").split()
        if len(words) != 2 or words[0].lower() != "bearer":
            raise AuthenticationFailed("Send your key as: Authorization: Bearer atk_…")
        now = timezone.now()
        good = Q(expires_at=None) | Q(expires_at__gt=now)
        found = ApiKey.objects.filter(good, digest=digest(words[1]), revoked=False).first()
        if found is None:
            raise AuthenticationFailed(REFUSED)
        if wait := limits.take("api", str(found.id), settings.API_REQUESTS_PER_MINUTE):
            raise Throttled(wait=wait, detail="Too many requests with this key.")
        if found.last_used_at is None or found.last_used_at < now - USED_ONCE_IN:
            ApiKey.objects.filter(id=found.id).update(last_used_at=now)
        return None, found

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScope(BasePermission):
    """The view names in `scopes` what each method needs."""

    def has_permission(self, request: Request, view: Any) -> bool:
        needed = view.scopes.get(request.method)
        if needed and needed not in request.auth.scopes:
            raise PermissionDenied(f"This key lacks the scope {needed}.")
        return True


class Keyed:
    """Views for programs with a key."""

    authentication_classes = [KeyAuthentication]
    permission_classes = [HasScope]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]  # a view's
        if any("\x00" in str(value) for value in kwargs.values()):
            raise Http404("No name holds a NUL character.")


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "atk_…"}
