"""A client's socket, on a site where Alice is a customer and the models are fakes."""

import json
from typing import Any
from unittest import mock

from channels.testing import WebsocketCommunicator

from chatbot.asgi import application
from chatbot.models import Inbox, Visitor
from chatbot.people import identity
from tests.fakes import ALICE, FakeModelsTestCase

ORIGIN = (b"origin", b"https://shop.example")
# Seconds; it ends a wait for what will not come, also on a busy machine.
PATIENCE = 60


class Socket(WebsocketCommunicator):
    async def say(self, **frame: Any) -> None:
        await self.send_to(text_data=json.dumps(frame))

    async def hear(self) -> dict[str, Any]:
        return json.loads(await self.receive_from(PATIENCE))

    async def until(self, **wanted: Any) -> list[dict[str, Any]]:
        """Every frame up to the first that has these values."""
        heard = []
        while True:
            heard.append(await self.hear())
            if wanted.items() <= heard[-1].items():
                return heard


class SocketTestCase(FakeModelsTestCase):
    def setUp(self) -> None:
        super().setUp()
        # A TestCase never commits: news leaves at once here.
        self.enterContext(mock.patch("django.db.transaction.on_commit", lambda news: news()))
        self.inbox = Inbox.objects.create(key="shop", name="Shop", origins=["https://shop.example"])
        self.alice = Visitor.objects.create(inbox=self.inbox, customer_id=ALICE)
        self.token, _ = identity.issue(self.alice)

    async def open(self, headers: list[tuple[bytes, bytes]] | None = None) -> Socket:
        socket = Socket(application, "/ws/chat/shop/", headers=headers or [ORIGIN])
        self.accepted, _ = await socket.connect(PATIENCE)
        return socket

    async def join(self, after: int = 0) -> Socket:
        socket = await self.open()
        await socket.say(type="hello", token=self.token, after=after)
        self.welcome = (await socket.until(type="welcome"))[0]
        return socket
