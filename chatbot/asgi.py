"""The ASGI application: HTTP, websockets, and the background jobs of every web process."""

import asyncio
import gc
import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
django_application = get_asgi_application()

# Imported after Django is set up, since these import models.
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import path  # noqa: E402
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware  # noqa: E402

from chatbot import urls  # noqa: E402, F401 so no request waits for the admin
from chatbot.console.consumer import AgentConsumer  # noqa: E402
from chatbot.engines import tiers  # noqa: E402
from chatbot.reply.runner import recovery, release_claims  # noqa: E402
from chatbot.teaching import runs  # noqa: E402
from chatbot.telemetry.metrics import forget_the_dead  # noqa: E402
from chatbot.watches import assignment, beat, deserted, queue  # noqa: E402
from chatbot.widget.consumer import VisitorConsumer  # noqa: E402
from chatbot.wire import hints  # noqa: E402
from crm.inbound.views import webhooks_first  # noqa: E402
from crm.outbound import courier  # noqa: E402
from crm.plumbing.tick import Job, tick_for_ever  # noqa: E402


def jobs() -> list[Job]:
    """Return the jobs of a web process; without a broker, also those of beat and worker."""
    makers = [recovery, hints.job, tiers.job, queue.job, assignment.job, deserted.job, courier.job]
    return [make() for make in [*makers, *([] if settings.REDIS_URL else [beat.job, runs.job])]]


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Run the jobs and the courier from the server's start to its end."""
    await receive()
    # From now on no thread waits for Redis, even while no socket is open.
    hints.home()
    forget_the_dead()
    # With a thousand sockets, a full garbage collection that also walks Django's modules stops
    # every chat for a third of a second.
    gc.freeze()
    running = [tick_for_ever(jobs()), courier.carry_for_ever()]
    tasks = [asyncio.create_task(task) for task in running]
    await send({"type": "lifespan.startup.complete"})
    await receive()
    for task in tasks:
        task.cancel()
    await release_claims()
    await hints.delivered()
    await send({"type": "lifespan.shutdown.complete"})


def logged_in(consumer: Any) -> Any:
    """Require the admin's session, and accept sockets from this site's own pages only."""
    return AllowedHostsOriginValidator(AuthMiddlewareStack(consumer))


def behind_proxies(application: Any) -> Any:
    """Take the client's address from the TRUSTED_PROXIES. Uvicorn's own options are off, since they
    trust every program on this machine."""
    return ProxyHeadersMiddleware(application, settings.TRUSTED_PROXIES)


application = ProtocolTypeRouter(
    {
        "http": webhooks_first(django_application),
        "websocket": URLRouter(
            [
                path("ws/chat/<slug:inbox>/", VisitorConsumer.as_asgi()),
                path("ws/console/", logged_in(AgentConsumer.as_asgi())),
            ]
        ),
        "lifespan": lifespan,
    }
)
application = behind_proxies(application)
