"""What is kept of people, and forgetting it."""

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
    help = "Forgets what is old, prints all that is held of a customer, or erases one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        run = actions.add_parser("run", help="redact and delete by REDACT_ and DELETE_AFTER_DAYS")
        run.add_argument("--dry-run", action="store_true", help="only count")
        run.add_argument("--json", action="store_true")
        export = actions.add_parser("export", help="everything held, as JSON lines")
        export.add_argument("customer")
        erase = actions.add_parser("erase", help="a customer, for good")
        erase.add_argument("customer")
        erase.add_argument("--yes", action="store_true", help="do not ask")

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
            what = "webhooks" if name == "emptied" else "conversations"
            self.stdout.write(f"{count} {what} {would}{name}")

    def export(self, options: dict[str, Any]) -> None:
        customer = known(options["customer"])
        audit.exported(customer, None)
        for row in retention.held(customer):
            self.stdout.write(retention.as_line(row))

    def erase(self, options: dict[str, Any]) -> None:
        customer = known(options["customer"])
        counts = retention.counts_of(customer.id)
        words = ", ".join(f"{count} {name}" for name, count in counts.items())
        if not options["yes"]:
            self.stdout.write(f"This removes {customer} for good: {words}.")
            if input(f"Type {customer.id} to go on: ") != customer.id:
                raise CommandError("Nothing was erased.")
        retention.erase(Erasure.objects.create(customer=customer.id))
        self.stdout.write(f"Erased {customer.id}: {words}.")


def known(id: str) -> Customer:
    """The person, whichever of their ids is given."""
    try:
        found = Customer.objects.filter(id=resolve(trimmed(id))).first()
    except SeveralSystems as error:
        raise CommandError(str(error)) from None
    if found is None:
        raise CommandError(f"There is no customer {id!r}.")
    return found
