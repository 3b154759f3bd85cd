"""However odd the JSON that is sent, each entrance takes it or says what is wrong with it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from chatbot.console.consumer import AgentConsumer
from chatbot.models import Inbox
from chatbot.widget.consumer import VisitorConsumer
from chatbot.wire import limits, protocol
from chatbot.wire.errors import Refused
from chatbot.wire.protocol import Error, Frames
from crm import dialects
from crm.dialects import PayloadError
from crm.inbound import apply, reception
from crm.knowledge.records import import_records
from crm.models import InboundEvent, Record, Source
from tests.chatbot.programs import PROBLEM, Program
from tests.chatbot.sockets import SocketTestCase
from tests.crm.dialects.test_dialects import FIXTURES, MAPPING

pytestmark = pytest.mark.services

TEXTS = st.text(max_size=8) | st.sampled_from(
    [
        "\ud800",
        "\x00",
        "x\udfff",
        "<p>\ud800</p>",
        "&#0;",
        "\\u0000",
        "9" * 400,
        "2026-13-45",
        "%00",
    ]
)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.just(10**400)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
) | st.sampled_from([json.loads("[" * 450 + "]" * 450), {}, [], "", True, -0.0, 1e308])
ROW = {
    "id": "order:1",
    "kind": "order",
    "customer": "alice",
    "title": "Order 1",
    "text": "",
    "fields": {"status": "sent"},
    "updated_at": "2026-11-01T00:00:00Z",
    "deleted": False,
}
PAYLOADS = [
    (path.parent.name, json.loads(path.read_text())) for path in sorted(FIXTURES.glob("*/*.json"))
]
PAYLOADS += [("attune", {"type": kind, "data": ROW | {"from": "a", "into": "b"}})
             for kind in apply.TYPES]  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn, whole: Any) -> Any:
    """A value in which something, at any depth, is another, is gone, or is more."""
    if isinstance(whole, dict) and whole and draw(st.integers(0, 9)):
        name = draw(st.sampled_from(sorted(whole)))
        how = draw(st.sampled_from(["within", "within", "without", "beside"]))
        if how == "without":
            return {key: value for key, value in whole.items() if key != name}
        if how == "beside":
            return whole | {draw(TEXTS): draw(VALUES)}
        return whole | {name: draw(spoilt(whole[name]))}
    if isinstance(whole, list) and whole and draw(st.integers(0, 9)):
        place = draw(st.integers(0, len(whole) - 1))
        return [*whole[:place], draw(spoilt(whole[place])), *whole[place + 1 :]]
    return draw(VALUES)


class EntranceTests(TestCase):
    def setUp(self) -> None:
        limits.reset()

    @given(st.lists(spoilt(ROW), max_size=3))
    def test_rows_of_an_import(self, rows: list[Any]) -> None:
        report = import_records([*rows, ROW | {"id": "order:good"}])
        self.assertEqual(report.accepted + len(report.errors), len(rows) + 1)
        self.assertTrue(Record.objects.filter(id="order:good").exists())

    @given(
        st.sampled_from(PAYLOADS).flatmap(lambda one: st.tuples(st.just(one[0]), spoilt(one[1])))
    )
    def test_payloads_of_every_dialect(self, given: tuple[str, Any]) -> None:
        name, payload = given
        mapping = MAPPING if name == "generic" else {}
        body = json.dumps(payload).encode()
        try:
            changes = reception.preview(name, mapping, body)
        except PayloadError as error:
            self.assertTrue(error.reason)
            return
        source = Source.objects.get_or_create(name=name, dialect=name)[0]
        kept = [{"type": change.type, "data": change.data} for change in changes]
        InboundEvent.objects.filter(source=source).delete()
        reception.insert([InboundEvent(source=source, event_id="e", body="", changes=kept)])
        apply.apply_pending()
        event = InboundEvent.objects.get()
        allowed = ("RecordError", "AnswerError")
        self.assertTrue(event.state == "applied" or event.reason.startswith(allowed), event.reason)

    @given(spoilt([ROW]) | VALUES)
    def test_the_api(self, body: Any) -> None:
        limits.reset()
        program = Program("records:write", "webhooks:write")
        raw = json.dumps(body).encode()
        for path in ("records/", "sources/", "endpoints/"):
            self.answered(program.ask("POST", path, raw))

    @given(spoilt({"name": "any", "dialect": "generic", "mapping": MAPPING, "active": True}))
    def test_sources_of_the_api(self, body: Any) -> None:
        limits.reset()
        Source.objects.all().delete()
        self.answered(Program("webhooks:write").ask("POST", "sources/", json.dumps(body).encode()))

    @given(spoilt({"identity": "x", "token": "y"}), st.dictionaries(TEXTS, VALUES, max_size=2))
    def test_sessions(self, body: Any, claims: dict[str, Any]) -> None:
        limits.reset()
        Inbox.objects.get_or_create(key="shop", name="Shop", secret="s" * 40)
        url = "/api/inboxes/shop/session/"
        self.answered(Client().post(url, json.dumps(body).encode(), "application/json"))
        known = {"sub": "alice", "aud": "shop", "exp": timezone.now() + timedelta(minutes=5)}
        named = {name: value for name, value in claims.items() if name.isascii()}
        identity = jwt.encode(known | named, "s" * 40)
        self.answered(Client().post(url, {"identity": identity}, "application/json"))

    def answered(self, answer: Any) -> None:
        self.assertLess(answer.status_code, 500, answer.content)
        if answer.status_code >= 400:
            self.assertEqual(answer["content-type"], PROBLEM)


@pytest.mark.parametrize("accepted", [VisitorConsumer.accepted, AgentConsumer.accepted])
@given(data=st.data())
def test_frames_of_both_sockets(accepted: Frames, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(accepted.names))
    text = json.dumps(
        data.draw(spoilt({"type": kind, "id": "a", "text": "b", "values": {"c": "d"}}))
    )
    try:
        accepted.parse(text)
    except Refused as refused:
        told = protocol.encode(Error(refused.code, refused.text, refused.retry_after, refused.id))
        assert told.encode(), "it can be sent"


@pytest.fixture
def shop(db: None) -> Iterator[Inbox]:
    limits.reset()
    yield Inbox.objects.create(key="shop", name="Shop")


@pytest.mark.parametrize(
    "exp",
    [10**400, 10**30, -(10**30), 1e300, -1.5, 0, "soon", "1795860000", None, [], {}, True, "NaN",
     float("inf"), float("-inf"), float("nan")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_odd_times_of_an_identity_are_refused_or_taken_for_what_they_are(
    shop: Inbox, exp: Any, name: str
) -> None:
    import base64
    import hashlib
    import hmac

    def part(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    claims = {"sub": "alice", "aud": "shop", "exp": int(timezone.now().timestamp()) + 60}
    signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims | {name: exp})
    mac = hmac.new(shop.secret.encode(), signed, hashlib.sha256).digest()
    token = signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")
    answer = Client().post(
        "/api/inboxes/shop/session/", {"identity": token.decode()}, "application/json"
    )
    assert answer.status_code == 403 or (name != "exp" and answer.status_code == 200)
    if answer.status_code == 403:
        assert answer.json()["detail"].startswith("The identity token")


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["\ud800", "\x00", "x\udfff"])
def test_a_field_whose_name_is_no_text_is_refused_everywhere(field: str) -> None:
    limits.reset()
    body = json.dumps({"name": "x", field: 1}).encode()
    program = Program("records:write", "webhooks:write")
    for path in ("records/", "sources/", "endpoints/", "inboxes/none/session/"):
        answer = program.ask("POST", path, body)
        assert 400 <= answer.status_code < 500, path
        assert answer["content-type"] == PROBLEM
    row = ROW | {"fields": {field: 1}}
    answer = program.ask("POST", "records/", [row, ROW])
    assert answer.json()["created"] == 1
    assert "NUL character or half of a surrogate pair" in answer.json()["errors"][0]["error"]
    with pytest.raises(ValueError, match="NUL character or half of a surrogate pair"):
        dialects.check_mapping("generic", MAPPING | {"fields": {field: "$.a"}})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cursor",
    ["x", "é", "====", "cD0=", "cD0lMDA=", "cD1hJTAw", "bz0tMQ==", "eD0x", "",
     "bz05OTk5OTk5OTk5OTk5OTk5OTk5OQ==",
     "cj14", "cD0yMDI2LTEzLTQ1", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "A" * 5000,
     "cD0wMDAxLTAxLTAxVDAwOjAwOjAwJTJCMjM6NTk=", "%00", "cD0lRUQlQTAlODA="],
)  # fmt: skip
def test_a_cursor_that_no_page_has_given_is_refused(cursor: str) -> None:
    limits.reset()
    program = Program("records:read", "conversations:read", "webhooks:read")
    refused = 0
    for path in ("records/", "customers/", "conversations/", "deliveries/", "sources/"):
        answer = program.ask("GET", f"{path}?cursor={cursor}")
        assert answer.status_code in {200, 400}, path
        refused += answer.status_code == 400
        if answer.status_code == 400:
            assert answer["content-type"] == PROBLEM
    # Some are a number that is simply behind every row.
    assert refused or cursor.strip("=").endswith(("OTk5OTk5", "k5OTk5OQ"))


class SocketTests(SocketTestCase):
    async def test_a_socket_goes_on_after_frames_with_half_characters(self) -> None:
        socket = await self.join()
        for frame in (
            '{"type": "message", "\\ud800": 1}',
            '{"type": "\\ud800"}',
            '{"type": "confirm", "id": "\\ud800", "values": {"\\ud800": "x"}}',
        ):
            await socket.send_to(text_data=frame)
            self.assertTrue((await socket.until(type="error"))[-1]["code"])
        await socket.say(type="message", id="m1", text="hello")
        await socket.until(type="ack", id="m1")
