"""The channel layer on a real Redis: `make test-services` runs these."""

import asyncio

import pytest
from channels.layers import get_channel_layer
from django.conf import settings

from chatbot.config.channel_layer import GroupLayer

pytestmark = [
    pytest.mark.skipif(not settings.REDIS_URL, reason="needs Redis; make test-services"),
    pytest.mark.services,
]
# redis-py 8 gives up a connection on which nothing came for 5 s, unless it is told not to.
IDLE = 7


def test_a_group_that_was_silent_for_long_still_hears() -> None:
    async def silence() -> None:
        here, elsewhere = get_channel_layer(), GroupLayer(**of_settings())
        channel = await here.new_channel()
        await here.group_add("conversation.1", channel)
        await asyncio.sleep(IDLE)
        await elsewhere.group_send("conversation.1", {"type": "conversation.news"})
        async with asyncio.timeout(10):
            assert (await here.receive(channel))["type"] == "conversation.news"
        for layer in (here, elsewhere):
            await layer.flush()

    asyncio.run(silence())


def of_settings() -> dict[str, object]:
    return settings.CHANNEL_LAYERS["default"]["CONFIG"]
