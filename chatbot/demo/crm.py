"""The demo shop's three actions, and the part of its CRM that carries them out.

The CRM is a view of this site, which receives signed events like any other CRM.
"""

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from standardwebhooks import Webhook, WebhookVerificationError

from chatbot.models import Action, ActionField, Inbox
from crm import signing
from crm.action_answers import REQUESTED
from crm.models import Endpoint, Record
from crm.outbound import outbox

# A field: name, label, kind, whether it is required, options.
ORDER = ("order", "Order", "record", True, ["order"])
REASONS = ["Does not fit", "Not as expected", "Faulty or damaged", "Ordered by mistake"]
ACTIONS: list[dict[str, Any]] = [
    {
        "key": "call_back",
        "name": "Request a call back",
        "text": "A colleague calls you on the number and at the time of day that you choose.",
        "words": ["call back", "callback", "phone me", "ring me", "give me a call"],
        "signed_in": False,
        "fields": [
            ("phone", "Your telephone number", "phone", True, []),
            ("time", "Time of day", "choice", True, ["Morning", "Afternoon", "Evening"]),
            ("about", "What is it about?", "text", False, []),
        ],
    },
    {
        "key": "open_return",
        "name": "Open a return",
        "text": "We open a return for this order and send you the label by e-mail.",
        "words": ["return", "send back"],
        "signed_in": True,
        "fields": [
            ORDER,
            ("item", "Which item?", "text", False, []),
            ("reason", "Reason", "choice", True, REASONS),
        ],
    },
    {
        "key": "change_delivery_address",
        "name": "Change the delivery address",
        "text": "We send this order to another address, as long as it has not left our warehouse.",
        "words": ["change address", "update address", "new address", "different address"],
        "signed_in": True,
        "fields": [
            ORDER,
            ("street", "Street and number", "text", True, []),
            ("town", "Postcode and town", "text", True, []),
        ],
    },
]


def load(inbox: Inbox) -> None:
    """Create the actions that are missing; what an administrator has changed stays."""
    endpoint = demo_endpoint()
    for definition in ACTIONS:
        values = {name: value for name, value in definition.items() if name != "fields"}
        action, new = Action.objects.get_or_create(
            inbox=inbox, key=values.pop("key"), defaults=values
        )
        if new:
            action.endpoints.add(endpoint)
            ActionField.objects.bulk_create(fields_of(action, definition["fields"]))


def demo_endpoint() -> Endpoint:
    """Return the endpoint of the demo's CRM, whose address follows the site's port."""
    path, url = reverse("demo-crm"), own_url()
    new = {"url": url, "secrets": signing.rotated([]), "events": [REQUESTED]}
    endpoint, _ = Endpoint.objects.get_or_create(url__endswith=path, defaults=new)
    if endpoint.url != url:
        endpoint.url = url
        endpoint.save(update_fields=["url"])
    outbox.forget()
    return endpoint


def own_url() -> str:
    return f"http://127.0.0.1:{settings.PORT}{reverse('demo-crm')}"


def fields_of(action: Action, rows: list[tuple[Any, ...]]) -> list[ActionField]:
    names = ("name", "label", "kind", "required", "options")
    return [
        ActionField(action=action, position=place, **dict(zip(names, row, strict=True)))
        for place, row in enumerate(rows)
    ]


# The signature authenticates it, as everything that is sent to CRMs.
@csrf_exempt
@require_POST
def demo_crm(request: HttpRequest) -> HttpResponse:
    if not settings.DEMO:
        raise Http404
    endpoint = get_object_or_404(Endpoint, url=own_url())
    if not any(signed(request, secret) for secret in signing.current(endpoint.secrets)):
        return HttpResponse(status=401)
    event = json.loads(request.body)
    is_request = event["type"] == REQUESTED
    return JsonResponse(answer(event["data"]["action"]) if is_request else {})


def signed(request: HttpRequest, secret: str) -> bool:
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        Webhook(secret).verify(request.body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def answer(action: dict[str, Any]) -> dict[str, str]:
    """Answer a request without doing anything; the same request always gets the same answer."""
    order = Record.objects.filter(id=action["values"].get("order")).first()
    if action["key"] == "change_delivery_address" and order and order.fields.get("shipped date"):
        message = f"{order} has left our warehouse, so its address can no longer be changed."
        return {"status": "refused", "message": message}
    number = f"A-{UUID(action['idempotency_key']).int % 10**6:06}"
    return {"status": "accepted", "message": f"Your request has the number {number}."}
