"""`manage.py api_key` makes, lists and revokes keys of the REST API."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatbot.api import keys
from chatbot.models import ApiKey


class Command(BaseCommand):
    help = "Makes a key for the REST API, lists the keys, or revokes one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        add = actions.add_parser("add", help="make a key; it is shown only once")
        add.add_argument("name", help="who uses it, and for what")
        add.add_argument(
            "--scope", action="append", required=True, choices=keys.SCOPES, help="repeatable"
        )
        add.add_argument("--json", action="store_true")
        actions.add_parser("list", help="list all keys")
        revoke = actions.add_parser("revoke", help="revoke the keys that begin with PREFIX")
        revoke.add_argument("prefix")

    def handle(self, **options: Any) -> None:
        acts = {"add": self.add, "list": self.list, "revoke": self.revoke}
        acts[options["action"]](options)

    def add(self, options: dict[str, Any]) -> None:
        _, key = keys.make(options["name"], options["scope"])
        text = json.dumps({"key": key}) if options["json"] else f"{key}   (shown only now)"
        self.stdout.write(text)

    def list(self, options: dict[str, Any]) -> None:
        for key in ApiKey.objects.order_by("id"):
            scopes = "revoked" if key.revoked else ", ".join(key.scopes)
            used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
            self.stdout.write(f"{key.prefix}…  {key.name}  {scopes}  {used}")

    def revoke(self, options: dict[str, Any]) -> None:
        revoked = list(ApiKey.objects.filter(prefix=options["prefix"]))
        if not revoked:
            raise CommandError(f"No key begins with {options['prefix']}.")
        for key in revoked:  # One by one: each becomes an entry in the audit log.
            key.revoke()
        self.stdout.write("Revoked.")
