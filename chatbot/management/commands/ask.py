"""`manage.py ask` runs the whole pipeline without a browser."""

import asyncio
import json
from argparse import ArgumentParser
from collections.abc import Coroutine
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatbot.console.traces import why_withheld
from chatbot.management import json_lines
from chatbot.operations.checks import CONFIGURATION
from chatbot.reply.ask import Talk, ask
from inference.index import IndexUnavailable
from inference.text import blank


class Command(BaseCommand):
    help = "Answers a question as the bot would, with its sources and the sentences it withheld."
    # The other checks load the admin and the API.
    requires_system_checks = [CONFIGURATION]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("question", nargs="?")
        parser.add_argument("--customer", help="CRM customer id; without it, only shared records")
        parser.add_argument(
            "--today", type=date.fromisoformat, metavar="DATE", help="answer as on that day"
        )
        parser.add_argument("--json", action="store_true")
        parser.add_argument(
            "--jsonl",
            action="store_true",
            help='read {"id", "customer", "question"} lines from standard input; "today" is '
            'optional, and so is "follows": true for a question that follows the previous one',
        )

    def handle(self, **options: Any) -> None:
        try:
            self.answer(options)
        except IndexUnavailable as error:
            raise CommandError(str(error)) from error

    def answer(self, options: dict[str, Any]) -> None:
        if options["jsonl"]:
            # One event loop for all lines, so that the client keeps its connection.
            self.talk = Talk()
            with asyncio.Runner() as runner:
                json_lines.answer_lines(lambda asked: runner.run(self.turn(asked)))
            return
        if blank(options["question"] or ""):
            raise CommandError('Give a question: manage.py ask --customer ID "Where is my order?"')
        result = asyncio.run(
            ask(
                options["question"],
                json_lines.customer_option(options["customer"]),
                today=options["today"],
            )
        )
        self.stdout.write(
            json.dumps(result, ensure_ascii=False) if options["json"] else as_text(result)
        )

    def turn(self, asked: dict[str, Any]) -> Coroutine[Any, Any, dict[str, Any]]:
        """Look the customer up before the event loop runs, which the ORM refuses to block."""
        if asked.get("follows") is not True:
            self.talk = Talk()
        question, customer = json_lines.text_of(asked, "question"), json_lines.customer_of(asked)
        return ask(question, customer, today=day(asked.get("today")), talk=self.talk)


def day(given: object) -> date | None:
    try:
        return None if given is None else date.fromisoformat(str(given))
    except ValueError:
        raise json_lines.LineError('"today" must be a date such as 2026-11-29.') from None


def as_text(result: dict[str, Any]) -> str:
    sentiment, timings = result["sentiment"], result["timings"]
    parts = [result["answer"], ""]
    if "error" in result:
        parts.append(f"Error: {result['error']} Is Attune running (make run)?")
    if result["citations"]:
        sources = ", ".join(f"{source['title']} ({source['id']})" for source in result["citations"])
        parts.append(f"Sources: {sources}")
    parts += [
        f"Withheld: {held['sentence']}  [{why_withheld(held)}]" for held in result["withheld"]
    ]
    parts.append(f"State: {result['state']}, route: {result['route']}. {result['reason']}")
    parts.append(f"Sentiment: {sentiment['label']} ({sentiment['score']:+.2f})")
    parts.append(", ".join(f"{name} {seconds:.2f} s" for name, seconds in timings.items()))
    return "\n".join(parts)
