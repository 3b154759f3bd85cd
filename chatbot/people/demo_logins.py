"""The demo's log-ins: everybody knows their password, so it lets nobody in where DEMO is off."""

import logging
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

logger = logging.getLogger("attune.logins")
PASSWORD = "attune-demo"
# Name, password, and what it may do.
LOGINS = [("admin", PASSWORD, "everything"), ("agent", PASSWORD, "answers customers")]


# A hash is slow on purpose, and every page asks for its user.
@lru_cache(maxsize=10_000)
def is_published(encoded: str) -> bool:
    """Whether this hash is of the demo's password, whoever has it and however it was set."""
    return check_password(PASSWORD, encoded)


def refused(user: User) -> bool:
    return not settings.DEMO and is_published(user.password)


class Known:
    """Part of a backend: neither a log-in nor a session that has begun earlier gets past it."""

    def user_can_authenticate(self, user: Any) -> bool:
        if user is not None and refused(user):
            name = user.get_username()
            logger.warning(
                "%s has the demo's password and is refused: type `manage.py changepassword %s`.",
                name,
                name,
            )
            return False
        return bool(super().user_can_authenticate(user))  # type: ignore[misc]  # the backend's


class Backend(Known, ModelBackend):
    """Names and passwords."""


class NotPublished:
    """A validator of passwords."""

    def validate(self, password: str, user: Any = None) -> None:
        if password == PASSWORD:
            raise ValidationError("This is the demo's password, which everybody knows.")

    def get_help_text(self) -> str:
        return "Your password can’t be the demo’s."
