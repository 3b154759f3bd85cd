"""Who read which conversation, and who changed what: django-auditlog's entries, to read only.

Messages and the states of conversations are not logged twice: they are their own record. An entry
holds no secret, and nothing that names a customer or that was said: it outlives both.
"""

from typing import Any

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from chatbot.models import (
    Action,
    ActionField,
    ApiKey,
    CannedAnswer,
    Conversation,
    Correction,
    Erasure,
    Inbox,
    Note,
    Presence,
    ProviderAccount,
    Replica,
    Summary,
    Team,
    Tier,
)
from crm.models import Customer, Endpoint, Source

# Seconds in which reading the same conversation again is no news.
ONCE_IN = 300
HIDDEN = "hidden"


def register() -> None:
    for model in (CannedAnswer, Correction, Erasure, ProviderAccount, Tier):
        auditlog.register(model)
    auditlog.register(Replica, exclude_fields=["looked_at", "illness"])
    auditlog.register(Presence, include_fields=["capacity"])
    auditlog.register(Team, m2m_fields={"members", "inboxes"})
    auditlog.register(Note, mask_fields=["text"])
    said = ["problem", "tried", "question"]
    auditlog.register(Summary, include_fields=[*said, "corrected_by"], mask_fields=said)
    auditlog.register(Action, m2m_fields={"endpoints"})
    auditlog.register(ActionField)
    auditlog.register(Inbox, mask_fields=["secret"])
    auditlog.register(Source, mask_fields=["secrets"])
    auditlog.register(Endpoint, mask_fields=["secrets"], exclude_fields=["failing_since"])
    auditlog.register(ApiKey, exclude_fields=["digest", "last_used_at"])
    auditlog.register(Group, m2m_fields={"permissions"})
    auditlog.register(TOTPDevice, include_fields=["user", "name", "confirmed"])
    auditlog.register(StaticDevice, include_fields=["user", "name"])
    auditlog.register(
        User,
        m2m_fields={"groups", "user_permissions"},
        mask_fields=["password"],
        exclude_fields=["last_login"],
    )


def hidden(value: str) -> str:
    """That it was changed is told, and nothing of what it was: the library would show half."""
    return HIDDEN


def read(conversation: Conversation, user: User) -> None:
    """This person has this conversation on their screen."""
    if cache.add(f"read:{user.pk}:{conversation.pk}", 1, ONCE_IN):
        accessed(conversation, called(conversation), actor=user)


def read_by_key(conversation: Conversation, key: ApiKey) -> None:
    """A program has fetched what was said."""
    if cache.add(f"read:key:{key.pk}:{conversation.pk}", 1, ONCE_IN):
        by = {"by": f"API key {key}"}
        accessed(conversation, called(conversation), additional_data=by)


def called(conversation: Conversation) -> str:
    """By the beginning of its id, whoever it is with."""
    return f"Conversation {str(conversation.pk)[:8]}"


def exported(customer: Customer, user: User | None) -> None:
    """All that is held of a customer; without a user: by who may run commands here."""
    by = {} if user else {"additional_data": {"by": "a command on the server"}}
    accessed(customer, f"Everything of {customer.pk}", actor=user, **by)


def accessed(what: Any, name: str, **more: Any) -> None:
    values = {"action": LogEntry.Action.ACCESS, "object_repr": name, **more}
    LogEntry.objects.log_create(what, force_log=True, **values)
