"""`manage.py inbox` adds an inbox or shows one."""

import json
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from chatbot.models import Inbox


class Command(BaseCommand):
    help = "Adds an inbox, or shows its secret and the origins that may embed its widget."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["add", "show"])
        parser.add_argument("key")
        parser.add_argument("--name", help="the name that customers see; default: KEY")
        parser.add_argument(
            "--origin", action="append", default=[], help="https://shop.example (repeatable)"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: Any) -> None:
        inbox = add(options) if options["action"] == "add" else existing(options["key"])
        data = {"key": inbox.key, "secret": inbox.secret, "origins": inbox.origins}
        self.stdout.write(json.dumps(data) if options["json"] else as_text(inbox))


def existing(key: str) -> Inbox:
    inbox = Inbox.objects.filter(key=key).first()
    if inbox is None:
        raise CommandError(f"There is no inbox {key!r}. Type: manage.py inbox add {key}")
    return inbox


def add(options: dict[str, Any]) -> Inbox:
    origins = [checked_origin(origin) for origin in options["origin"]]
    inbox = Inbox(key=options["key"], name=options["name"] or options["key"], origins=origins)
    try:
        inbox.full_clean()
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    inbox.save()
    return inbox


def checked_origin(text: str) -> str:
    parts = urlsplit(text.rstrip("/"))
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
        raise CommandError(f"{text!r} is not an origin: write it like https://shop.example")
    return f"{parts.scheme}://{parts.netloc}"


def as_text(inbox: Inbox) -> str:
    return (
        f"Inbox {inbox.key} ({inbox.name})\n"
        f"Secret   {inbox.secret}\n"
        f"Origins  {', '.join(inbox.origins) or 'none yet: only this server itself'}\n"
        f'Embed    <script src="…/widget.js" data-inbox="{inbox.key}" defer></script>'
    )
