"""`manage.py sentiment_report` measures every variant of the classifier in one run."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatbot.engines.classifier import WEIGHTS
from inference.models.catalogue import models_dir


class Command(BaseCommand):
    help = "Measures the variants that sentiment_train made: accuracy, calibration, size, speed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        shared = os.environ.get("ATTUNE_SHARED") or Path(settings.BASE_DIR).parent / "shared"
        work = models_dir().parent / "sentiment"
        parser.add_argument("--data", type=Path, default=Path(shared) / "data", metavar="FOLDER")
        parser.add_argument("--work", type=Path, default=work, metavar="FOLDER")
        parser.add_argument("--to", type=Path, default=WEIGHTS, metavar="FOLDER")

    def handle(self, **options: Any) -> None:
        variants = options["work"] / "variants"
        if not variants.is_dir():
            raise CommandError(
                f"There are no variants in {variants}. Type: python manage.py sentiment_train"
            )
        from inference.sentiment.report import report

        report(variants, options["data"], options["to"], self.stderr.write)
        self.stdout.write((options["to"] / "report.md").read_text())
