"""The channel layer and the cache: in Redis, or in this process if there is none."""

from typing import Any


def channel_layer(url: str) -> dict[str, Any]:
    if not url:
        return {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    return {
        # Pub/Sub, because the core layer silently drops messages for slow readers. Without
        # socket_timeout None, redis-py 8 closes idle sockets after 5 seconds.
        "BACKEND": "chatbot.config.channel_layer.GroupLayer",
        "CONFIG": {"hosts": [{"address": f"{url}/0", "socket_timeout": None}]},
    }


def cache(url: str) -> dict[str, Any]:
    if not url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": f"{url}/2"}
