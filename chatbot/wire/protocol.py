"""Every websocket frame as a type; `parse` makes one or refuses with the reason.

The protocol's version stands in the first frame of each side.
"""

import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, ClassVar, get_args
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from chatbot.wire.errors import Refused
from crm.plumbing.storable import unstorable
from inference.text import blank

PROTOCOL = 1
LONGEST_ID = 64
LONGEST_TOKEN = 4096


# --- from the client


@dataclass(frozen=True)
class Hello:
    type: ClassVar[str] = "hello"
    token: str
    after: int = 0
    protocol: int = PROTOCOL

    def __post_init__(self) -> None:
        if len(self.token) > LONGEST_TOKEN:
            raise Refused("bad_frame", '"token" is too long.')
        natural("after", self.after)
        if self.protocol != PROTOCOL:
            raise Refused("bad_protocol", f"This server speaks protocol {PROTOCOL}.")


@dataclass(frozen=True)
class SendMessage:
    type: ClassVar[str] = "message"
    id: str
    text: str
    # Ids of what was uploaded before.
    attachments: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 1 <= len(self.id) <= LONGEST_ID:
            raise Refused("bad_frame", f'"id" must have 1 to {LONGEST_ID} characters.')
        if len(self.text) > settings.MESSAGE_MAX_CHARACTERS:
            limit = settings.MESSAGE_MAX_CHARACTERS
            raise Refused(
                "too_large", f"A message may have at most {limit} characters.", id=self.id
            )
        check_attachments(self.attachments, self.id)
        if blank(self.text) and not self.attachments:
            raise Refused("empty", "The message is empty.", id=self.id)


@dataclass(frozen=True)
class Typing:
    type: ClassVar[str] = "typing"


@dataclass(frozen=True)
class Read:
    type: ClassVar[str] = "read"
    seq: int

    def __post_init__(self) -> None:
        natural("seq", self.seq)


@dataclass(frozen=True)
class Feedback:
    type: ClassVar[str] = "feedback"
    seq: int
    value: int

    def __post_init__(self) -> None:
        natural("seq", self.seq)
        if self.value not in (1, -1):
            raise Refused("bad_frame", '"value" must be 1 or -1.')


@dataclass(frozen=True)
class Handoff:
    type: ClassVar[str] = "handoff"


@dataclass(frozen=True)
class Close:
    type: ClassVar[str] = "close"


@dataclass(frozen=True)
class Ping:
    """Is the other end there, and has it carried out what came before this? `pong` says the same n.
    A browser's script sees nothing of the WebSocket protocol's own pings."""

    type: ClassVar[str] = "ping"
    n: int = 0

    def __post_init__(self) -> None:
        natural("n", self.n)


@dataclass(frozen=True)
class Csat:
    """How satisfied the customer was with a closed conversation, 1 to 5."""

    type: ClassVar[str] = "csat"
    score: int
    comment: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.score <= 5:
            raise Refused("bad_frame", '"score" must be a number from 1 to 5.')
        if len(self.comment) > LONGEST_COMMENT:
            raise Refused("too_large", f"A comment may have {LONGEST_COMMENT} characters.")


@dataclass(frozen=True)
class Contact:
    """Where the customer can be written to; "" is the address that the CRM has of them."""

    type: ClassVar[str] = "contact"
    email: str

    def __post_init__(self) -> None:
        if self.email and not is_address(self.email):
            raise Refused("invalid_email", "Please write an address like name@example.com.")


@dataclass(frozen=True)
class Confirm:
    """The customer wants what an `action` frame has offered, with these values of its fields."""

    type: ClassVar[str] = "confirm"
    id: str
    values: dict[str, str]

    def __post_init__(self) -> None:
        check_id(self.id)
        if len(self.values) > MOST_VALUES:
            raise Refused("bad_frame", f'"values" may have {MOST_VALUES} fields.', id=self.id)
        if any(map(unstorable, (*self.values, *self.values.values()))):
            raise Refused("bad_frame", '"values" holds characters that are no text.', id=self.id)


@dataclass(frozen=True)
class Dismiss:
    """The customer does not want it."""

    type: ClassVar[str] = "dismiss"
    id: str

    def __post_init__(self) -> None:
        check_id(self.id)


def check_id(id: str) -> None:
    try:
        UUID(id)
    except ValueError:
        raise Refused("bad_frame", '"id" must be that of an action.') from None


ClientFrame = (
    Hello
    | SendMessage
    | Typing
    | Read
    | Feedback
    | Handoff
    | Close
    | Csat
    | Contact
    | Confirm
    | Dismiss
    | Ping
)
CLIENT_FRAMES: dict[str, Any] = {kind.type: kind for kind in get_args(ClientFrame)}
LONGEST_ADDRESS = 254
LONGEST_COMMENT = 500
MOST_VALUES = 40
LONGEST_SEQ = 2**31 - 1


def natural(name: str, value: int) -> None:
    if not 0 <= value <= LONGEST_SEQ:
        raise Refused("bad_frame", f'"{name}" must be a number from 0 to {LONGEST_SEQ}.')


def is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= LONGEST_ADDRESS


