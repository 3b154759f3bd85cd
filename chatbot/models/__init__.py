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
from chatbot.models.gaps import Gap, GapQuestion
from chatbot.models.inboxes import (
    OWN_COLOUR,
    Inbox,
    InboxLogo,
    SetupDismissed,
    Visitor,
    new_secret,
    own_time_zone,
)
from chatbot.models.links import UsedLink
from chatbot.models.people import CannedAnswer, Presence, ProviderAccount, SavedView, Team
from chatbot.models.programs import ApiKey, IdempotentAnswer
from chatbot.models.replies import Reply, Server, Tier
from chatbot.models.teaching import Case, TestResult, TestRun

__all__ = [
    "OWN_COLOUR",
    "Action",
    "ActionField",
    "ActionRequest",
    "ApiKey",
    "Attachment",
    "CannedAnswer",
    "Case",
    "Conversation",
    "Correction",
    "DeletedCount",
    "Erasure",
    "Figure",
    "FiguresUpTo",
    "Gap",
    "GapQuestion",
    "IdempotentAnswer",
    "Inbox",
    "InboxLogo",
    "Message",
    "MessageWords",
    "Note",
    "Presence",
    "ProviderAccount",
    "Reply",
    "SavedView",
    "Server",
    "SetupDismissed",
    "Summary",
    "Team",
    "TestResult",
    "TestRun",
    "Tier",
    "UsedLink",
    "Visitor",
    "attachment_storage",
    "new_secret",
    "own_time_zone",
]
