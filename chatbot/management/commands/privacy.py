"""`manage.py privacy` exports, erases and expires personal data."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatbot.models import Erasure
from chatbot.people import audit
from chatbot.privacy import retention
from crm.ids.aliases import SeveralSystems, resolve
from crm.models import Customer
from inference.text import trimmed


class Command(BaseCommand):
    help = "Expires old personal data, exports a customer's data, or erases a customer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        run = actions.add_parser(
            "run", help="redact and delete as REDACT_AFTER_DAYS and DELETE_AFTER_DAYS say"
        )
        run.add_argument(
            "--dry-run", action="store_true", help="only count what would be redacted and deleted"
        )
        run.add_argument("--json", action="store_true")
        export = actions.add_parser(
            "export", help="print everything stored about a customer, as JSON lines"
        )
        export.add_argument("customer")
        erase = actions.add_parser("erase", help="erase a customer permanently")
        erase.add_argument("customer")
        erase.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    def handle(self, **options: Any) -> None:
        acts = {"run": self.forget, "export": self.export, "erase": self.erase}
        acts[options["action"]](options)

    def forget(self, options: dict[str, Any]) -> None:
        done = retention.forget(dry=options["dry_run"])
        if options["json"]:
            self.stdout.write(json.dumps(done))
            return
        would = "would be " if options["dry_run"] else ""
        for name, count in done.items():
            kind = "webhooks" if name == "emptied" else "conversations"
            self.stdout.write(f"{count} {kind} {would}{name}")

    def export(self, options: dict[str, Any]) -> None:
        customer = existing(options["customer"])
        audit.exported(customer, None)
        for row in retention.held(customer):
            self.stdout.write(retention.as_line(row))

    def erase(self, options: dict[str, Any]) -> None:
        customer = existing(options["customer"])
        counts = retention.counts_of(customer.id)
        words = ", ".join(f"{count} {name}" for name, count in counts.items())
        if not options["yes"]:
            self.stdout.write(f"This erases {customer} permanently: {words}.")
            if input(f"Type {customer.id} to go on: ") != customer.id:
                raise CommandError("Nothing was erased.")
        retention.erase(Erasure.objects.create(customer=customer.id))
        self.stdout.write(f"Erased {customer.id}: {words}.")


def existing(id: str) -> Customer:
    """Return the customer with this id, whichever of their ids it is."""
    try:
        customer = Customer.objects.filter(id=resolve(trimmed(id))).first()
    except SeveralSystems as error:
        raise CommandError(str(error)) from None
    if customer is None:
        raise CommandError(f"There is no customer {id!r}.")
    return customer
