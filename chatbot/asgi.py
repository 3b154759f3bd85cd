"""HTTP, websockets, and what this process does beside them while it lives."""

import asyncio
import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
django_application = get_asgi_application()

# After Django is set up: these import models.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

from chatbot.consumers import VisitorConsumer  # noqa: E402
from chatbot.reply.runner import recover_for_ever  # noqa: E402


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Recovery of replies runs from the server's start to its end."""
    await receive()
    recovery = asyncio.create_task(recover_for_ever())
    await send({"type": "lifespan.startup.complete"})
    await receive()
    recovery.cancel()
    await send({"type": "lifespan.shutdown.complete"})


application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": URLRouter([path("ws/chat/<slug:inbox>/", VisitorConsumer.as_asgi())]),
        "lifespan": lifespan,
    }
)
