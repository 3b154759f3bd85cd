"""`manage.py webhooks`, the part about endpoints: who is sent events."""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from crm import signing
from crm.management.sources import finish
from crm.models import Delivery, Endpoint
from crm.outbound import destinations, outbox
from inference.text import trimmed

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def add_parsers(actions: Any) -> None:
    add = actions.add_parser("add-endpoint", help="where events are sent")
    add.add_argument("url")
    add.add_argument(
        "--event",
        action="append",
        default=[],
        choices=outbox.TYPES,
        metavar="TYPE",
        help=f"one of {', '.join(outbox.TYPES)} (repeatable); all unless told",
    )
    add.add_argument("--inbox", action="append", default=[], help="an inbox's key (repeatable)")
    add.add_argument("--full", action="store_true", help="send what was said, too")
    add.add_argument("--unmasked", action="store_true", help="leave personal data in texts")
    add.add_argument("--ordered", action="store_true", help="one after the other per conversation")
    add.add_argument("--cloudevents", action="store_true", help="in a CloudEvents envelope")
    finish(add, add_endpoint)
    test = actions.add_parser("send-test", help="a test event to one endpoint")
    test.add_argument("id", type=int)
    finish(test, send_test)
    again = actions.add_parser("redeliver", help="send again, under the same ids")
    again.add_argument("delivery", type=int, nargs="?")
    again.add_argument("--endpoint", type=int)
    again.add_argument("--since", help="30m, 2h, 3d")
    again.add_argument("--failed", action="store_true", help="only those given up")
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
    made = outbox.send_test(known(options["id"]))
    if options["json"]:
        return json.dumps({"delivery": made.id, "event": made.event_id})
    return f"Delivery {made.id} is on its way; the admin shows what comes back."


def redeliver(options: dict[str, Any]) -> str:
    found = Delivery.objects.all()
    if options["delivery"]:
        found = found.filter(id=options["delivery"])
    elif options["endpoint"]:
        found = found.filter(endpoint=known(options["endpoint"]))
    elif not options["failed"]:
        raise CommandError("Say what: a delivery's id, --endpoint ID, or --failed.")
    if options["since"]:
        found = found.filter(created_at__gte=timezone.now() - span(options["since"]))
    if options["failed"]:
        found = found.filter(state=Delivery.State.FAILED)
    count = outbox.again(found)
    if options["json"]:
        return json.dumps({"count": count})
    return f"{count} deliver{'y' if count == 1 else 'ies'} will be sent again."


def span(text: str) -> timedelta:
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in UNITS:
        raise CommandError(f"--since {text}: write it as 30m, 2h or 3d.")
    return timedelta(**{UNITS[unit]: int(number)})


def known(id: int) -> Endpoint:
    found = Endpoint.objects.filter(id=id).first()
    if found is None:
        raise CommandError(f"There is no endpoint {id}. Type: manage.py webhooks list")
    return found


def lines() -> list[str]:
    rows = []
    for one in Endpoint.objects.all():
        events = ", ".join(one.events) or "all events"
        rows.append(f"{one.id:5}  {one.url}  {events}  {'on' if one.active else 'off'}")
    return rows
