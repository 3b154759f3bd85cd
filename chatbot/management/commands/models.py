"""`manage.py models list|fetch|verify` manages the model files on this machine."""

import json
import sys
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from inference.models import catalogue
from inference.models.catalogue import Model, ModelError
from inference.models.sources import Report


class Command(BaseCommand):
    help = "Lists, fetches or verifies the model files."
    requires_system_checks: list[str] = []  # The checks may report that a model is missing.

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["list", "fetch", "verify"])
        parser.add_argument(
            "names", nargs="*", metavar="NAME", help="default: the models that serving needs"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        act: Callable[[Model], dict[str, Any]] = getattr(self, f"_{options['action']}")
        self.prints_lines = not options["json"]
        try:
            rows = [act(model) for model in _chosen(options["action"], options["names"])]
        except ModelError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=1))

    def _list(self, model: Model) -> dict[str, Any]:
        row = _described(model)
        if self.prints_lines:
            state = "here" if row["present"] else "missing"
            self.stdout.write(
                f"{model.name:16}{state:9}{model.bytes / 1e6:8,.0f} MB  {model.licence:12}"
                f"{model.title}: {model.role}"
            )
        return row

    def _fetch(self, model: Model) -> dict[str, Any]:
        report = (
            _progress_bar(model)
            if sys.stderr.isatty()
            else _progress_lines(model, self.stderr.write)
        )
        path = catalogue.fetch(model.name, report)
        if self.prints_lines:
            self.stdout.write(f"{model.name}: {path}")
        return _described(model)

    def _verify(self, model: Model) -> dict[str, Any]:
        path = catalogue.verify(model.name)
        if self.prints_lines:
            self.stdout.write(f"{model.name}: {path} is the published file")
        return _described(model)


def _chosen(action: str, names: list[str]) -> list[Model]:
    if names:
        return [catalogue.find(name) for name in names]
    models = list(catalogue.MODELS.values())
    if action == "list":
        return models
    if action == "verify":
        return [model for model in models if catalogue.is_here(model.name)]
    chat = "chat-small" if settings.ATTUNE_MODEL == "small" else "chat"
    return [catalogue.find(name) for name in (chat, "encoder", "large-reranker")]


def _described(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "title": model.title,
        "role": model.role,
        "licence": model.licence,
        "bytes": model.bytes,
        "sha256": model.sha256,
        "present": catalogue.is_here(model.name),
        "path": str(catalogue.models_dir() / model.filename),
    }


def _progress_bar(model: Model) -> Report:
    bar = tqdm(total=model.bytes, unit="B", unit_scale=True, desc=model.name, leave=False)

    def report(done: int, total: int, what: str) -> None:
        bar.set_postfix_str(what, refresh=False)
        bar.update(done - bar.n)

    return report


def _progress_lines(model: Model, write: Callable[[str], Any]) -> Report:
    """Write a line at each tenth, for logs."""
    written: set[str] = set()

    def report(done: int, total: int, what: str) -> None:
        line = f"{model.name}: {done * 10 // total * 10} %"
        if line not in written:
            written.add(line)
            write(line)

    return report
