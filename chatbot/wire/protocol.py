"""All websocket frames as types. A frame that does not fit its type is refused with a reason.

The first frame of each side contains the protocol's version.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from chatbot.wire.errors import Refused
from inference.text import blank, unstorable

PROTOCOL = 1
LONGEST_ID = 64
LONGEST_TOKEN = 4096


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """A frame; its tag is its name on the wire. Unknown fields are refused."""


# --- from the client


class Hello(Frame, frozen=True, tag="hello"):
    token: str
    after: int = 0
    protocol: int = PROTOCOL

    def __post_init__(self) -> None:
        if len(self.token) > LONGEST_TOKEN:
            raise Refused("bad_frame", '"token" is too long.')
        natural("after", self.after)
        if self.protocol != PROTOCOL:
            raise Refused("bad_protocol", f"This server speaks protocol {PROTOCOL}.")


class SendMessage(Frame, frozen=True, tag="message"):
    id: str
    text: str
    # Ids of files that were uploaded before.
    attachments: list[str] = []

    def __post_init__(self) -> None:
        check_client_id(self.id)
        if len(self.text) > settings.MESSAGE_MAX_CHARACTERS:
            limit = settings.MESSAGE_MAX_CHARACTERS
            raise Refused(
                "too_large", f"A message may have at most {limit} characters.", id=self.id
            )
        check_attachments(self.attachments, self.id)
        if blank(self.text) and not self.attachments:
            raise Refused("empty", "The message is empty.", id=self.id)


class Typing(Frame, frozen=True, tag="typing"):
    """The customer is typing."""


class Ahead(Frame, frozen=True, tag="ahead"):
    """What the customer has typed so far, so that the server can read ahead; only where `welcome`
    asks for it. It is neither stored nor shown to anybody."""

    text: str

    def __post_init__(self) -> None:
        if len(self.text) > settings.MESSAGE_MAX_CHARACTERS:
            limit = settings.MESSAGE_MAX_CHARACTERS
            raise Refused("too_large", f"A draft may have at most {limit} characters.")


class Read(Frame, frozen=True, tag="read"):
    seq: int

    def __post_init__(self) -> None:
        natural("seq", self.seq)


class Feedback(Frame, frozen=True, tag="feedback"):
    seq: int
    value: int

    def __post_init__(self) -> None:
        natural("seq", self.seq)
        if self.value not in (1, -1):
            raise Refused("bad_frame", '"value" must be 1 or -1.')


class Handoff(Frame, frozen=True, tag="handoff"):
    """The customer asks for a person."""


class Close(Frame, frozen=True, tag="close"):
    """The customer closes the conversation."""


class Ping(Frame, frozen=True, tag="ping"):
    """Asks whether the server is there and has carried out the frames before; `pong` repeats n.
    Scripts in a browser cannot see the WebSocket protocol's own pings."""

    n: int = 0

    def __post_init__(self) -> None:
        natural("n", self.n)


class Csat(Frame, frozen=True, tag="csat"):
    """How satisfied the customer was with a closed conversation, 1 to 5."""

    score: int
    comment: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.score <= 5:
            raise Refused("bad_frame", '"score" must be a number from 1 to 5.')
        if len(self.comment) > LONGEST_COMMENT:
            raise Refused("too_large", f"A comment may have at most {LONGEST_COMMENT} characters.")


class Contact(Frame, frozen=True, tag="contact"):
    """The customer's e-mail address for answers; "" stands for the one on record in the CRM."""

    email: str

    def __post_init__(self) -> None:
        if self.email and not is_address(self.email):
            raise Refused("invalid_email", "Please write an address like name@example.com.")


class Confirm(Frame, frozen=True, tag="confirm"):
    """The customer confirms the action of an `action` frame, with these values of its fields."""

    id: str
    values: dict[str, str]

    def __post_init__(self) -> None:
        check_id(self.id)
        if len(self.values) > MOST_VALUES:
            raise Refused(
                "bad_frame", f'"values" may have at most {MOST_VALUES} fields.', id=self.id
            )
        if any(map(unstorable, (*self.values, *self.values.values()))):
            raise Refused("bad_frame", '"values" contains invalid characters.', id=self.id)


class Dismiss(Frame, frozen=True, tag="dismiss"):
    """The customer declines the action of an `action` frame."""

    id: str

    def __post_init__(self) -> None:
        check_id(self.id)


def check_id(id: str) -> None:
    try:
        UUID(id)
    except ValueError:
        raise Refused("bad_frame", '"id" must be the id of an action frame.') from None


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


