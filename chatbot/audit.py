"""Who read which conversation, and who changed what: django-auditlog's entries, to read only.

Messages and the states of conversations are not logged twice: they are their own record.
"""

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django_otp.plugins.otp_totp.models import TOTPDevice

from chatbot.models import (
    Action,
    ActionField,
    ApiKey,
    CannedAnswer,
    Conversation,
    Correction,
    Inbox,
    Note,
    Replica,
    Summary,
    Tier,
)
from crm.models import Endpoint, Source

# Seconds in which reading the same conversation again is no news.
ONCE_IN = 300


def register() -> None:
    for model in (CannedAnswer, Correction, Note, Replica, Summary, Tier):
        auditlog.register(model, exclude_fields=["looked_at", "illness"])
    auditlog.register(Action, m2m_fields={"endpoints"})
    auditlog.register(ActionField)
    auditlog.register(Inbox, mask_fields=["secret"])
    auditlog.register(Source, exclude_fields=["secrets"])
    auditlog.register(Endpoint, exclude_fields=["secrets", "failing_since"])
    auditlog.register(ApiKey, exclude_fields=["digest", "last_used_at"])
    auditlog.register(Group, m2m_fields={"permissions"})
    auditlog.register(TOTPDevice, include_fields=["user", "name", "confirmed"])
    auditlog.register(
        User,
        m2m_fields={"groups", "user_permissions"},
        mask_fields=["password"],
        exclude_fields=["last_login"],
    )


def read(conversation: Conversation, user: User) -> None:
    """This person has this conversation on their screen."""
    if cache.add(f"read:{user.pk}:{conversation.pk}", 1, ONCE_IN):
        LogEntry.objects.log_create(
            conversation, force_log=True, action=LogEntry.Action.ACCESS, actor=user
        )
