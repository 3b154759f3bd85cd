"""Upsert records from JSON lines."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from crm.knowledge import indexing
from crm.knowledge.records import ImportReport, import_records
from crm.plumbing import storable, troubles
from inference import json_lines

SHOWN_ERRORS = 20


class Command(BaseCommand):
    help = "Adds or updates records from a file of JSON lines (.gz too), then refreshes the index."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument("--no-index", action="store_true", help="leave the index for later")

    def handle(self, **options: Any) -> None:
        try:
            report = import_records(rows(options["file"]))
        except (OSError, EOFError) as error:
            raise CommandError(f"{options['file']} cannot be read: {error}.") from error
        except DatabaseError as error:
            raise CommandError(troubles.described(error)) from error
        if not options["no_index"]:
            indexing.refresh()
        self.stdout.write(json.dumps(asdict(report)) if options["json"] else summary(report))
        if report.errors and not report.accepted:
            raise CommandError("No line of the file is a record. See the reasons above.")


def rows(path: Path) -> Iterator[Any]:
    """Yield the value of each line, or the error that says what is wrong with the line."""
    for line in json_lines.lines(path):
        try:
            yield json_lines.value(line, storable.loads)
        except ValueError as error:
            yield ValueError(f"the line {error}")


def summary(report: ImportReport) -> str:
    lines = [
        f"{report.created} records created, {report.updated} updated, "
        f"{report.unchanged} unchanged, {report.stale} older than what is stored."
    ]
    if report.errors:
        lines.append(f"{len(report.errors)} lines skipped:")
        lines += [f"  line {number}: {why}" for number, why in report.errors[:SHOWN_ERRORS]]
        if len(report.errors) > SHOWN_ERRORS:
            lines.append(f"  … and {len(report.errors) - SHOWN_ERRORS} more (--json lists all)")
    lines += [f"  line {number}: {note}" for number, note in report.notes[:SHOWN_ERRORS]]
    return "\n".join(lines)