def check_attachments(ids: list[str], message: str) -> None:
    most = settings.ATTACHMENTS_PER_MESSAGE
    if len(ids) > most:
        raise Refused("too_many_files", f"A message may have at most {most} files.", id=message)
    try:
        distinct = {UUID(one) for one in ids}
    except ValueError:
        raise Refused("bad_frame", '"attachments" must be ids of files.', id=message) from None
    if len(distinct) < len(ids):
        raise Refused("bad_frame", "A file can be attached once to a message.", id=message)


def parse(text: str | None, kinds: dict[str, Any]) -> Any:
    """One of the kinds, which are client frames by their name."""
    if text is None:
        raise Refused("bad_frame", "Frames are JSON text, not binary.")
    if len(text.encode(errors="surrogatepass")) > settings.FRAME_MAX_BYTES:
        raise Refused("too_large", f"A frame may have at most {settings.FRAME_MAX_BYTES} bytes.")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("bad_frame", "The frame is not JSON.") from None
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise Refused("bad_frame", 'A frame is an object with its name in "type".')
    kind = kinds.get(data.pop("type"))
    if kind is None:
        raise Refused("unknown_frame", f"Known frames are {', '.join(kinds)}.")
    return kind(**checked(kind, data))


def checked(kind: Any, data: dict[str, Any]) -> dict[str, Any]:
    known = {entry.name: entry for entry in fields(kind)}
    if unknown := sorted(set(data) - set(known)):
        raise Refused("bad_frame", f'"{kind.type}" has no field "{unknown[0]}".')
    for name, entry in known.items():
        if name not in data:
            if entry.default is entry.default_factory is MISSING:
                raise Refused("bad_frame", f'"{kind.type}" needs the field "{name}".')
        elif not fits(data[name], entry.type):
            raise Refused("bad_frame", f'"{name}" must be {WANTED[entry.type]}.')
        elif entry.type is str and unstorable(data[name]):
            raise Refused("bad_frame", f'"{name}" holds characters that are no text.')
    return data


WANTED: dict[Any, str] = {
    str: "a string",
    int: "a whole number",
    list[str]: "a list of strings",
    dict[str, str]: "an object of strings",
}


def fits(value: Any, wanted: Any) -> bool:
    if wanted == list[str]:
        return type(value) is list and all(type(one) is str for one in value)
    if wanted == dict[str, str]:
        return type(value) is dict and all(type(one) is str for one in value.values())
    return type(value) is wanted


# --- from the server


@dataclass(frozen=True)
class Welcome:
    conversation: str
    state: str
    last_seq: int
    replying: bool
    # Who answers in state `agent`.
    agent: str = ""
    protocol: int = PROTOCOL
    type: str = "welcome"


@dataclass(frozen=True)
class Ack:
    id: str
    seq: int
    type: str = "ack"


@dataclass(frozen=True)
class MessageFrame:
    seq: int
    author: str
    text: str
    at: datetime
    id: str | None = None
    citations: list[dict[str, str]] = field(default_factory=list)
    # id, name, type, bytes, and the address under which its reader finds it for a while.
    attachments: list[dict[str, Any]] = field(default_factory=list)
    feedback: int | None = None
    # The agent's name.
    by: str = ""
    type: str = "message"


@dataclass(frozen=True)
class ReplyFrame:
    """state: thinking, sentence (with its text), done or failed. Disposable: the message counts."""

    state: str
    sentence: str | None = None
    type: str = "reply"


@dataclass(frozen=True)
class TypingFrame:
    author: str
    type: str = "typing"


@dataclass(frozen=True)
class StateFrame:
    state: str
    agent: str = ""
    type: str = "state"


@dataclass(frozen=True)
class QueueFrame:
    """The customer's place in the line for a person, from 1."""

    position: int
    type: str = "queue"


@dataclass(frozen=True)
class Away:
    """Nobody is there for a customer who wants a person."""

    text: str
    # The address that they left, or that the CRM has of them, as its owner knows it again.
    contact: str
    left: bool
    # When somebody is there again, by the clocks there.
    opens: datetime | None
    type: str = "away"


@dataclass(frozen=True)
class ActionFrame:
    """What the customer may have the CRM do, and how far it is; sent again with each change, and
    all of them after `hello`. It stands below the message `seq`. fields: the form, while it is
    proposed; what was confirmed, and what the CRM answers, comes as messages."""

    id: str
    seq: int
    state: str
    name: str
    text: str
    fields: list[dict[str, Any]]
    type: str = "action"


@dataclass(frozen=True)
class Pong:
    n: int
    type: str = "pong"


@dataclass(frozen=True)
class Error:
    code: str
    text: str
    retry_after: float | None = None
    id: str | None = None
    type: str = "error"


ServerFrame = (
    Welcome
    | Ack
    | MessageFrame
    | ReplyFrame
    | TypingFrame
    | StateFrame
    | QueueFrame
    | Away
    | ActionFrame
    | Pong
    | Error
)


def encode(frame: ServerFrame) -> str:
    """A refusal may quote what no UTF-8 holds: half a character, in the name of a field."""
    text = json.dumps(asdict(frame), default=lambda value: value.isoformat(), ensure_ascii=False)
    return text.encode(errors="replace").decode()
