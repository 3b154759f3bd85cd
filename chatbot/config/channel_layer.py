"""The channel layer on Redis, for hints to groups only.

channels_redis subscribes each socket's own channel with Redis as well, which doubles the
subscriptions and refuses every new socket while Redis is away. Nothing is sent to one socket alone
here, so a socket's channel is a queue of this process and nothing more.
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
