"""`manage.py sentiment_train`: train the sentiment head again."""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from inference.catalogue import ModelError, located
from inference.encoder import Encoder
from inference.sentiment import training

WEIGHTS = Path(training.__file__).resolve().parent.parent / "weights" / "sentiment"


class Command(BaseCommand):
    help = "Trains the sentiment head on labelled texts and prints its figures."
    requires_system_checks: list[str] = []  # The checks may ask for the head that this makes.

    def add_arguments(self, parser: CommandParser) -> None:
        shared = os.environ.get("ATTUNE_SHARED") or Path(settings.BASE_DIR).parent / "shared"
        parser.add_argument("--data", type=Path, default=Path(shared) / "data", metavar="FOLDER")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            encoder = Encoder(located("encoder"), threads=os.cpu_count() or 1)
            manifest = training.train(options["data"], encoder, WEIGHTS, self.stderr.write)
        except (ModelError, FileNotFoundError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(manifest, indent=1))
