"""The demo's log-ins. Their password is public, so it is refused while DEMO is off."""

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
# User name, password, and what the user may do.
LOGINS = [("admin", PASSWORD, "everything"), ("agent", PASSWORD, "answers customers")]


# A hash is slow on purpose, and every request loads its user.
@lru_cache(maxsize=10_000)
def is_published(encoded: str) -> bool:
    """Tell whether this is a hash of the demo's password, for any user."""
    return check_password(PASSWORD, encoded)


def refused(user: User) -> bool:
    return not settings.DEMO and is_published(user.password)


class RefusesDemoPassword:
    """A mixin for backends: it stops log-ins and also sessions that have begun earlier."""

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


class Backend(RefusesDemoPassword, ModelBackend):
    """Log-in by name and password."""


class NotPublished:
    """A password validator that refuses the demo's password."""

    def validate(self, password: str, user: Any = None) -> None:
        if password == PASSWORD:
            raise ValidationError("This is the demo's password, which everybody knows.")

    def get_help_text(self) -> str:
        return "Your password can’t be the demo’s."
