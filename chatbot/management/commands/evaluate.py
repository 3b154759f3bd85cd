"""`manage.py evaluate` prints figures on a labelled file."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatbot.evaluation import (
    alerts,
    answers,
    delay,
    dialects,
    grounding,
    intents,
    reading,
    retrieval,
    routes,
    sentiment,
    turns,
    wishes,
)
from inference import json_lines
from inference.generation.client import GenerationError
from inference.index import IndexUnavailable
from inference.models.catalogue import ModelError
from inference.sentiment import written

EVALUATIONS = {
    "alerts": alerts,
    "answers": answers,
    "delay": delay,
    "dialects": dialects,
    "grounding": grounding,
    "intents": intents,
    "reading": reading,
    "retrieval": retrieval,
    "routes": routes,
    "sentiment": sentiment,
    "turns": turns,
    "wishes": wishes,
}


class Command(BaseCommand):
    help = (
        "Prints figures on a labelled file of JSON lines (.gz too). answers: asks each "
        '{"id", "kind", "customer", "question", "expect"}; delay: on the same file, measures the '
        "time to the first sentence with and without reading ahead, beside the bare "
        "model's; routes: on the same file, measures "
        'what the tiers save and cost; retrieval: searches for each {"question", "customer", '
        '"relevant"}; grounding: checks each sentence of {"record", "pairs"}; reading: ranks the '
        'lines of {"question", "lines", "answers"} and checks the claim of {"premise", "claim", '
        '"label"}, also of companies in one file or a folder; dialects: asks the questions of '
        'companies in dialects, too; sentiment: scores each {"text", '
        '"label"}; intents: hears what is wanted in each {"text", "intents"}; wishes: finds the '
        'action that is wished for in {"actions", "messages"}; alerts: finds the message that '
        'alerts an agent in {"messages", "alert_at"}, or in single messages with "now" or "no"; '
        "turns: holds each conversation of "
        '{"company", "customer", "today", "turns"}.'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=list(EVALUATIONS))
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--wrong", action="store_true", help="print each wrong answer")
        parser.add_argument(
            "--report", type=Path, metavar="FOLDER", help="write a Markdown report and plots there"
        )
        parser.add_argument(
            "--corpus",
            type=read,
            metavar="FILE",
            help='retrieval: search these {"id", "title", "text"} instead of the stored records',
        )
        parser.add_argument(
            "--today",
            type=date.fromisoformat,
            metavar="DATE",
            help="answers: ask as if on this day",
        )
        parser.add_argument("--field", help="retrieval: the name of the field that holds the query")

    def handle(self, **options: Any) -> None:
        evaluation: Any = EVALUATIONS[options["what"]]
        try:
            result = evaluation.run(read(options["file"]), options)
        except (OSError, ValueError, KeyError) as error:
            raise CommandError(f"{options['file']} cannot be used: {error!r}.") from error
        except (GenerationError, IndexUnavailable, ModelError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            json.dumps(result["figures"]) if options["json"] else evaluation.as_text(result)
        )
        if options["report"]:
            self.report(evaluation, result, options)
        if options["wrong"]:
            self.stdout.write(result["wrong"])

    def report(self, evaluation: Any, result: dict[str, Any], options: dict[str, Any]) -> None:
        folder = options["report"]
        folder.mkdir(parents=True, exist_ok=True)
        pictures = evaluation.draw(result, folder) if hasattr(evaluation, "draw") else []
        title = f"# {options['what'].capitalize()}: {options['file'].name}"
        images = [f"![{picture.removesuffix('.png')}]({picture})" for picture in pictures]
        path = folder / f"{options['what']}.md"
        path.write_text("\n\n".join([title, evaluation.as_text(result), *images]) + "\n")
        self.stderr.write(f"The report is in {path}.")


def read(path: Path | str) -> list[dict[str, Any]]:
    """Return the rows of a file, or of all files in a folder: JSON lines, or messages by tabs."""
    files = [Path(path)]
    if Path(path).is_dir():
        files = sorted(file for file in Path(path).iterdir() if file.suffix in {".jsonl", ".tsv"})
    return [row for file in files for row in rows_of(file)]


def rows_of(file: Path) -> Iterable[dict[str, Any]]:
    return written.rows(file) if file.suffix == ".tsv" else json_lines.rows(file)
