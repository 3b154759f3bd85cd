"""API keys: authentication by the Authorization header, and the scopes of a key."""

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
# One sentence for unknown, revoked and expired keys.
REFUSED = "The key is unknown or no longer valid."


def make(name: str, scopes: list[str], expires_at: Any = None) -> tuple[ApiKey, str]:
    """Make a key. Its text is not stored, so the caller shows it once."""
    row = ApiKey(name=name, scopes=scopes, expires_at=expires_at)
    key = give(row)
    row.save()
    return row, key


def give(row: ApiKey) -> str:
    """Give an unsaved row a new key, and return the key's text."""
    key = f"{PREFIX}{secrets.token_urlsafe(32)}"
    row.prefix, row.digest = key[:SHOWN], digest(key)
    return key


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[None, ApiKey]:
        words = get_authorization_header(request).decode("latin-1").split()
        if len(words) != 2 or words[0].lower() != "bearer":
            raise AuthenticationFailed("Send your key as: Authorization: Bearer atk_…")
        now = timezone.now()
        valid = Q(expires_at=None) | Q(expires_at__gt=now)
        key = ApiKey.objects.filter(valid, digest=digest(words[1]), revoked=False).first()
        if key is None:
            raise AuthenticationFailed(REFUSED)
        if wait := limits.take("api", str(key.id), settings.API_REQUESTS_PER_MINUTE):
            raise Throttled(wait=wait, detail="Too many requests with this key.")
        if key.last_used_at is None or key.last_used_at < now - USED_ONCE_IN:
            ApiKey.objects.filter(id=key.id).update(last_used_at=now)
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScope(BasePermission):
    """A permission that checks the scope that a view's `scopes` name for the method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        needed = view.scopes.get(request.method)
        if needed and needed not in request.auth.scopes:
            raise PermissionDenied(f"This key lacks the scope {needed}.")
        return True


class Keyed:
    """A mixin for views that need an API key."""

    authentication_classes = [KeyAuthentication]
    permission_classes = [HasScope]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]  # a view's
        if any("\x00" in str(value) for value in kwargs.values()):
            raise Http404("A name cannot contain a NUL character.")


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "atk_…"}
