"""Import a file or a folder as the admin's page does, with a saved plan."""

from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.urls import reverse

from crm.importing import files, places, runs
from crm.knowledge import indexing
from crm.models import Import, ImportPlan
from crm.plumbing import troubles

State = Import.State
SHOWN_ERRORS = 20


class Command(BaseCommand):
    help = (
        "Imports tables (CSV, Excel, JSON lines) as records, and texts (Markdown, HTML, Word, PDF) "
        "as articles, with a saved import plan. Without --plan, it uses the import plan with the "
        "same columns."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="a file or a folder")
        parser.add_argument("--plan", help="the import plan's name, as in the admin")
        parser.add_argument("--no-index", action="store_true", help="do not update the index now")

    def handle(self, **options: Any) -> None:
        plan = plan_of(options["plan"])
        try:
            ended = [
                run
                for name, file in files.kept(opened(options["path"]))
                for run in runs.finish(runs.start(name, file, plan))
            ]
        except (OSError, places.PlaceRefused) as error:
            raise CommandError(f"{options['path']} cannot be read: {error}.") from error
        except DatabaseError as error:
            raise CommandError(troubles.described(error)) from error
        for run in ended:
            self.report(run)
        if not options["no_index"]:
            indexing.refresh()
        if any(run.state != State.DONE for run in ended):
            raise CommandError("Not everything was imported. See the reasons above.")

    def report(self, run: Import) -> None:
        counts = ", ".join(f"{count:,} {word}" for word, count in run.counts.items())
        outcome = run.reason or counts
        if run.state == State.ASKING:
            page = reverse("admin:crm_import_change", args=[run.pk])
            asks = " ".join(run.preview["asks"])
            outcome = f"It waits for your choices in the admin at {page}. {asks}"
        self.stdout.write(f"{run.name}: {run.get_state_display()}. {outcome}".rstrip())
        for place, why in run.errors[:SHOWN_ERRORS]:
            self.stdout.write(f"  {place}: {why}")
        if (more := len(run.errors) - SHOWN_ERRORS) > 0:
            self.stdout.write(f"  … and {more} more; the admin lists them")


def plan_of(name: str | None) -> ImportPlan | None:
    if name is None:
        return None
    if plan := ImportPlan.objects.filter(name=name).first():
        return plan
    known = ", ".join(ImportPlan.objects.values_list("name", flat=True)) or "none yet"
    raise CommandError(f"There is no import plan {name!r}. There are: {known}.")


def opened(path: Path) -> list[tuple[str, files.Open]]:
    paths = sorted(places.walked(path)) if path.is_dir() else [path]
    root = path if path.is_dir() else path.parent
    found: list[tuple[str, files.Open]] = [
        (str(each.relative_to(root)), partial(each.open, "rb")) for each in paths
    ]
    if not found:
        raise CommandError(f"There is no file in {path} that can be imported.")
    return found
