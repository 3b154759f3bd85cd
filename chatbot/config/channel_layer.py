"""The channel layer on Redis, for hints to groups only.

channels_redis also subscribes each socket's own channel with Redis, which doubles the
subscriptions and refuses every new socket while Redis is away. Attune never sends to a single
socket, so a socket's channel is only a queue of this process.
"""

import asyncio
import uuid

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer


class GroupLayer(RedisPubSubChannelLayer):
    def _get_layer(self) -> RedisPubSubLoopLayer:
        layer = super()._get_layer()
        layer.__class__ = _LoopLayer
        return layer


class _LoopLayer(RedisPubSubLoopLayer):
    async def _subscribe_to_channel(self, channel: str) -> None:
        self.channels[channel] = asyncio.Queue()

    async def new_channel(self, prefix: str = "specific.") -> str:
        channel = f"{self.prefix}{prefix}{uuid.uuid4().hex}"
        await self._subscribe_to_channel(channel)
        return channel
