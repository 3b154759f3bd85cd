"""Manage webhooks in both directions: sources of records and receivers of events."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from crm.management import endpoints, sources


class Command(BaseCommand):
    help = "Adds, lists and tests sources and endpoints of webhooks, and sends events again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        sources.add_parsers(actions)
        endpoints.add_parsers(actions)
        listed = actions.add_parser("list", help="list sources and endpoints")
        listed.set_defaults(run=show)

    def handle(self, **options: Any) -> None:
        """Call the function that the action's parser has set: options -> text."""
        self.stdout.write(options["run"](options))


def show(options: dict[str, Any]) -> str:
    groups = {"Sources (in)": sources.lines(), "Endpoints (out)": endpoints.lines()}
    return "\n".join(
        line for head, rows in groups.items() for line in [head, *(rows or ["  none"])]
    )
