"""Webhooks in and out: who sends records, who is sent events, and sending again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from crm.management import endpoints, sources


class Command(BaseCommand):
    help = "Adds sources and endpoints of webhooks, lists them, tests them, delivers again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        sources.add_parsers(actions)
        endpoints.add_parsers(actions)
        listed = actions.add_parser("list", help="sources and endpoints")
        listed.set_defaults(run=show)

    def handle(self, **options: Any) -> None:
        """Each parser names its function: options -> text."""
        self.stdout.write(options["run"](options))


def show(options: dict[str, Any]) -> str:
    groups = {"Sources (in)": sources.lines(), "Endpoints (out)": endpoints.lines()}
    return "\n".join(
        line for head, rows in groups.items() for line in [head, *(rows or ["  none"])]
    )
