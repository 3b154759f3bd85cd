"""The part of `manage.py webhooks` for endpoints, the receivers of events."""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from crm import signing
from crm.management.sources import finish
from crm.models import Delivery, Endpoint
from crm.outbound import outbox
from crm.plumbing import destinations
from inference.text import trimmed

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def add_parsers(actions: Any) -> None:
    add = actions.add_parser("add-endpoint", help="add a receiver of events")
    add.add_argument("url")
    add.add_argument(
        "--event",
        action="append",
        default=[],
        choices=outbox.TYPES,
        metavar="TYPE",
        help=f"one of {', '.join(outbox.TYPES)} (repeatable); default: all of them",
    )
    add.add_argument("--inbox", action="append", default=[], help="an inbox's key (repeatable)")
    add.add_argument("--full", action="store_true", help="also send the texts of messages")
    add.add_argument("--unmasked", action="store_true", help="leave personal data in the texts")
    add.add_argument(
        "--ordered", action="store_true", help="send the events of a conversation in order"
    )
    add.add_argument("--cloudevents", action="store_true", help="use a CloudEvents envelope")
    finish(add, add_endpoint)
    test = actions.add_parser("send-test", help="send a test event to one endpoint")
    test.add_argument("id", type=int)
    finish(test, send_test)
    again = actions.add_parser("redeliver", help="send events again, with the same ids")
    again.add_argument("delivery", type=int, nargs="?")
    again.add_argument("--endpoint", type=int)
    again.add_argument("--since", help="how far back: 30m, 2h, 3d")
    again.add_argument("--failed", action="store_true", help="only failed deliveries")
    finish(again, redeliver)


def add_endpoint(options: dict[str, Any]) -> str:
    if not all(map(trimmed, options["inbox"])):
        raise CommandError("--inbox is blank: name an inbox, or leave it out for all of them.")
    try:
        destinations.check(options["url"])
    except (destinations.DestinationRefused, ValueError) as error:
        raise CommandError(str(error)) from None
    endpoint = Endpoint.objects.create(
        url=options["url"],
        events=options["event"],
        inboxes=options["inbox"],
        full=options["full"],
        masked=not options["unmasked"],
        ordered=options["ordered"],
        cloudevents=options["cloudevents"],
        secrets=signing.rotated([]),
    )
    outbox.forget()
    data = {"id": endpoint.id, "secret": endpoint.secrets[0]["secret"]}
    if options["json"]:
        return json.dumps(data)
    return f"Endpoint {endpoint.id}  {endpoint.url}\nSecret  {data['secret']}   (shown only now)"


def send_test(options: dict[str, Any]) -> str:
    delivery = outbox.send_test(endpoint_of(options["id"]))
    if options["json"]:
        return json.dumps({"delivery": delivery.id, "event": delivery.event_id})
    return f"Delivery {delivery.id} is on its way; the admin will show the answer."


def redeliver(options: dict[str, Any]) -> str:
    deliveries = Delivery.objects.all()
    if options["delivery"]:
        deliveries = deliveries.filter(id=options["delivery"])
    elif options["endpoint"]:
        deliveries = deliveries.filter(endpoint=endpoint_of(options["endpoint"]))
    elif not options["failed"]:
        raise CommandError("Say what to send: a delivery's id, --endpoint ID, or --failed.")
    if options["since"]:
        deliveries = deliveries.filter(created_at__gte=timezone.now() - span(options["since"]))
    if options["failed"]:
        deliveries = deliveries.filter(state=Delivery.State.FAILED)
    count = outbox.again(deliveries)
    if options["json"]:
        return json.dumps({"count": count})
    return f"{count} deliver{'y' if count == 1 else 'ies'} will be sent again."


def span(text: str) -> timedelta:
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in UNITS:
        raise CommandError(f"--since {text}: write it as 30m, 2h or 3d.")
    return timedelta(**{UNITS[unit]: int(number)})


def endpoint_of(id: int) -> Endpoint:
    endpoint = Endpoint.objects.filter(id=id).first()
    if endpoint is None:
        raise CommandError(f"There is no endpoint {id}. Type: manage.py webhooks list")
    return endpoint


def lines() -> list[str]:
    rows = []
    for endpoint in Endpoint.objects.all():
        events, state = ", ".join(endpoint.events), "on" if endpoint.active else "off"
        rows.append(f"{endpoint.id:5}  {endpoint.url}  {events or 'all events'}  {state}")
    return rows
