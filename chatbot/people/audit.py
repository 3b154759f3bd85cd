"""The audit log: read access to conversations, and changes, as django-auditlog's entries.

Messages and the states of conversations are not logged again: they are their own record. An entry
outlives customers and messages, so it holds no secret, no customer's name and no message text.
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
    Case,
    Conversation,
    Correction,
    Erasure,
    Inbox,
    Note,
    Presence,
    ProviderAccount,
    Server,
    Summary,
    Team,
    TestRun,
    Tier,
)
from crm.models import (
    Article,
    Customer,
    Endpoint,
    Import,
    ImportPlan,
    RecordKind,
    Source,
    Website,
)

# Seconds within which reading the same conversation again is not logged.
ONCE_IN = 300
HIDDEN = "hidden"


def register() -> None:
    for model in (CannedAnswer, Correction, Erasure, ProviderAccount, Tier):
        auditlog.register(model)
    auditlog.register(Server, exclude_fields=["looked_at", "illness"])
    auditlog.register(Presence, include_fields=["capacity"])
    auditlog.register(Team, m2m_fields={"members", "inboxes"})
    auditlog.register(Note, mask_fields=["text"])
    # The question and its answer are a customer's; so are the facts and the record expected.
    auditlog.register(Case, include_fields=["verdict", "active", "by"])
    texts = ["problem", "tried", "question"]
    auditlog.register(Summary, include_fields=[*texts, "corrected_by"], mask_fields=texts)
    auditlog.register(Action, m2m_fields={"endpoints"})
    auditlog.register(ActionField)
    auditlog.register(Inbox, mask_fields=["secret"])
    auditlog.register(RecordKind)
    # Its versions are their own record of its text.
    auditlog.register(Article, include_fields=["state", "published", "review_by"])
    auditlog.register(Import, include_fields=["name", "plan"])
    auditlog.register(Website, include_fields=["start", "active", "publish", "every_hours"])
    auditlog.register(TestRun, include_fields=["name", "drafts"])
    auditlog.register(ImportPlan, exclude_fields=["looked_at", "seen"])
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
    """Mask the whole value: the library's own mask would show half of it."""
    return HIDDEN


def read(conversation: Conversation, user: User) -> None:
    """Log that this person sees the conversation on their screen."""
    if cache.add(f"read:{user.pk}:{conversation.pk}", 1, ONCE_IN):
        log_access(conversation, label(conversation), actor=user)


def read_by_key(conversation: Conversation, key: ApiKey) -> None:
    """Log that a program has fetched the messages."""
    if cache.add(f"read:key:{key.pk}:{conversation.pk}", 1, ONCE_IN):
        by = {"by": f"API key {key}"}
        log_access(conversation, label(conversation), additional_data=by)


def label(conversation: Conversation) -> str:
    """Name the conversation by the start of its id, never by its customer."""
    return f"Conversation {str(conversation.pk)[:8]}"


def exported(customer: Customer, user: User | None) -> None:
    """Log an export of all data about a customer; without a user, a command made it."""
    by = {} if user else {"additional_data": {"by": "a command on the server"}}
    log_access(customer, f"All data about {customer.pk}", actor=user, **by)


def asked_as(customer: Customer, user: User) -> None:
    """Log that this person has tried out what the bot answers to a customer."""
    if cache.add(f"asked:{user.pk}:{customer.pk}", 1, ONCE_IN):
        log_access(customer, f"The bot's answers to {customer.pk}", actor=user)


def log_access(row: Any, name: str, **more: Any) -> None:
    values = {"action": LogEntry.Action.ACCESS, "object_repr": name, **more}
    LogEntry.objects.log_create(row, force_log=True, **values)
