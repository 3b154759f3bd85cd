"""The agents' console, on Django's admin. Importing a module registers its pages."""

from chatbot.admin import conversations, corrections, inboxes, tiers, users

__all__ = ["conversations", "corrections", "inboxes", "tiers", "users"]
