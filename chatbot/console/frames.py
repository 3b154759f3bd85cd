"""Frames from the agents' page; `conversation` is a conversation's id."""

from uuid import UUID

from django.conf import settings

from chatbot.wire.errors import Refused
from chatbot.wire.protocol import Frame, check_attachments, check_client_id, natural
from inference.text import blank, written

VIEWS = ("open", "mine", "unassigned", "waiting", "alert", "closed")
STATES = ("", "bot", "waiting", "agent", "closed")
LONGEST_SEARCH = 200
LONGEST_NAME = 40
LONGEST_SUMMARY = 1_000


class List(Frame, frozen=True, tag="list"):
    """Select the conversations to list; the answer is a page of rows."""

    view: str = "open"
    state: str = ""
    inbox: str = ""
    mood: str = ""
    search: str = ""
    page: int = 0

    def __post_init__(self) -> None:
        natural("page", self.page)
        if self.view not in VIEWS:
            raise Refused("bad_frame", f'"view" must be one of {", ".join(VIEWS)}.')
        if self.state not in STATES:
            raise Refused("bad_frame", f'"state" must be one of {", ".join(STATES[1:])}.')
        if len(self.search) > LONGEST_SEARCH:
            raise Refused("bad_frame", f'"search" may have at most {LONGEST_SEARCH} characters.')


class SaveView(List, frozen=True, tag="save_view", kw_only=True):
    """Save a list under a name; it replaces a view of the same name."""

    name: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(written(self.name)) <= LONGEST_NAME:
            raise Refused("invalid", f"A view's name must have 1 to {LONGEST_NAME} characters.")


class DropView(Frame, frozen=True, tag="drop_view"):
    name: str


class _Of(Frame, frozen=True):
    conversation: str

    def __post_init__(self) -> None:
        try:
            UUID(self.conversation)
        except ValueError:
            raise Refused("bad_frame", '"conversation" must be a conversation\'s id.') from None


class Open(_Of, frozen=True, tag="open"):
    """Open a conversation, with its messages after `after`."""

    after: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        natural("after", self.after)


class Take(_Of, frozen=True, tag="take"):
    """Take the conversation over."""


class HandBack(_Of, frozen=True, tag="hand_back"):
    """Hand the conversation back to the bot."""


class Resolve(_Of, frozen=True, tag="resolve"):
    """Close the conversation."""


class Acknowledge(_Of, frozen=True, tag="acknowledge"):
    """Mark the alert as seen."""


class Snooze(_Of, frozen=True, tag="snooze"):
    minutes: int


class PassOn(_Of, frozen=True, tag="pass_on"):
    to: str


class Say(_Of, frozen=True, tag="message"):
    id: str
    text: str
    attachments: list[str] = []

    def __post_init__(self) -> None:
        super().__post_init__()
        check_client_id(self.id)
        check_attachments(self.attachments, self.id)
        limit = settings.MESSAGE_MAX_CHARACTERS
        if blank(self.text) and not self.attachments:
            raise Refused("empty", "The message is empty.", id=self.id)
        if len(self.text) > limit:
            raise Refused("invalid", f"A message must have 1 to {limit} characters.", id=self.id)


class Note(_Of, frozen=True, tag="note"):
    text: str


class Away(Frame, frozen=True, tag="away"):
    """Set the agent to away (1: no more conversations) or to there (0)."""

    value: int


class Typing(_Of, frozen=True, tag="typing"):
    """Say that the agent is typing."""


class Suggest(_Of, frozen=True, tag="suggest"):
    """Ask for the bot's answer, for this agent's eyes only."""


class Correct(_Of, frozen=True, tag="correct"):
    seq: int
    label: str


class Teach(_Of, frozen=True, tag="teach"):
    """Judge an answer of the bot: "right", "wrong", or "" to take it back. For a wrong one: what
    should have been said, and the id or title of the record that says it."""

    seq: int
    verdict: str
    answer: str = ""
    record: str = ""


class Summarise(_Of, frozen=True, tag="summarise"):
    """Ask for a summary now."""


class CorrectSummary(_Of, frozen=True, tag="summary"):
    problem: str
    tried: str
    question: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if max(map(len, (self.problem, self.tried, self.question))) > LONGEST_SUMMARY:
            raise Refused("invalid", f"Each line may have at most {LONGEST_SUMMARY} characters.")
