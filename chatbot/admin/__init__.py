"""The pages of Django's admin. Importing a module registers its pages."""

from chatbot.admin import (
    api_keys,
    audit,
    canned,
    conversations,
    corrections,
    crm_actions,
    dashboard,
    inboxes,
    privacy,
    teams,
    tiers,
    users,
)

__all__ = [
    "api_keys",
    "audit",
    "canned",
    "conversations",
    "corrections",
    "crm_actions",
    "dashboard",
    "inboxes",
    "privacy",
    "teams",
    "tiers",
    "users",
]
