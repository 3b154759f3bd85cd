"""The agents' console, on Django's admin. Importing a module registers its pages."""

from chatbot.admin import (
    actions,
    api_keys,
    audit,
    canned,
    conversations,
    corrections,
    dashboard,
    inboxes,
    privacy,
    teams,
    tiers,
    users,
)

__all__ = [
    "actions",
    "api_keys",
    "audit",
    "canned",
    "conversations",
    "corrections",
    "dashboard",
    "inboxes",
    "privacy",
    "teams",
    "tiers",
    "users",
]
