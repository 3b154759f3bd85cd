"""`manage.py reading_train` trains the model that finds the lines that answer."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatbot.engines.reader import RERANKING, WEIGHTS
from chatbot.evaluation import companies, talks
from inference import json_lines
from inference.models import catalogue
from inference.models.catalogue import ModelError
from inference.reading.training.data import Lesson

COMPANIES = settings.BASE_DIR / "inference" / "reading" / "companies"
CONVERSATIONS = settings.BASE_DIR / "inference" / "conversations"
# Conversations that are not trained on.
KEPT = COMPANIES.parent / "turns.jsonl"


class Command(BaseCommand):
    help = (
        "Trains the model that finds the lines that answer, on the questions of the companies in "
        "inference/reading/companies, and the one that ranks the best of them again (an hour on "
        "two cores)."
    )
    # It also runs where the installation's settings are incomplete.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--heads",
            action="store_true",
            help="train only the small heads: what is asked, what fields mean (seconds)",
        )
        parser.add_argument(
            "--reranker",
            action="store_true",
            help="train only the model that ranks the reader's first lines again (half an hour)",
        )
        work = catalogue.models_dir().parent / "reading"
        parser.add_argument(
            "--work",
            type=Path,
            default=work,
            metavar="FOLDER",
            help="the folder that keeps an unfinished training",
        )

    def handle(self, **options: Any) -> None:
        from inference.reading.training import heads, recipe

        if options["heads"]:
            self.stdout.write(json.dumps(heads.make(WEIGHTS, recorded()), indent=1))
            return
        try:
            start = catalogue.located("encoder")
            folders, say = recipe.Folders(start, options["work"]), self.stderr.write
            by_company = taught()
            if not options["reranker"]:
                manifest = recipe.make(folders, by_company, WEIGHTS, say)
                heads.make(WEIGHTS, recorded())
            lessons = [*by_company.items(), *spoken(sorted(CONVERSATIONS.glob("*.jsonl")))]
            kept = [lesson for _, lesson in spoken([KEPT])]
            manifest = recipe.make_reranker(folders, WEIGHTS, lessons, kept, RERANKING, say)
        except (ModelError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(manifest, indent=1))


def taught() -> dict[str, Lesson]:
    return {
        path.stem: companies.lesson(list(json_lines.rows(path)))
        for path in sorted(COMPANIES.glob("*.jsonl"))
    }


def spoken(files: Iterable[Path]) -> Iterator[tuple[str, Lesson]]:
    """Yield each conversation with the name of its company."""
    for path in files:
        for talk in json_lines.rows(path):
            yield talk["company"], talks.lesson(rows_of(talk["company"]), talk)


@lru_cache
def rows_of(company: str) -> list[dict[str, Any]]:
    return list(json_lines.rows(COMPANIES / f"{company}.jsonl"))


def recorded() -> dict[str, list[dict[str, Any]]]:
    """Return the records of each company."""
    return {
        path.stem: [row["record"] for row in json_lines.rows(path) if "record" in row]
        for path in sorted(COMPANIES.glob("*.jsonl"))
    }