def check_client_id(id: str) -> None:
    if not 1 <= len(id) <= LONGEST_ID:
        raise Refused("bad_frame", f'"id" must have 1 to {LONGEST_ID} characters.')


def check_attachments(ids: list[str], message: str) -> None:
    most = settings.ATTACHMENTS_PER_MESSAGE
    if len(ids) > most:
        raise Refused("too_many_files", f"A message may have at most {most} files.", id=message)
    try:
        distinct = {UUID(id) for id in ids}
    except ValueError:
        raise Refused("bad_frame", '"attachments" must be ids of files.', id=message) from None
    if len(distinct) < len(ids):
        raise Refused("bad_frame", "A file can only be attached once to a message.", id=message)


class Frames:
    """The frames that one kind of socket accepts."""

    def __init__(self, kinds: Iterable[type[Frame]]) -> None:
        self.kinds = reduce(or_, kinds)
        self.names = [str(kind.__struct_config__.tag) for kind in kinds]

    def parse(self, text: str | None) -> Frame:
        if text is None:
            raise Refused("bad_frame", "Frames must be JSON text, not binary.")
        most = settings.FRAME_MAX_BYTES
        if len(text.encode(errors="surrogatepass")) > most:
            raise Refused("too_large", f"A frame may have at most {most} bytes.")
        try:
            content = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise Refused("bad_frame", "The frame is not JSON.") from None
        name = content.get("type") if isinstance(content, dict) else None
        if not isinstance(name, str):
            raise Refused("bad_frame", 'A frame must be an object with its name in "type".')
        if name not in self.names:
            raise Refused("unknown_frame", f"Known frames are {', '.join(self.names)}.")
        return self.convert(name, content)

    def convert(self, name: str, content: Any) -> Frame:
        try:
            frame: Frame = msgspec.convert(content, self.kinds)
        except msgspec.ValidationError as error:
            raise Refused("bad_frame", f'The frame "{name}" does not fit: {error}.') from None
        for field in frame.__struct_fields__:
            if isinstance(value := getattr(frame, field), str) and unstorable(value):
                raise Refused("bad_frame", f'"{field}" contains invalid characters.')
        return frame


# --- from the server


class Welcome(Frame, frozen=True, tag="welcome"):
    conversation: str
    state: str
    last_seq: int
    replying: bool
    # The agent's name in state `agent`.
    agent: str = ""
    # Whether the server wants `ahead` frames.
    ahead: bool = False
    protocol: int = PROTOCOL


class Ack(Frame, frozen=True, tag="ack"):
    id: str
    seq: int


class MessageFrame(Frame, frozen=True, tag="message"):
    seq: int
    author: str
    text: str
    at: datetime
    id: str | None = None
    citations: list[dict[str, str]] = []
    # Answers that the customer may give by a click.
    choices: list[str] = []
    # id, name, type, bytes, and a link that expires.
    attachments: list[dict[str, Any]] = []
    feedback: int | None = None
    # The agent's name.
    by: str = ""


class ReplyFrame(Frame, frozen=True, tag="reply"):
    """state: thinking, sentence (with its text), done or failed. It may get lost; the `message`
    frame counts."""

    state: str
    sentence: str | None = None


class TypingFrame(Frame, frozen=True, tag="typing"):
    author: str


class StateFrame(Frame, frozen=True, tag="state"):
    state: str
    agent: str = ""


class QueueFrame(Frame, frozen=True, tag="queue"):
    """The customer's place in the queue for a person, from 1."""

    position: int


class Away(Frame, frozen=True, tag="away"):
    """No agent is there for a customer who asked for a person."""

    text: str
    # The address that the customer left, or that the CRM has, shortened so that only its owner
    # recognises it.
    contact: str
    left: bool
    # When an agent will be there again, in the agents' time zone.
    opens: datetime | None


class ActionFrame(Frame, frozen=True, tag="action"):
    """An action that the customer may ask the CRM for, and its state. It appears below the message
    `seq`. It is sent again with each change, and after `hello`.

    fields: the form, while the action is proposed. What was confirmed, and the CRM's answer, come
    as messages.
    """

    id: str
    seq: int
    state: str
    name: str
    text: str
    fields: list[dict[str, Any]]


class Pong(Frame, frozen=True, tag="pong"):
    n: int


class Error(Frame, frozen=True, tag="error"):
    code: str
    text: str
    retry_after: float | None = None
    id: str | None = None


def encode(frame: Frame) -> str:
    return msgspec.json.encode(frame).decode()
