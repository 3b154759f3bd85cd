"""`manage.py sentiment` scores texts from the command line or, as JSON lines, from stdin."""

import json
import sys
from collections.abc import Iterable, Iterator
from queue import Queue
from threading import Thread
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatbot.engines.classifier import sentiment_classifier
from chatbot.management import json_lines
from inference.models.catalogue import ModelError
from inference.sentiment import Classifier, Sentiment

BATCH = 64


class Command(BaseCommand):
    help = "Scores the sentiment of texts: negative, neutral or positive."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("texts", nargs="*", metavar="TEXT")
        parser.add_argument("--json", action="store_true", help="print one JSON document")
        parser.add_argument(
            "--jsonl", action="store_true", help='read {"text": …} lines from standard input'
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["texts"] and not options["jsonl"]:
            raise CommandError("Give a text, or --jsonl and one JSON object per line on stdin.")
        try:
            classifier = sentiment_classifier()
        except ModelError as error:
            raise CommandError(str(error)) from error
        if options["jsonl"]:
            for answer in answers(sys.stdin.buffer, classifier):
                self.stdout.write(json.dumps(answer))
                self.stdout.flush()
            return
        sentiments = classifier.score(options["texts"])
        if options["json"]:
            self.stdout.write(json.dumps([*map(as_json, sentiments)], indent=1))
            return
        for text, sentiment in zip(options["texts"], sentiments, strict=True):
            self.stdout.write(
                f"{sentiment.label:9}{sentiment.score:+.2f}  "
                f"{sentiment.confidence:.0%} sure  {text}"
            )


def as_json(sentiment: Sentiment) -> dict[str, Any]:
    return {
        "label": sentiment.label,
        "score": sentiment.score,
        "confidence": sentiment.confidence,
    }


def answers(lines: Iterable[str | bytes], classifier: Classifier) -> Iterator[dict[str, Any]]:
    """Yield one answer per line, in order; a line that cannot be read gets its error."""
    for batch in _batches(lines):
        requests = [_request(line) for line in batch]
        texts = [request["text"] for request in requests if "error" not in request]
        sentiments = iter(classifier.score(texts))
        for request in requests:
            echo = {"id": request["id"]} if "id" in request else {}
            if "error" in request:
                yield echo | {"error": request["error"]}
            else:
                yield echo | as_json(next(sentiments))


def _batches(lines: Iterable[str | bytes]) -> Iterator[list[str | bytes]]:
    """Yield the lines that have arrived, at most BATCH at a time.

    A thread reads: a program that waits for each answer before it writes the next line gets
    it, and one that writes a whole file is answered in batches.
    """
    queue: Queue[str | bytes | None] = Queue(maxsize=4 * BATCH)

    def read() -> None:
        try:
            for line in lines:
                queue.put(line)
        finally:
            queue.put(None)

    Thread(target=read, daemon=True).start()
    ended = False
    while not ended:
        batch = [queue.get()]
        while len(batch) < BATCH and not queue.empty():
            batch.append(queue.get())
        ended = None in batch
        yield [line for line in batch if line is not None]


def _request(line: str | bytes) -> dict[str, Any]:
    """Return what one line asks: `text` is a string, or there is an `error`."""
    try:
        request = json_lines.read(line)
    except json_lines.LineError as error:
        return {"error": str(error)}
    kept = {"id": request["id"]} if "id" in request else {}
    if not isinstance(request.get("text"), str):
        return kept | {"error": '"text" must be a string.'}
    return kept | {"text": request["text"]}
