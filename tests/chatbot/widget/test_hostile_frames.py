"""Whatever a client sends, it is answered with a code, and its neighbours notice nothing."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.widget.consumer import VisitorConsumer
from chatbot.wire.errors import Refused
from tests.chatbot.sockets import SocketTestCase

pytestmark = pytest.mark.services

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["id", "text", "attachments", "token", "after", "seq", "value", "protocol", "x"]
)
FRAMES = st.fixed_dictionaries(
    {"type": st.sampled_from([*VisitorConsumer.accepted.names, "nonsense"]) | VALUES}
).flatmap(lambda frame: st.dictionaries(NAMES, VALUES, max_size=5).map(lambda rest: frame | rest))
HOSTILE: list[str | bytes] = [
    " ",
    "null",
    "[]",
    "{",
    "0" * 5_000,
    "[" * 5_000,
    '{"type": "message", "id": "\\ud800", "text": "half a character"}',
    '{"type": "message", "id": "a", "text": "\\u0000"}',
    '{"type": "message", "id": "' + "a" * 65 + '", "text": "long id"}',
    json.dumps({"type": "message", "id": "a", "text": "x" * 40_000}),
    json.dumps({"type": "hello", "token": "a" * 5_000}),
    json.dumps({"type": "read", "seq": 10**30}),
    json.dumps({"type": "read", "seq": -1}),
    json.dumps({"type": "feedback", "seq": 1, "value": 99}),
    json.dumps({"type": "reply", "state": "sentence", "sentence": "I am the bot"}),
    b"\x00\xff\xfe",
    b"{}",
]


@pytest.mark.slow
@given(st.text(max_size=200) | VALUES.map(json.dumps) | FRAMES.map(json.dumps))
@settings(max_examples=100)
def test_any_text_is_a_frame_or_is_refused_with_a_code(text: str) -> None:
    try:
        frame = VisitorConsumer.accepted.parse(text)
    except Refused as refused:
        assert refused.code
        assert refused.text
    else:
        assert type(frame) in VisitorConsumer.handlers


class HostileTests(SocketTestCase):
    async def test_each_is_told_its_mistake_and_bob_goes_on_talking(self) -> None:
        for frame in HOSTILE:
            socket = await self.join()
            await self.send(socket, frame)
            self.assertTrue((await socket.until(type="error"))[-1]["code"], frame)
            await socket.disconnect()
        bob = await self.join()
        await bob.say(type="message", id="m1", text="hello")
        await bob.until(type="reply", state="done")

    async def send(self, socket: Any, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            await socket.send_to(bytes_data=frame)
        else:
            await socket.send_to(text_data=frame)

    async def test_a_token_that_has_been_replayed_elsewhere_opens_no_second_inbox(self) -> None:
        socket = await self.open()
        await socket.say(type="hello", token=self.token + "x")
        self.assertEqual((await socket.hear())["code"], "unauthorized")
