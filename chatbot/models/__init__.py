"""Conversations: their people, their messages, and what produced each answer."""

from chatbot.models.conversations import (
    Attachment,
    Conversation,
    Correction,
    Message,
    MessageWords,
    Note,
    Summary,
    attachment_storage,
)
from chatbot.models.crm_actions import Action, ActionField, ActionRequest
from chatbot.models.figures import Figure, FiguresUpTo
from chatbot.models.forgetting import DeletedCount, Erasure
from chatbot.models.inboxes import Inbox, Visitor, new_secret, own_time_zone
from chatbot.models.links import UsedLink
from chatbot.models.people import CannedAnswer, Presence, ProviderAccount, SavedView, Team
from chatbot.models.programs import ApiKey, IdempotentAnswer
from chatbot.models.replies import Reply, Server, Tier

__all__ = [
    "Action",
    "ActionField",
    "ActionRequest",
    "ApiKey",
    "Attachment",
    "CannedAnswer",
    "Conversation",
    "Correction",
    "DeletedCount",
    "Erasure",
    "Figure",
    "FiguresUpTo",
    "IdempotentAnswer",
    "Inbox",
    "Message",
    "MessageWords",
    "Note",
    "Presence",
    "ProviderAccount",
    "Reply",
    "SavedView",
    "Server",
    "Summary",
    "Team",
    "Tier",
    "UsedLink",
    "Visitor",
    "attachment_storage",
    "new_secret",
    "own_time_zone",
]
