"""Probes of a process: is it alive, is it ready, what are its metrics?"""

import asyncio
import shutil

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from chatbot.engines import tiers
from chatbot.telemetry.metrics import exposition
from crm.knowledge import indexing
from crm.plumbing import troubles
from crm.plumbing.problems import PROBLEM, problem

# Webhooks of the largest size for which the disk must have room.
FEW = 4


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """Answer that the process is alive; it checks nothing that a restart would not repair."""
    return HttpResponse("ok\n", content_type="text/plain")


async def readyz(request: HttpRequest) -> HttpResponse:
    """Check what the next message needs: database, index and language model."""
    problems = {
        "database": await sync_to_async(database_problem)(),
        "index": await sync_to_async(index_problem)(),
        "language model": await language_model_problem(),
    }
    failed = {name: why for name, why in problems.items() if why}
    if not failed:
        return JsonResponse({"status": "ready"})
    document = problem(503, "Not ready: " + "; ".join(failed.values()), checks=failed)
    return JsonResponse(document, status=503, content_type=PROBLEM)


def database_problem() -> str | None:
    """Check that the database accepts writes, by an update of no row; None if all is well."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE django_migrations SET name = name WHERE 1 = 0")
        return full_disk()
    except Exception as error:
        trouble = troubles.trouble(error)
        return trouble.text if trouble else f"the database does not answer ({error})"


def full_disk() -> str | None:
    """Check the disk of a SQLite database; PostgreSQL reports a full disk itself at a write."""
    if connection.vendor != "sqlite":
        return None
    free = shutil.disk_usage(settings.DATA_DIR).free
    return troubles.no_room() if free < FEW * settings.WEBHOOK_MAX_BYTES else None


def index_problem() -> str | None:
    try:
        indexing.view()
    except Exception as error:
        return str(error)
    return None


async def language_model_problem() -> str | None:
    """Return None as long as one server can answer."""
    servers = [one for tier in await sync_to_async(tiers.tiers)() for one in tier.servers]
    await asyncio.gather(*(server.examine(thoroughly=False) for server in servers))
    if any(not server.illness for server in servers):
        return None
    return "no language model can be used: " + " ".join(server.illness for server in servers)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    page, content_type = exposition()
    return HttpResponse(page, content_type=content_type)
