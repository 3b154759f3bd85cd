"""What the agents' page says over its socket; `conversation` is a conversation's id."""

from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings

from chatbot.wire.errors import Refused
from chatbot.wire.protocol import LONGEST_ID, Ping, check_attachments, natural
from inference.text import blank, written

VIEWS = ("open", "mine", "unassigned", "waiting", "alert", "closed")
STATES = ("", "bot", "waiting", "agent", "closed")
LONGEST_SEARCH = 200
LONGEST_NAME = 40
LONGEST_SUMMARY = 1_000


@dataclass(frozen=True)
class List:
    """Which conversations the agent wants to see; the answer is a page of rows."""

    type: ClassVar[str] = "list"
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
            raise Refused("bad_frame", f'"search" may have {LONGEST_SEARCH} characters.')


@dataclass(frozen=True, kw_only=True)
class SaveView(List):
    """Keep a list under a name, in the place of one of that name."""

    type: ClassVar[str] = "save_view"
    name: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(written(self.name)) <= LONGEST_NAME:
            raise Refused("invalid", f"The name of a view has 1 to {LONGEST_NAME} characters.")


@dataclass(frozen=True)
class DropView:
    type: ClassVar[str] = "drop_view"
    name: str


@dataclass(frozen=True)
class _Of:
    conversation: str

    def __post_init__(self) -> None:
        try:
            UUID(self.conversation)
        except ValueError:
            raise Refused("bad_frame", '"conversation" must be the id of one.') from None


@dataclass(frozen=True)
class Open(_Of):
    """Show this conversation from here on, from the message after `after`."""

    type: ClassVar[str] = "open"
    after: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        natural("after", self.after)


@dataclass(frozen=True)
class Take(_Of):
    type: ClassVar[str] = "take"


@dataclass(frozen=True)
class HandBack(_Of):
    type: ClassVar[str] = "hand_back"


@dataclass(frozen=True)
class Resolve(_Of):
    type: ClassVar[str] = "resolve"


@dataclass(frozen=True)
class Acknowledge(_Of):
    type: ClassVar[str] = "acknowledge"


@dataclass(frozen=True)
class Snooze(_Of):
    type: ClassVar[str] = "snooze"
    minutes: int


@dataclass(frozen=True)
class PassOn(_Of):
    type: ClassVar[str] = "pass_on"
    to: str


@dataclass(frozen=True)
class Say(_Of):
    type: ClassVar[str] = "message"
    id: str
    text: str
    attachments: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.id) <= LONGEST_ID:
            raise Refused("bad_frame", f'"id" must have 1 to {LONGEST_ID} characters.')
        check_attachments(self.attachments, self.id)
        limit = settings.MESSAGE_MAX_CHARACTERS
        if blank(self.text) and not self.attachments:
            raise Refused("empty", "The message is empty.", id=self.id)
        if len(self.text) > limit:
            raise Refused("invalid", f"A message has 1 to {limit} characters.", id=self.id)


@dataclass(frozen=True)
class Note(_Of):
    type: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True)
class Away:
    """1: give this agent nothing more. 0: they are there again."""

    type: ClassVar[str] = "away"
    value: int


@dataclass(frozen=True)
class Typing(_Of):
    type: ClassVar[str] = "typing"


@dataclass(frozen=True)
class Suggest(_Of):
    """What would the bot answer now? Nobody but this agent sees it."""

    type: ClassVar[str] = "suggest"


@dataclass(frozen=True)
class Correct(_Of):
    type: ClassVar[str] = "correct"
    seq: int
    label: str


@dataclass(frozen=True)
class Summarise(_Of):
    """Make a summary now."""

    type: ClassVar[str] = "summarise"


@dataclass(frozen=True)
class CorrectSummary(_Of):
    type: ClassVar[str] = "summary"
    problem: str
    tried: str
    question: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if max(map(len, (self.problem, self.tried, self.question))) > LONGEST_SUMMARY:
            raise Refused("invalid", f"Each line may have {LONGEST_SUMMARY} characters.")


KINDS: dict[str, Any] = {
    kind.type: kind
    for kind in (
        List,
        SaveView,
        DropView,
        Open,
        Take,
        HandBack,
        Resolve,
        Acknowledge,
        Snooze,
        PassOn,
        Say,
        Note,
        Away,
        Typing,
        Suggest,
        Correct,
        Summarise,
        CorrectSummary,
        Ping,
    )
}
