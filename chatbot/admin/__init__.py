"""The agents' console, on Django's admin. Importing a module registers its pages."""

from chatbot.admin import canned, conversations, corrections, inboxes, tiers, users

__all__ = ["canned", "conversations", "corrections", "inboxes", "tiers", "users"]
