"""The agents' console, on Django's admin. Importing a module registers its pages."""

from chatbot.admin import conversations, inboxes, users

__all__ = ["conversations", "inboxes", "users"]
