"""Frames: what fits is parsed, everything else is refused with a reason."""

import json
from datetime import UTC, datetime
from typing import Any

from django.test import SimpleTestCase, override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbot.widget.consumer import VisitorConsumer
from chatbot.wire import protocol
from chatbot.wire.errors import Refused
from tests.texts import INVISIBLE, VISIBLE

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=3), SCALARS)
NAMES = st.sampled_from([*VisitorConsumer.accepted.names, "other"])
FIELDS = st.sampled_from(["id", "text", "token", "after", "seq", "value", "protocol", "more"])


def parse(text: str | None) -> Any:
    return VisitorConsumer.accepted.parse(text)


class ParseTests(SimpleTestCase):
    def refused(self, text: str | None) -> Refused:
        with self.assertRaises(Refused) as caught:
            parse(text)
        return caught.exception

    def test_each_frame_of_the_protocol_is_parsed(self) -> None:
        self.assertEqual(parse('{"type":"hello","token":"t"}'), protocol.Hello("t"))
        self.assertEqual(
            parse('{"type":"message","id":"1","text":"hi"}'), protocol.SendMessage("1", "hi")
        )
        self.assertEqual(parse('{"type":"read","seq":3}'), protocol.Read(3))
        self.assertEqual(parse('{"type":"feedback","seq":3,"value":-1}'), protocol.Feedback(3, -1))
        self.assertEqual(parse('{"type":"ping","n":7}'), protocol.Ping(7))
        self.assertEqual(parse('{"type":"ahead","text":"wh"}'), protocol.Ahead("wh"))
        for kind in (protocol.Typing, protocol.Handoff, protocol.Close, protocol.Ping):
            name = kind.__struct_config__.tag
            self.assertEqual(parse(json.dumps({"type": name})), kind())

    def test_what_is_no_frame_is_refused(self) -> None:
        for text in [None, "", "{", "[]", '"x"', "{}", '{"type":1}', "[" * 5000]:
            self.assertEqual(self.refused(text).code, "bad_frame", text)
        self.assertEqual(self.refused('{"type":"shutdown"}').code, "unknown_frame")

    def test_a_field_of_another_kind_or_an_undeclared_one_is_named(self) -> None:
        self.assertIn("seq", self.refused('{"type":"read","seq":"3"}').text)
        self.assertIn("seq", self.refused('{"type":"read","seq":true}').text)
        self.assertIn("seq", self.refused('{"type":"read"}').text)
        self.assertIn("more", self.refused('{"type":"typing","more":1}').text)

    def test_a_number_outside_of_its_range_is_refused(self) -> None:
        for frame in [
            '"read","seq":-1',
            '"read","seq":99999999999',
            '"feedback","seq":1,"value":5',
        ]:
            self.refused('{"type":' + frame + "}")

    @override_settings(MESSAGE_MAX_CHARACTERS=10)
    def test_a_message_that_is_too_long_or_empty_is_refused_with_its_id(self) -> None:
        long = self.refused('{"type":"message","id":"a","text":"12345678901"}')
        self.assertEqual((long.code, long.id), ("too_large", "a"))
        self.assertEqual(self.refused('{"type":"ahead","text":"12345678901"}').code, "too_large")
        for words in INVISIBLE.values():
            empty = self.refused(json.dumps({"type": "message", "id": "a", "text": words}))
            self.assertEqual((empty.code, empty.id), ("empty", "a"))

    def test_what_is_seen_is_kept_to_the_letter(self) -> None:
        for words in VISIBLE.values():
            frame = parse(json.dumps({"type": "message", "id": "a", "text": words}))
            self.assertEqual(frame.text, words)

    def test_text_that_no_database_can_hold_is_refused(self) -> None:
        self.refused('{"type":"message","id":"a","text":"\\u0000"}')
        self.refused('{"type":"message","id":"a","text":"\\ud800"}')

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(NAMES, st.dictionaries(FIELDS, JSON, max_size=4))
    def test_any_object_is_a_frame_or_refused_never_an_error(self, name: str, data: dict) -> None:
        try:
            parse(json.dumps({**data, "type": name}))
        except Refused as refused:
            self.assertTrue(refused.text)


class EncodeTests(SimpleTestCase):
    def test_times_are_iso_8601_and_text_stays_readable(self) -> None:
        at = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
        data = json.loads(protocol.encode(protocol.MessageFrame(1, "bot", "Grüße", at)))
        self.assertEqual(data["at"], "2026-11-22T10:00:00Z")
        self.assertEqual(data["type"], "message")
