"""Pages: the demo shop, the widget's loader and frame, and the probes."""

import asyncio

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import connection
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from chatbot import identity
from chatbot.api import PROBLEM, problem
from chatbot.models import Inbox
from chatbot.tiers import tiers
from crm import indexing
from crm.demo.suggestions import headline, suggestions
from crm.models import Customer

CONTENT_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'"
)
DEMO_INBOX = "demo"
DEMO_CUSTOMERS = [f"cust_{number}" for number in range(1, 61)]


@require_safe
def demo_shop(request: HttpRequest) -> HttpResponse:
    """The host page: a shop whose visitors may be signed in as one of its demo customers."""
    if not settings.DEMO:
        raise Http404
    known = Customer.objects.filter(id__in=DEMO_CUSTOMERS).in_bulk()
    customers = [shown(known[key]) for key in DEMO_CUSTOMERS if key in known]
    chosen = next((c for c in customers if c["id"] == request.GET.get("customer")), None)
    context = {
        "inbox": DEMO_INBOX,
        "customers": customers,
        "chosen": chosen,
        "suggestions": suggestions(chosen["id"] if chosen else None),
    }
    response = render(request, "chatbot/demo.html", context)
    response["Content-Security-Policy"] = f"{CONTENT_POLICY}; frame-ancestors 'none'"
    return response


def shown(customer: Customer) -> dict[str, str]:
    return {"id": customer.id, "name": customer.name, "headline": headline(customer.id)}


@require_safe
def demo_identity(request: HttpRequest) -> HttpResponse:
    """What the host's own server does for a customer who is signed in there."""
    customer = request.GET.get("customer", "")
    if not settings.DEMO or customer not in DEMO_CUSTOMERS:
        raise Http404
    inbox = get_object_or_404(Inbox, key=DEMO_INBOX)
    response = JsonResponse({"identity": identity.identity_token(inbox, customer)})
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def loader(request: HttpRequest) -> FileResponse:
    """/widget.js: what a host page includes."""
    path = finders.find("chatbot/widget.js")
    assert isinstance(path, str)
    response = FileResponse(open(path, "rb"), content_type="text/javascript; charset=utf-8")  # noqa: PTH123, SIM115 Django closes it
    response["Cache-Control"] = "public, max-age=300"
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
@xframe_options_exempt
def widget(request: HttpRequest, inbox: str) -> HttpResponse:
    """The chat itself. Only the inbox's sites may frame it."""
    found = get_object_or_404(Inbox, key=inbox)
    response = render(request, "chatbot/widget.html", {"inbox": found})
    ancestors = " ".join(["'self'", *found.origins])
    response["Content-Security-Policy"] = f"{CONTENT_POLICY}; frame-ancestors {ancestors}"
    return response


# --- probes


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is asked: a restart mends no database."""
    return HttpResponse("ok\n", content_type="text/plain")


async def readyz(request: HttpRequest) -> HttpResponse:
    """What the next message needs: database, index, and the language model."""
    problems = {
        "database": await sync_to_async(database_problem)(),
        "index": await sync_to_async(index_problem)(),
        "language model": await language_model_problem(),
    }
    found = {name: why for name, why in problems.items() if why}
    if not found:
        return JsonResponse({"status": "ready"})
    document = problem(503, "Not ready: " + "; ".join(found.values()), checks=found)
    return JsonResponse(document, status=503, content_type=PROBLEM)


def database_problem() -> str | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations")
    except Exception as error:
        return f"the database does not answer ({error})"
    return None


def index_problem() -> str | None:
    try:
        indexing.view()
    except Exception as error:
        return str(error)
    return None


async def language_model_problem() -> str | None:
    """None as long as one server can answer."""
    pools = await sync_to_async(tiers)()
    servers = [server for pool in pools for server in pool.servers]
    await asyncio.gather(*(server.examine(thoroughly=False) for server in servers))
    if any(not server.illness for server in servers):
        return None
    return "no language model can be used: " + " ".join(server.illness for server in servers)
