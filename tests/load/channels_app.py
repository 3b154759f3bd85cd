"""A chat that stores its messages, as a Django team would write it first, with Channels.

It uses Attune's database, its Redis and its client of the model server. A message is stored and
announced before it is acknowledged, and the answer is, too, once it has been streamed. Nothing is
searched or checked. `python -m tests.load.channels_app` makes its tables.
"""

import asyncio
import os
import uuid
from contextlib import aclosing
from typing import Any

import django
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.db import connection, models, transaction

from chatbot.config.environment import database
from inference.generation.client import Generator

# Without socket_timeout None, redis-py 8 closes idle sockets after 5 seconds.
REDIS = {"address": os.environ["REDIS_URL"], "socket_timeout": None}
LAYER = "channels_redis.pubsub.RedisPubSubChannelLayer"
settings.configure(
    DATABASES={"default": database(os.environ["DATABASE_URL"], 10)},
    CHANNEL_LAYERS={"default": {"BACKEND": LAYER, "CONFIG": {"hosts": [REDIS]}}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()
model = Generator(os.environ["SLM_URL"], "stub")
MAX_TOKENS = 110


class Conversation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    last_seq = models.PositiveIntegerField(default=0)

    class Meta:
        app_label = "channels_app"

    def __str__(self) -> str:
        return str(self.id)


class Message(models.Model):
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE)
    seq = models.PositiveIntegerField()
    client_id = models.CharField(max_length=64)
    author = models.CharField(max_length=10)
    text = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "channels_app"
        constraints = (
            models.UniqueConstraint(fields=["conversation", "seq"], name="peer_seq"),
            models.UniqueConstraint(
                fields=["conversation", "client_id"],
                condition=~models.Q(client_id=""),
                name="peer_client_id",
            ),
        )

    def __str__(self) -> str:
        return self.text


@database_sync_to_async
def store(conversation: uuid.UUID, author: str, text: str, client_id: str = "") -> int:
    """Store a message and return its number, or the number that it has if it was sent before."""
    with transaction.atomic():
        locked = Conversation.objects.select_for_update().get(id=conversation)
        known = Message.objects.filter(conversation=locked, client_id=client_id).first()
        if client_id and known:
            return known.seq
        locked.last_seq += 1
        locked.save(update_fields=["last_seq"])
        Message.objects.create(
            conversation=locked, seq=locked.last_seq, author=author, text=text, client_id=client_id
        )
    return locked.last_seq


class Consumer(AsyncJsonWebsocketConsumer):
    async def connect(self) -> None:
        self.conversation = (await Conversation.objects.acreate()).id
        self.group = f"conversation-{self.conversation}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content: dict[str, str]) -> None:
        seq = await store(self.conversation, "customer", content["text"], content["id"])
        await self.announce(seq, "customer", content["text"])
        await self.send_json({"type": "ack", "id": content["id"], "seq": seq})
        # A handler that awaits the model would keep further messages waiting.
        self.answering = asyncio.create_task(self.answer(content["text"]))

    async def answer(self, question: str) -> None:
        said = ""
        pieces = model.stream([{"role": "user", "content": question}], MAX_TOKENS)
        async with aclosing(pieces):
            async for piece in pieces:
                said += piece
                await self.send_json({"type": "token", "text": piece})
        await self.announce(await store(self.conversation, "bot", said), "bot", said)

    async def announce(self, seq: int, author: str, text: str) -> None:
        """Send a message to everybody who watches the conversation."""
        message = {"type": "message", "seq": seq, "author": author, "text": text}
        await self.channel_layer.group_send(self.group, message)

    async def message(self, event: dict[str, Any]) -> None:
        await self.send_json(event)


application = ProtocolTypeRouter({"websocket": Consumer.as_asgi()})

if __name__ == "__main__":
    with connection.schema_editor() as editor:
        editor.create_model(Conversation)
        editor.create_model(Message)
