"""`manage.py webhooks`, the part about sources: who sends records here."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.urls import reverse

from crm import adapters, signing
from crm.models import Source


def add_parsers(actions: Any) -> None:
    add = actions.add_parser("add-source", help="a system that sends its records here")
    add.add_argument("name", help="stands in the webhook's address")
    add.add_argument("--dialect", default="attune", choices=adapters.names())
    add.add_argument("--secret", help="where the other system has made one")
    add.add_argument(
        "--mapping", help="a JSON file: the generic dialect's paths, or what customers may read"
    )
    finish(add, add_source)
    rotate = actions.add_parser("rotate-source", help="a new secret; the old one counts for a day")
    rotate.add_argument("name")
    finish(rotate, rotate_source)


def finish(parser: ArgumentParser, run: Any) -> None:
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def add_source(options: dict[str, Any]) -> str:
    source = Source(
        name=options["name"],
        dialect=options["dialect"],
        mapping=mapping_of(options["mapping"]),
        secrets=signing.rotated([]),
    )
    if given := options["secret"]:
        source.secrets = [{"secret": given, "until": None}]
    try:
        source.full_clean()
        adapters.check_mapping(source.dialect, source.mapping)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    except ValueError as error:
        raise CommandError(f"--mapping: {error}") from error
    source.save()
    return shown(source, options)


def mapping_of(path: str | None) -> Any:
    try:
        return json.loads(Path(path).read_text()) if path else {}
    except (OSError, ValueError) as error:
        raise CommandError(f"--mapping {path} cannot be read: {error}") from None


def rotate_source(options: dict[str, Any]) -> str:
    source = Source.objects.filter(name=options["name"]).first()
    if source is None:
        name = options["name"]
        raise CommandError(
            f"There is no source {name!r}. Type: manage.py webhooks add-source {name}"
        )
    source.secrets = signing.rotated(source.secrets)
    source.save(update_fields=["secrets"])
    return shown(source, options)


def shown(source: Source, options: dict[str, Any]) -> str:
    """The secret, this once."""
    data = {"url": address(source), "secret": source.secrets[0]["secret"]}
    if options["json"]:
        return json.dumps(data)
    return (
        f"Source {source.name} ({source.dialect})\n"
        f"URL     {data['url']}\n"
        f"Secret  {data['secret']}   (shown only now)"
    )


def address(source: Source) -> str:
    return f"{settings.PUBLIC_URL}{reverse('webhook', args=[source.name])}"


def lines() -> list[str]:
    return [f"{one.name:20} {one.dialect:12} {address(one)}" for one in Source.objects.all()]
