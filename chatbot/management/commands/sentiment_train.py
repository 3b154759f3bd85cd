"""`manage.py sentiment_train` trains the sentiment classifier, or teaches it on site."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatbot.conversation import corrections
from chatbot.engines.classifier import WEIGHTS, sentiment_classifier, sentiment_site
from inference.models import catalogue
from inference.models.catalogue import ModelError
from inference.sentiment import site


class Command(BaseCommand):
    help = (
        "Trains the sentiment classifier on labelled texts (two hours on two cores), or, with "
        "--from-corrections, teaches the running classifier from agents' corrections (seconds)."
    )
    # The checks may ask for the weights that this command makes.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        shared = os.environ.get("ATTUNE_SHARED") or Path(settings.BASE_DIR).parent / "shared"
        work = catalogue.models_dir().parent / "sentiment"
        parser.add_argument("--data", type=Path, default=Path(shared) / "data", metavar="FOLDER")
        parser.add_argument(
            "--work",
            type=Path,
            default=work,
            metavar="FOLDER",
            help="keeps the results of finished steps",
        )
        modes = parser.add_mutually_exclusive_group()
        modes.add_argument("--from-corrections", action="store_true")
        modes.add_argument(
            "--export", type=Path, metavar="FILE", help="only export the corrections as JSON lines"
        )
        modes.add_argument(
            "--further",
            action="store_true",
            help="train the delivered classifier further on customers' messages (17 minutes)",
        )
        modes.add_argument(
            "--hold-out",
            action="store_true",
            help="only measure each source with a classifier that never saw it (20 minutes)",
        )
        modes.add_argument("--rollback", action="store_true", help="return to the previous weights")

    def handle(self, **options: Any) -> None:
        try:
            if options["from_corrections"]:
                self.learn()
            elif options["export"]:
                self.export(options["export"])
            elif options["rollback"]:
                self.roll_back()
            elif options["further"]:
                self.make_further(options["data"], options["work"])
            elif options["hold_out"]:
                self.hold_out(options["data"], options["work"])
            else:
                self.make(options["data"], options["work"])
        except (ModelError, OSError, site.TooFew) as error:
            raise CommandError(str(error)) from error

    def make(self, data: Path, work: Path) -> None:
        from inference.sentiment import training

        models = {name: catalogue.published(name) for name in ("encoder", "large-reranker")}
        folders = training.Folders(data, models["large-reranker"], models["encoder"], work)
        manifest = training.make(folders, WEIGHTS, self.stderr.write)
        self.stdout.write(json.dumps(manifest, indent=1))

    def make_further(self, data: Path, work: Path) -> None:
        from inference.sentiment import training

        start = catalogue.located("encoder")
        folders = training.Folders(data, start, start, work)
        manifest = training.make_further(folders, WEIGHTS, self.stderr.write)
        self.stdout.write(json.dumps(manifest, indent=1))

    def hold_out(self, data: Path, work: Path) -> None:
        from inference.sentiment.distillation import held_out

        start = catalogue.located("encoder")
        self.stdout.write(held_out.compare(data, start, work, self.stderr.write))

    def learn(self) -> None:
        pairs = [(row["text"], row["label"]) for row in corrections.export()]
        verdict = site.learn(sentiment_classifier(), WEIGHTS, pairs, sentiment_site())
        self.stdout.write(json.dumps(verdict.figures, indent=1))
        if not verdict.version:
            raise CommandError(f"Refused: {verdict.reason}. The running weights stay in service.")
        self.stdout.write(f"In service now: {verdict.version}, because {verdict.reason}.")

    def export(self, path: Path) -> None:
        rows = list(corrections.export())
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        self.stdout.write(f"{len(rows)} corrections without personal data: {path}")

    def roll_back(self) -> None:
        before = site.roll_back(sentiment_site())
        self.stdout.write(f"In service now: {before or 'the delivered weights'}.")
