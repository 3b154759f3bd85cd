"""Build, refresh, prune or inspect the index."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from crm.knowledge import indexing, records


class Command(BaseCommand):
    help = (
        "Builds the index from the records, refreshes it with the changes since, or shows its "
        "status; prune: after an upgrade, removes the indexes of earlier encoders."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["build", "refresh", "prune", "status"])
        parser.add_argument("--json", action="store_true")

    def handle(self, *, action: str, json: bool, **_: Any) -> None:
        if action == "prune":
            for name in indexing.prune():
                self.stderr.write(f"Removed {name}.")
        elif action == "build":
            with tqdm(unit=" records", desc="Cutting", disable=None, leave=False) as bar:
                records.rewrite(progress(bar))
        if action in {"build", "refresh"}:
            with tqdm(unit=" passages", desc="Embedding", disable=None, leave=False) as bar:
                (indexing.build if action == "build" else indexing.refresh)(progress(bar))
        status = indexing.status()
        self.stdout.write(as_json(status) if json else summary(status))


def progress(bar: Any) -> Any:
    def report(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return report


def as_json(status: dict[str, Any]) -> str:
    return json.dumps(status)


def summary(status: dict[str, Any]) -> str:
    if "problem" in status:
        return status["problem"]
    lines = [
        f"{status['passages']:,} passages of {status['records']:,} records; the snapshot holds "
        f"{status['indexed']:,}, and {status['since']:,} changed since.",
        f"Encoder {status['encoder']}.",
    ]
    if status["without_vector"]:
        lines.append(
            f"{status['without_vector']:,} passages are found by words and numbers only, until "
            "they are embedded. Type: manage.py index refresh"
        )
    return "\n".join(lines)
