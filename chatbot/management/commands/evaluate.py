"""Figures on a labelled file."""

import gzip
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatbot.evaluation import answers, grounding, retrieval, sentiment
from inference.catalogue import ModelError
from inference.index import IndexUnavailable

EVALUATIONS = {
    "answers": answers,
    "grounding": grounding,
    "retrieval": retrieval,
    "sentiment": sentiment,
}


class Command(BaseCommand):
    help = (
        'Prints figures on a labelled file (JSON lines, .gz too). answers: {"id", "kind", '
        '"customer", "question", "expect"}, each question is asked; retrieval: {"question", '
        '"customer", "relevant"}, each is looked up; grounding: {"record", "pairs"}, each sentence '
        'of a pair is checked; sentiment: {"text", "label"}.'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=list(EVALUATIONS))
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--wrong", action="store_true", help="show each wrong answer")
        parser.add_argument(
            "--corpus",
            type=read,
            metavar="FILE",
            help='retrieval: search these {"id", "title", "text"} instead of the records on file',
        )
        parser.add_argument("--field", help="retrieval: what the query is called in each line")

    def handle(self, **options: Any) -> None:
        evaluation: Any = EVALUATIONS[options["what"]]
        try:
            found = evaluation.run(read(options["file"]), options)
        except (OSError, ValueError, KeyError) as error:
            raise CommandError(f"{options['file']} cannot be used: {error!r}.") from error
        except (IndexUnavailable, ModelError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            json.dumps(found["figures"]) if options["json"] else evaluation.in_words(found)
        )
        if options["wrong"]:
            self.stdout.write(found["wrong"])


def read(path: Path | str) -> list[dict[str, Any]]:
    opened = gzip.open if str(path).endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]
