"""The pages of Django's admin. Importing a module registers its pages."""

from chatbot.admin import (
    api_keys,
    audit,
    canned,
    cases,
    conversations,
    corrections,
    crm_actions,
    dashboard,
    gaps,
    inboxes,
    privacy,
    teams,
    test_runs,
    tiers,
    users,
)

__all__ = [
    "api_keys",
    "audit",
    "canned",
    "cases",
    "conversations",
    "corrections",
    "crm_actions",
    "dashboard",
    "gaps",
    "inboxes",
    "privacy",
    "teams",
    "test_runs",
    "tiers",
    "users",
]
