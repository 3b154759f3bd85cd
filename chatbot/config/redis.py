"""Configures the cache: in Redis, or in this process if there is no Redis."""

from typing import Any


def cache(url: str) -> dict[str, Any]:
    if not url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": f"{url}/2"}
