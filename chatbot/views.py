"""Pages: the demo shop, the widget's loader and frame."""

from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from chatbot import identity
from chatbot.attachments import kinds
from chatbot.models import Inbox
from crm.demo.suggestions import headline, suggestions
from crm.models import Customer

RATINGS = [
    (1, "😞", "Bad"),
    (2, "🙁", "Poor"),
    (3, "😐", "Fair"),
    (4, "🙂", "Good"),
    (5, "😀", "Great"),
]
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
    return render(request, "chatbot/demo.html", context)


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
    path = finders.find("chatbot/widget/loader.js")
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
    context = {
        "inbox": found,
        "ratings": RATINGS,
        "mails": bool(settings.EMAIL_HOST),
        "attachments": kinds.limits(),
    }
    response: Any = render(request, "chatbot/widget.html", context)
    # What csp's decorator sets, which takes no value of the request.
    response._csp_replace = {"frame-ancestors": ["'self'", *found.origins]}
    return response
