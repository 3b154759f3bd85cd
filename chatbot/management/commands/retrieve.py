"""`manage.py retrieve` ranks records for a query, as the bot would find them."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatbot.management import json_lines
from crm.knowledge import search
from inference.index import IndexUnavailable
from inference.text import blank

LIMIT = 5


class Command(BaseCommand):
    help = "Finds records for a query among the customer's own and the shared ones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("query", nargs="?")
        parser.add_argument("--customer", help="CRM customer id; without it, only shared records")
        parser.add_argument("--limit", type=int, default=LIMIT)
        parser.add_argument("--json", action="store_true")
        parser.add_argument(
            "--jsonl",
            action="store_true",
            help='read {"id", "customer", "query", "limit"} lines from standard input',
        )

    def handle(self, **options: Any) -> None:
        try:
            self.answer(options)
        except IndexUnavailable as error:
            raise CommandError(str(error)) from error

    def answer(self, options: dict[str, Any]) -> None:
        if options["jsonl"]:
            json_lines.answer_lines(answered)
            return
        if blank(options["query"] or ""):
            raise CommandError('Give a query: manage.py retrieve --customer ID "red tent"')
        results = records(
            options["query"], json_lines.customer_option(options["customer"]), options["limit"]
        )
        if options["json"]:
            self.stdout.write(json.dumps({"results": results}, ensure_ascii=False))
        else:
            self.stdout.write(as_text(results) or "Nothing found.")


def answered(asked: dict[str, Any]) -> dict[str, Any]:
    limit = asked.get("limit", LIMIT)
    if type(limit) is not int or not 1 <= limit <= 100:
        raise json_lines.LineError('"limit" must be a whole number from 1 to 100.')
    return {
        "results": records(json_lines.text_of(asked, "query"), json_lines.customer_of(asked), limit)
    }


def records(query: str, customer: str | None, limit: int) -> list[dict[str, Any]]:
    return [as_json(hit) for hit in search.search_records(query, customer, limit)]


def as_json(hit: search.Hit) -> dict[str, Any]:
    row = {
        "id": hit.record,
        "score": round(hit.score, 4),
        "title": hit.title,
        "text": hit.text,
    }
    return row | ({"misspelt": hit.misspelt} if hit.misspelt else {})


def as_text(results: list[dict[str, Any]]) -> str:
    return "\n\n".join(
        f"{result['score']:.2f}  {result['title']}  ({result['id']})"
        + (f"  perhaps meant by {result['misspelt']}" if "misspelt" in result else "")
        + "\n"
        + "\n".join(f"      {line}" for line in result["text"].split("\n")[1:])
        for result in results
    )
