"""The demo shop, where visitors can sign in as one of its customers."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from chatbot.models import Inbox
from chatbot.people import identity
from crm.demo.suggestions import headline, suggestions
from crm.models import Customer

DEMO_INBOX = "demo"
DEMO_CUSTOMERS = [f"cust_{number}" for number in range(1, 61)]


@require_safe
def demo_shop(request: HttpRequest) -> HttpResponse:
    """Show the page that hosts the widget."""
    if not settings.DEMO:
        raise Http404
    known = Customer.objects.filter(id__in=DEMO_CUSTOMERS).in_bulk()
    customers = [
        {"id": key, "name": known[key].name, "headline": headline(key)}
        for key in DEMO_CUSTOMERS
        if key in known
    ]
    chosen = next((c for c in customers if c["id"] == request.GET.get("customer")), None)
    context = {
        "inbox": DEMO_INBOX,
        "customers": customers,
        "chosen": chosen,
        "suggestions": suggestions(chosen["id"] if chosen else None),
    }
    return render(request, "chatbot/demo.html", context)


@require_safe
def demo_identity(request: HttpRequest) -> HttpResponse:
    """Issue an identity token, as the host's own server does for a customer who is signed in."""
    customer = request.GET.get("customer", "")
    if not settings.DEMO or customer not in DEMO_CUSTOMERS:
        raise Http404
    inbox = get_object_or_404(Inbox, key=DEMO_INBOX)
    response = JsonResponse({"identity": identity.identity_token(inbox, customer)})
    response["Cache-Control"] = "no-store"
    return response
