"""`manage.py tier` adds or lists language model tiers, for scripts; people use the admin."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from chatbot.models import Server, Tier


class Command(BaseCommand):
    help = "Adds a language model tier, or lists the tiers with the health of their servers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["add", "list"])
        parser.add_argument("name", nargs="?", help="small, large …")
        parser.add_argument("--model", help="the model's name on its servers")
        parser.add_argument(
            "--url", action="append", default=[], help="http://vllm:8000/v1 (repeatable)"
        )
        parser.add_argument(
            "--from-difficulty",
            type=float,
            default=0.0,
            help="the least difficulty it answers: 0 (smallest tier) to 1",
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: Any) -> None:
        if options["action"] == "add":
            add(options)
        rows = [as_json(tier) for tier in Tier.objects.prefetch_related("servers")]
        self.stdout.write(json.dumps(rows) if options["json"] else as_text(rows))


def add(options: dict[str, Any]) -> None:
    if not (options["name"] and options["model"] and options["url"]):
        raise CommandError("Type: manage.py tier add NAME --model MODEL --url http://HOST:PORT/v1")
    tier = Tier(
        name=options["name"], model=options["model"], from_difficulty=options["from_difficulty"]
    )
    try:
        with transaction.atomic():
            tier.full_clean()
            tier.save()
            for url in options["url"]:
                server = Server(tier=tier, url=url)
                server.full_clean()
                server.save()
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error


def as_json(tier: Tier) -> dict[str, Any]:
    return {
        "name": tier.name,
        "model": tier.model,
        "from_difficulty": tier.from_difficulty,
        "enabled": tier.enabled,
        "servers": [{"url": server.url, "health": server.health} for server in tier.servers.all()],
    }


def as_text(tiers: list[dict[str, Any]]) -> str:
    if not tiers:
        return "There are no tiers: SLM_URL and SLM_NAME name the only model."
    return "\n".join(
        f"{tier['name']}: {tier['model']}, from difficulty {tier['from_difficulty']:.2f} on"
        f"{'' if tier['enabled'] else ' (off)'}\n"
        + "\n".join(f"    {server['url']}  {server['health']}" for server in tier["servers"])
        for tier in tiers
    )
