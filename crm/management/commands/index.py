"""Build, refresh or look at the FAISS index."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from crm import knowledge


class Command(BaseCommand):
    help = "Builds the FAISS index from the records, refreshes it when they changed, or shows it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["build", "refresh", "status"])
        parser.add_argument("--json", action="store_true")

    def handle(self, *, action: str, json: bool, **_: Any) -> None:
        if action != "status":
            with tqdm(unit=" passages", desc="Embedding", disable=None, leave=False) as bar:
                (knowledge.build if action == "build" else knowledge.refresh)(progress(bar))
        status = knowledge.status()
        self.stdout.write(as_json(status) if json else in_words(status))


def progress(bar: Any) -> Any:
    def report(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return report


def as_json(status: dict[str, Any]) -> str:
    return json.dumps(status)


def in_words(status: dict[str, Any]) -> str:
    if "problem" in status:
        return status["problem"]
    state = "older than the records: type manage.py index refresh" if status["stale"] else "current"
    return (
        f"{status['indexed']} passages of {status['records']} records, {state}.\n"
        f"Encoder {status['encoder']}."
    )
