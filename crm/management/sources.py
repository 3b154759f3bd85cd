"""The part of `manage.py webhooks` for sources, the systems that send records."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.urls import reverse

from crm import dialects, signing
from crm.customers import lifecycle
from crm.ids import namespaces
from crm.ids.aliases import SeveralSystems
from crm.models import Source
from crm.plumbing.storable import RecordError


def add_parsers(actions: Any) -> None:
    add = actions.add_parser("add-source", help="add a system that sends its records here")
    add.add_argument("name", help="part of the webhook's address")
    add.add_argument("--dialect", default="attune", choices=dialects.names())
    add.add_argument("--secret", help="only if the other system has made the secret")
    add.add_argument(
        "--mapping",
        help="a JSON file with the generic dialect's paths, or the fields that customers may read",
    )
    ids = add.add_mutually_exclusive_group()
    ids.add_argument(
        "--own-ids",
        action="store_true",
        default=None,
        help="it uses your own system's ids for customers and records (default for attune)",
    )
    ids.add_argument(
        "--their-ids",
        dest="own_ids",
        action="store_false",
        help="it has its own ids: NAME/ is put before each (default for every other dialect)",
    )
    finish(add, add_source)
    linked = actions.add_parser("link", help="merge a source's customer into one of your own")
    linked.add_argument("source")
    linked.add_argument("theirs", metavar="THEIR_ID", help="the customer's id in the other system")
    linked.add_argument("customer", help="the customer's id in your own system")
    finish(linked, link)
    rotate = actions.add_parser(
        "rotate-source", help="make a new secret; the old one remains valid for a day"
    )
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
        namespace=namespaces.for_new_source(
            options["name"], options["dialect"], options["own_ids"]
        ),
        secrets=signing.rotated([]),
    )
    if given := options["secret"]:
        source.secrets = [{"secret": given, "until": None}]
    try:
        source.full_clean()
        dialects.check_mapping(source.dialect, source.mapping)
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


def source_of(name: str) -> Source:
    source = Source.objects.filter(name=name).first()
    if source is None:
        raise CommandError(
            f"There is no source {name!r}. Type: manage.py webhooks add-source {name}"
        )
    return source


def link(options: dict[str, Any]) -> str:
    """Merge the customers like `customer.merged`. Later events about the source's customer go to
    the company's own one."""
    source = source_of(options["source"])
    try:
        theirs, own = lifecycle.link(source, options["theirs"], options["customer"])
    except (RecordError, SeveralSystems) as error:
        raise CommandError(str(error)) from None
    if options["json"]:
        return json.dumps({"from": theirs, "into": own})
    return f"{theirs} was merged into {own}, with all records and conversations."


def rotate_source(options: dict[str, Any]) -> str:
    source = source_of(options["name"])
    source.secrets = signing.rotated(source.secrets)
    source.save(update_fields=["secrets"])
    return shown(source, options)


def shown(source: Source, options: dict[str, Any]) -> str:
    """Describe the source with its secret, which is never shown again."""
    data = {"url": address(source), "secret": source.secrets[0]["secret"]}
    data["namespace"] = source.namespace
    if options["json"]:
        return json.dumps(data)
    return (
        f"Source {source.name} ({source.dialect})\n"
        f"URL     {data['url']}\n"
        f"Secret  {data['secret']}   (shown only now)\n"
        f"Ids     {ids_of(source)}"
    )


def address(source: Source) -> str:
    return f"{settings.PUBLIC_URL}{reverse('webhook', args=[source.name])}"


def ids_of(source: Source) -> str:
    """Say which ids the source uses."""
    return f"its own, kept as {source.namespace}/…" if source.namespace else "the company's own"


def lines() -> list[str]:
    return [
        f"{source.name:20} {source.dialect:12} {address(source)}  ids: {ids_of(source)}"
        for source in Source.objects.all()
    ]
